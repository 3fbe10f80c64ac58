import type { Op } from "./op.ts";
import * as layout from "./state-layout.ts";
import { CoreTranslation, SUPERVISOR_READ, SUPERVISOR_WRITE, TLB_SLOWER } from "./translation.ts";

const {
  ESP,
  SS,
  SEG_ACCESS,
  SEG_BASE,
  SEG_FLAT,
  SEG_LIMIT,
  SEG_VALID,
  TLB_BUFFERED,
  TLB_CODE,
  TLB_MMIO,
  TLB_VALID,
  TLB_WATCHED,
} = layout;

/** What must read TLB_VALID alone for the fast path of an implicit access. */
export const SYSTEM_READ = SUPERVISOR_READ | TLB_MMIO | TLB_WATCHED | TLB_BUFFERED;
export const SYSTEM_WRITE = SUPERVISOR_WRITE | TLB_MMIO | TLB_SLOWER;

/**
 * How instructions reach memory: linear accesses, segmented accesses, the stack.
 *
 * Every access has a fast path (plain memory, right allowed, within one page) and a slow one. Reads of 8 and 16 bits
 * return unsigned numbers, reads of 32 bits signed ones; values written are truncated. Accesses throw #PF, #GP, #SS
 * or #AC before anything is changed, also when they span two pages.
 */
export abstract class CoreMemory extends CoreTranslation {
  /** Machine cycle of the current instruction. */
  abstract now(): number;

  /** Where `modify…` found its operand: host offset, or -1 and a linear address. */
  #modifyHost = -1;
  #modifyLinear = 0;

  // ---- Linear accesses with the current privilege --------------------------------------------------------------

