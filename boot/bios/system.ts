/**
 * INT 15h: memory size and map, A20, moves to and from extended memory, and what programs ask to learn that it is not there.
 * Waiting (AH = 86h) and the configuration table (AH = C0h) are in bios.S.
 */
import { EAX, EBX, ECX, EDI, EDX, ES, ESI } from "../../emulator/index.ts";
import { memoryMap, upperMemory } from "../memory-map.ts";
import { EBDA } from "./data-area.ts";
import type { ServiceCall } from "./services.ts";

const SMAP = 0x534d4150;
const E820_BYTES = 20;
const UNSUPPORTED = 0x86;
const SYSTEM_CONTROL_PORT_A = 0x92;
const A20_GATE = 2;
const KIB_BELOW_16_MIB = 15 * 1024;
const LARGEST_88 = 0xffff;
/** Block moves: descriptors of the source and the destination in the table at ES:SI, and what they may be long. */
const SOURCE = 0x10;
const DESTINATION = 0x18;
const MOST_WORDS = 0x8000;

export function systemService(call: ServiceCall): void {
  switch (call.ax) {
    case 0xe820:
      describeRange(call);
      return;
    case 0xe881: {
      // The same in 32-bit registers.
      const { r } = call.core;
      const kib = upperMemory(call.machine);
      r[EAX] = r[ECX] = Math.min(kib, KIB_BELOW_16_MIB);
      r[EBX] = r[EDX] = Math.floor(Math.max(0, kib - KIB_BELOW_16_MIB) / 64);
      call.carry = false;
      return;
    }
    case 0xe801: {
      const kib = upperMemory(call.machine);
      const below = Math.min(kib, KIB_BELOW_16_MIB);
      const above = Math.floor(Math.max(0, kib - KIB_BELOW_16_MIB) / 64);
      call.ax = below;
      call.bx = above;
      call.cx = below;
      call.dx = above;
      call.carry = false;
      return;
    }
    case 0x2400:
    case 0x2401:
      setA20(call, call.al === 1);
      return;
    case 0x2402:
      call.ax = call.machine.memory.a20 ? 1 : 0;
      call.carry = false;
      return;
    case 0x2403:
      call.ax = 0;
      call.bx = 2; // through port 0x92
      call.carry = false;
      return;
  }
  switch (call.ah) {
    case 0x87:
      moveBlock(call);
      return;
    case 0x8a: {
      const kib = upperMemory(call.machine);
      call.dx = kib >>> 16;
      call.ax = kib;
      call.carry = false;
      return;
    }
    case 0x4f:
      // Programs may take this vector to see keys; nobody has, and the key stays.
      call.carry = true;
      return;
    case 0x90:
    case 0x91:
      // A device driver waits for, or has seen, an interrupt: nobody wants to do something else meanwhile.
      call.ah = 0;
      call.carry = false;
      return;
    case 0xc1:
      call.setSegment(ES, EBDA.BASE >>> 4);
      call.carry = false;
      return;
    case 0x88:
      call.ax = Math.min(LARGEST_88, upperMemory(call.machine));
      call.carry = false;
      return;
    default:
      call.ah = UNSUPPORTED;
      call.carry = true;
  }
}

/** AX = E820h: the range numbered EBX to ES:DI, and the next one's number to EBX, 0 after the last. */
function describeRange(call: ServiceCall): void {
  const { machine } = call;
  const { r } = call.core;
  const ranges = memoryMap(machine);
  const index = r[EBX] >>> 0;
  const range = ranges[index];
  if (r[EDX] !== SMAP || r[ECX] >>> 0 < E820_BYTES || range === undefined) {
    call.ah = UNSUPPORTED;
    call.carry = true;
    return;
  }
  const buffer = call.linear(ES, call.register16(EDI));
  const { base, length, type } = range;
  call.write32(buffer, [base, 0, length, 0, type]);
  r[EAX] = SMAP;
  r[ECX] = E820_BYTES;
  r[EBX] = index + 1 < ranges.length ? index + 1 : 0;
  call.carry = false;
}

function setA20(call: ServiceCall, enabled: boolean): void {
  const { ports } = call.machine;
  const value = ports.read8(SYSTEM_CONTROL_PORT_A) & ~(A20_GATE | 1);
  ports.write8(SYSTEM_CONTROL_PORT_A, enabled ? value | A20_GATE : value);
  call.ah = 0;
  call.carry = false;
}

/** AH = 87h: CX words between the physical addresses in two descriptors of the table at ES:SI. */
function moveBlock(call: ServiceCall): void {
  const { core, machine } = call;
  const table = call.linear(ES, call.register16(ESI));
  const base = (descriptor: number) =>
    (core.read32((table + descriptor + 2) | 0) & 0xffffff) | (core.read8((table + descriptor + 7) | 0) << 24);
  if (call.cx > MOST_WORDS) {
    call.ah = 2;
    call.carry = true;
    return;
  }
  const from = base(SOURCE);
  const to = base(DESTINATION);
  const { memory } = machine;
  const a20 = memory.a20;
  memory.a20 = true;
  for (let i = 0; i < call.cx; i++) memory.write16(to + 2 * i, memory.read16(from + 2 * i));
  memory.a20 = a20;
  call.ah = 0;
  call.carry = false;
}
