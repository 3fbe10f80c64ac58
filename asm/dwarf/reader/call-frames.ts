/** Call frame information: how to find the registers of a caller, in `.debug_frame` and `.eh_frame` (dwarf-5, 6.4). */
import { ElfError } from "../../elf-format.ts";
import type { ByteReader } from "../byte-reader.ts";
import { block, DebugContents, type DebugSource, u64 } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";
import type { CommonEntry, FrameDescription } from "./frame-entries.ts";
import { type FrameRules, runFrameProgram } from "./frame-rules.ts";

const FIRST_ESCAPE = 0xfffffff0;
const DEBUG_FRAME_CIE = 0xffffffff;

export class CallFrames {
  readonly #contents: DebugContents;
  #descriptions: readonly FrameDescription[] | undefined;

  constructor(contents: DebugContents) {
    this.#contents = contents;
  }

  /** By address; those of `.debug_frame` first where both sections have one. */
  get descriptions(): readonly FrameDescription[] {
    this.#descriptions ??= [...this.#section(".debug_frame", false), ...this.#section(".eh_frame", true)].sort(
      (a, b) => a.start - b.start,
    );
    return this.#descriptions;
  }

  /** The description of the code at an address. */
  find(pc: number): FrameDescription | undefined {
    const { descriptions } = this;
    let low = 0;
    let high = descriptions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (descriptions[middle].start <= pc) low = middle + 1;
      else high = middle;
    }
    // Several may begin at one address, and an empty one might hide another.
    for (let i = low - 1; i >= 0 && i > low - 4; i--) if (pc < descriptions[i].end) return descriptions[i];
    return undefined;
  }

  /**
   * The rules for code at an address; undefined where none are told.
   * @param isReturn whether it is a return address, which may lie behind the end of the function that called
   * @throws ElfError for a broken program
   */
  rules(pc: number, isReturn = false): FrameRules | undefined {
    const looked = isReturn ? pc - 1 : pc;
    const description = this.find(looked);
    if (description === undefined) return undefined;
    // What was interrupted, or is to go on with an iret, goes on at the very address.
    return runFrameProgram(description, description.common.isSignalFrame ? pc : looked);
  }

  /** What can be read of a section: a broken entry ends it. */
  #section(name: string, isExceptionFrame: boolean): FrameDescription[] {
    const found: FrameDescription[] = [];
    const common = new Map<number, CommonEntry | undefined>();
    const { length } = this.#contents.bytes(name);
    try {
      for (let at = 0; at + 4 <= length; ) {
        const reader = this.#contents.reader(name, at);
        const size = reader.u32();
        if (size >= FIRST_ESCAPE) break;
        const start = reader.at;
        const end = start + size;
        at = end;
        // In .eh_frame, an entry without a length ends the table of one object.
        if (size === 0) continue;
        const entry = this.#contents.reader(name, start, end);
        const id = entry.u32();
        if (isExceptionFrame ? id === 0 : id === DEBUG_FRAME_CIE) continue;
        const place = isExceptionFrame ? start - id : id;
        if (!common.has(place)) common.set(place, this.#common(name, place));
        const parent = common.get(place);
        if (parent === undefined) continue;
        const description = this.#description(name, entry, end, parent);
        if (description !== undefined && description.end > description.start) found.push(description);
      }
    } catch (error) {
      if (!(error instanceof ElfError)) throw error;
    }
    return found;
  }

  #common(name: string, at: number): CommonEntry | undefined {
    const { length } = this.#contents.bytes(name);
    if (at < 0 || at + 4 > length) return undefined;
    const outer = this.#contents.reader(name, at);
    const end = outer.u32() + outer.at;
    const reader = this.#contents.reader(name, outer.at, end);
    reader.skip(4);
    const version = reader.u8();
    const augmentation = reader.string();
    if (augmentation === "eh") reader.skip(4);
    if (version >= 4) reader.skip(2);
    const codeAlignment = reader.uleb();
    const dataAlignment = reader.sleb();
    const returnColumn = version === 1 ? reader.u8() : reader.uleb();
    let encoding = N.DW_EH_PE_absptr;
    const hasAugmentationData = augmentation.startsWith("z");
    const isKnown = /^(eh|[SB]*|z[LPRSB]*)$/.test(augmentation);
    if (hasAugmentationData) {
      const size = reader.uleb();
      const behind = reader.at + size;
      for (const letter of isKnown ? augmentation.slice(1) : "") {
        if (letter === "R") encoding = reader.u8();
        else if (letter === "L") reader.skip(1);
        else if (letter === "P") this.#pointer(name, reader, reader.u8());
      }
      reader.seek(behind);
    } else if (!isKnown) return undefined;
    return {
      codeAlignment,
      dataAlignment,
      returnColumn,
      isSignalFrame: augmentation.includes("S"),
      program: this.#rest(name, reader, end),
      encoding,
      hasAugmentationData,
    };
  }

  #description(name: string, reader: ByteReader, end: number, common: CommonEntry): FrameDescription | undefined {
    const start = this.#pointer(name, reader, common.encoding);
    const size = this.#pointer(name, reader, common.encoding & 0x0f);
    if (common.hasAugmentationData) reader.skip(reader.uleb());
    if (start === undefined || size === undefined) return undefined;
    return { start, end: start + size, common, program: this.#rest(name, reader, end) };
  }

  #rest(name: string, reader: ByteReader, end: number): Uint8Array {
    return block(reader, this.#contents.bytes(name), end - reader.at);
  }

  /** An encoded address; undefined for one that must be looked up in memory, or counts from what is not known. */
  #pointer(name: string, reader: ByteReader, encoding: number): number | undefined {
    if (encoding === N.DW_EH_PE_omit) return undefined;
    const here = this.#contents.address(name) + reader.at;
    const value = encoded(reader, encoding & 0x0f);
    const base = encoding & 0x70;
    if ((encoding & N.DW_EH_PE_indirect) !== 0 || (base !== 0 && base !== N.DW_EH_PE_pcrel)) return undefined;
    return (value + (base === N.DW_EH_PE_pcrel ? here : 0)) >>> 0;
  }
}

/** The call frame information alone; without any where the file has none. It is read when it is first asked for. */
export function readCallFrames(elf: DebugSource): CallFrames {
  return new CallFrames(new DebugContents(elf));
}

function encoded(reader: ByteReader, format: number): number {
  switch (format) {
    case N.DW_EH_PE_absptr:
    case N.DW_EH_PE_udata4:
    case N.DW_EH_PE_sdata4:
      return reader.u32();
    case N.DW_EH_PE_uleb128:
      return reader.uleb();
    case N.DW_EH_PE_sleb128:
      return reader.sleb();
    case N.DW_EH_PE_udata2:
      return reader.u16();
    case N.DW_EH_PE_sdata2:
      return (reader.u16() << 16) >> 16;
    case N.DW_EH_PE_udata8:
    case N.DW_EH_PE_sdata8:
      return Number(BigInt.asUintN(32, BigInt(u64(reader))));
    default:
      throw reader.error(`an address in the unknown encoding ${format}`);
  }
}