  read8(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.readMask) === TLB_VALID) return this.bytes[(entry & ~0xfff) ^ linear];
    return this.#currentRead(linear, 1) & 0xff;
  }

  read16(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.readMask) === TLB_VALID && (linear & 0xfff) <= 0xffe) {
      return this.view.getUint16((entry & ~0xfff) ^ linear, true);
    }
    return this.#currentRead(linear, 2) & 0xffff;
  }

  read32(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.readMask) === TLB_VALID && (linear & 0xfff) <= 0xffc) {
      return this.view.getInt32((entry & ~0xfff) ^ linear, true);
    }
    return this.#currentRead(linear, 4);
  }

  write8(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID) this.bytes[(entry & ~0xfff) ^ linear] = value;
    else this.#currentWrite(linear, value, 1);
  }

  write16(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID && (linear & 0xfff) <= 0xffe) {
      this.view.setInt16((entry & ~0xfff) ^ linear, value, true);
    } else this.#currentWrite(linear, value, 2);
  }

  write32(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID && (linear & 0xfff) <= 0xffc) {
      this.view.setInt32((entry & ~0xfff) ^ linear, value, true);
    } else this.#currentWrite(linear, value, 4);
  }

  /** Raises #AC when alignment checks are on and `linear` is no multiple of `alignment`: operands above 32 bits. */
  checkAlignment(linear: number, alignment: number): void {
    if (this.alignmentChecked && (linear & (alignment - 1)) !== 0) this.raise(layout.VECTOR_AC, 0);
  }

  /** Raises the fault that writing `size` bytes would raise, and does nothing else. Up to a page. */
  probeWrite(linear: number, size: number): void {
    this.resolve(linear, this.writeRights, true);
    if ((linear & 0xfff) + size > 0x1000) this.resolve(((linear | 0xfff) + 1) | 0, this.writeRights, true);
  }

  // ---- Read, then write the same operand -----------------------------------------------------------------------
  // `modifyN` checks that the operand may be written and reads it; the `modifiedN` that follows cannot fault.

  modify8(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID) return this.bytes[(this.#modifyHost = (entry & ~0xfff) ^ linear)];
    return this.#slowModify(linear, 1) & 0xff;
  }

  modify16(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID && (linear & 0xfff) <= 0xffe) {
      return this.view.getUint16((this.#modifyHost = (entry & ~0xfff) ^ linear), true);
    }
    return this.#slowModify(linear, 2) & 0xffff;
  }

  modify32(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & this.writeMask) === TLB_VALID && (linear & 0xfff) <= 0xffc) {
      return this.view.getInt32((this.#modifyHost = (entry & ~0xfff) ^ linear), true);
    }
    return this.#slowModify(linear, 4);
  }

  modified8(value: number): void {
    if (this.#modifyHost >= 0) this.bytes[this.#modifyHost] = value;
    else this.write8(this.#modifyLinear, value);
  }

  modified16(value: number): void {
    if (this.#modifyHost >= 0) this.view.setInt16(this.#modifyHost, value, true);
    else this.write16(this.#modifyLinear, value);
  }

  modified32(value: number): void {
    if (this.#modifyHost >= 0) this.view.setInt32(this.#modifyHost, value, true);
    else this.write32(this.#modifyLinear, value);
  }

  #slowModify(linear: number, size: number): number {
    if (this.alignmentChecked && (linear & (size - 1)) !== 0) this.raise(layout.VECTOR_AC, 0);
    this.probeWrite(linear, size);
    this.#modifyHost = -1;
    this.#modifyLinear = linear;
    return this.#currentRead(linear, size);
  }

  /** One byte of code that is not plain memory. @throws #PF */
  readCodeByte(linear: number): number {
    return this.#readByte(linear, this.readRights);
  }

  // ---- Implicit accesses with supervisor rights (descriptor tables, TSS) ---------------------------------------

  systemRead8(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_READ) === TLB_VALID) return this.bytes[(entry & ~0xfff) ^ linear];
    return this.#slowRead(linear, 1, SUPERVISOR_READ) & 0xff;
  }

  systemRead16(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_READ) === TLB_VALID && (linear & 0xfff) <= 0xffe) {
      return this.view.getUint16((entry & ~0xfff) ^ linear, true);
    }
    return this.#slowRead(linear, 2, SUPERVISOR_READ) & 0xffff;
  }

  systemRead32(linear: number): number {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_READ) === TLB_VALID && (linear & 0xfff) <= 0xffc) {
      return this.view.getInt32((entry & ~0xfff) ^ linear, true);
    }
    return this.#slowRead(linear, 4, SUPERVISOR_READ);
  }

  systemWrite8(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_WRITE) === TLB_VALID) this.bytes[(entry & ~0xfff) ^ linear] = value;
    else this.#slowWrite(linear, value, 1, SUPERVISOR_WRITE);
  }

  systemWrite16(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_WRITE) === TLB_VALID && (linear & 0xfff) <= 0xffe) {
      this.view.setInt16((entry & ~0xfff) ^ linear, value, true);
    } else {
      this.#slowWrite(linear, value, 2, SUPERVISOR_WRITE);
    }
  }

  systemWrite32(linear: number, value: number): void {
    const entry = this.tlb[linear >>> 12];
    if ((entry & SYSTEM_WRITE) === TLB_VALID && (linear & 0xfff) <= 0xffc) {
      this.view.setInt32((entry & ~0xfff) ^ linear, value, true);
    } else {
      this.#slowWrite(linear, value, 4, SUPERVISOR_WRITE);
    }
  }

  // ---- Slow paths ------------------------------------------------------------------------------------------------

  #currentRead(linear: number, size: number): number {
    if (this.readMask === 0) this.observe(linear, size, false);
    return this.#slowRead(linear, size, this.readRights);
  }

  #currentWrite(linear: number, value: number, size: number): void {
    if (this.writeMask === 0) this.observe(linear, size, true);
    this.#slowWrite(linear, value, size, this.writeRights);
  }

  #slowRead(linear: number, size: number, rights: number): number {
    if ((linear & 0xfff) + size > 0x1000) return this.#readAcrossPages(linear, size, rights);
    const host = this.resolve(linear, rights, false);
    const value = host >= 0 ? this.#readHost(host, size) : this.readBus(size);
    if (this.hostWatchpoints !== null) this.accessed(linear, host, size, false, value, value);
    return value;
  }

  #readHost(host: number, size: number): number {
    const value = this.#readMemory(host, size);
    return this.storeBuffer === null ? value : this.storeBuffer.forward(host, size, value);
  }

  #readMemory(host: number, size: number): number {
    if (size === 4) return this.view.getInt32(host, true);
    return size === 2 ? this.view.getUint16(host, true) : this.bytes[host];
  }

  #readByte(linear: number, rights: number): number {
    const host = this.resolve(linear, rights, false);
    return host >= 0 ? this.bytes[host] : this.readBus(1) & 0xff;
  }

  #readAcrossPages(linear: number, size: number, rights: number): number {
    // Both pages must be there before a device register on the first is read.
    this.resolve(linear, rights, false);
    this.resolve(((linear | 0xfff) + 1) | 0, rights, false);
    let value = 0;
    for (let i = 0; i < size; i++) value |= (this.#slowRead((linear + i) | 0, 1, rights) & 0xff) << (8 * i);
    return value;
  }

  #slowWrite(linear: number, value: number, size: number, rights: number): void {
    if ((linear & 0xfff) + size > 0x1000) {
      this.resolve(linear, rights, true);
      this.resolve(((linear | 0xfff) + 1) | 0, rights, true);
      for (let i = 0; i < size; i++) this.#writeWithinPage((linear + i) | 0, value >> (8 * i), 1, rights);
    } else this.#writeWithinPage(linear, value, size, rights);
  }

  #writeWithinPage(linear: number, value: number, size: number, rights: number): void {
    const host = this.resolve(linear, rights, true);
    if (this.hostWatchpoints !== null) {
      this.accessed(linear, host, size, true, host < 0 ? value : this.#readHost(host, size), value);
    }
    if (host < 0) {
      this.writeBus(value, size);
      return;
    }
    if (this.storeBuffer !== null) {
      this.storeBuffer.push(host, size, value, this.now());
      // What has been decoded already is not asked for again, and what is executed next is what was stored.
      if (this.codeCache.hasCode(host >>> 12) && this.codeCache.isDecoded(host, size)) this.storeBuffer.drain();
      return;
    }
    this.noteWrite(linear, host);
    if (this.codeCache.hasCode(host >>> 12)) {
      if (this.codeCache.bytesWritten(host, size)) this.endBlock();
    } else {
      this.tlb[linear >>> 12] &= ~TLB_CODE;
    }
    if (size === 4) this.view.setInt32(host, value, true);
    else if (size === 2) this.view.setInt16(host, value, true);
    else this.bytes[host] = value;
  }

  // ---- Segmented accesses ----------------------------------------------------------------------------------------

  /** Offset of the memory operand of `op` in its segment. */
  offsetOf(op: Op): number {
    const r = this.r;
    return (r[op.base] + (r[op.index] << op.scale) + op.disp) & op.addressMask;
  }

  /** Linear address of the memory operand of `op`, checked for an access of `size` bytes. @throws #GP(0), #SS(0) */
  linearOf(op: Op, size: number, write: boolean): number {
    const r = this.r;
    const offset = (r[op.base] + (r[op.index] << op.scale) + op.disp) & op.addressMask;
    return r[SEG_FLAT + op.seg] !== 0 ? offset : this.#checkedAddress(op.seg, offset, size, write);
  }

  /** Linear address of `size` bytes at an offset of a segment. @throws #GP(0), #SS(0) */
  segmentAddress(seg: number, offset: number, size: number, write: boolean): number {
    return this.r[SEG_FLAT + seg] !== 0 ? offset : this.#checkedAddress(seg, offset, size, write);
  }

  /** Intel SDM 3A 5.3 (limits) and 5.5 (types). */
  #checkedAddress(seg: number, offset: number, size: number, write: boolean): number {
    const r = this.r;
    const access = r[SEG_ACCESS + seg];
    const limit = r[SEG_LIMIT + seg] >>> 0;
    const first = offset >>> 0;
    const last = first + size - 1;
    let allowed = r[SEG_VALID + seg] !== 0;
    if ((access & (layout.ACCESS_CODE | layout.ACCESS_EXPAND_DOWN)) === layout.ACCESS_EXPAND_DOWN) {
      allowed &&= first > limit && last <= ((access & layout.ACCESS_BIG) !== 0 ? 0xffffffff : 0xffff);
    } else {
      allowed &&= last <= limit;
    }
    if (this.protectedMode) {
      const code = (access & layout.ACCESS_CODE) !== 0;
      const readWrite = (access & layout.ACCESS_READ_WRITE) !== 0;
      allowed &&= write ? readWrite && !code : readWrite || !code;
    }
    if (!allowed) this.raise(seg === SS ? layout.VECTOR_SS : layout.VECTOR_GP, 0);
    return (r[SEG_BASE + seg] + offset) | 0;
  }

  readSegment8(seg: number, offset: number): number {
    return this.read8(this.segmentAddress(seg, offset, 1, false));
  }
  readSegment16(seg: number, offset: number): number {
    return this.read16(this.segmentAddress(seg, offset, 2, false));
  }
  readSegment32(seg: number, offset: number): number {
    return this.read32(this.segmentAddress(seg, offset, 4, false));
  }
  writeSegment8(seg: number, offset: number, value: number): void {
    this.write8(this.segmentAddress(seg, offset, 1, true), value);
  }
  writeSegment16(seg: number, offset: number, value: number): void {
    this.write16(this.segmentAddress(seg, offset, 2, true), value);
  }
  writeSegment32(seg: number, offset: number, value: number): void {
    this.write32(this.segmentAddress(seg, offset, 4, true), value);
  }

  // ---- Memory operands -------------------------------------------------------------------------------------------

  /** The 8-, 16- or 32-bit memory operand of an instruction. */
  load8(op: Op): number {
    return this.read8(this.linearOf(op, 1, false));
  }
  load16(op: Op): number {
    return this.read16(this.linearOf(op, 2, false));
  }
  load32(op: Op): number {
    return this.read32(this.linearOf(op, 4, false));
  }
  store8(op: Op, value: number): void {
    this.write8(this.linearOf(op, 1, true), value);
  }
  store16(op: Op, value: number): void {
    this.write16(this.linearOf(op, 2, true), value);
  }
  store32(op: Op, value: number): void {
    this.write32(this.linearOf(op, 4, true), value);
  }

  // ---- Stack -------------------------------------------------------------------------------------------------------
  // ESP (or SP) changes only after the access succeeded.

  push16(value: number): void {
    const esp = this.r[ESP];
    const offset = (esp - 2) & this.stackMask;
    this.write16(this.segmentAddress(SS, offset, 2, true), value);
    this.r[ESP] = (esp & ~this.stackMask) | offset;
  }

  push32(value: number): void {
    const esp = this.r[ESP];
    const offset = (esp - 4) & this.stackMask;
    this.write32(this.segmentAddress(SS, offset, 4, true), value);
    this.r[ESP] = (esp & ~this.stackMask) | offset;
  }

  pop16(): number {
    const value = this.peek16(0);
    this.moveStackPointer(2);
    return value;
  }

  pop32(): number {
    const value = this.peek32(0);
    this.moveStackPointer(4);
    return value;
  }

  /** The 16-bit word `distance` bytes above the stack pointer. */
  peek16(distance: number): number {
    return this.read16(this.segmentAddress(SS, (this.r[ESP] + distance) & this.stackMask, 2, false));
  }

  /** The 32-bit word `distance` bytes above the stack pointer. */
  peek32(distance: number): number {
    return this.read32(this.segmentAddress(SS, (this.r[ESP] + distance) & this.stackMask, 4, false));
  }

  /** Adds `distance` bytes to ESP or SP. */
  moveStackPointer(distance: number): void {
    this.setStackPointer(this.r[ESP] + distance);
  }

  /** Sets ESP, or SP alone with a 16-bit stack. */
  setStackPointer(offset: number): void {
    this.r[ESP] = (this.r[ESP] & ~this.stackMask) | (offset & this.stackMask);
  }
}
