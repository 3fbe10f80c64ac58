/**
 * `.debug_frame` and `.eh_frame`: where callers' registers are (dwarf-4, 6.4; LSB 5.0, 10.6), in the encoding that
 * GNU as chooses.
 */
import type { ByteWriter, CodeAddress } from "./byte-writer.ts";
import {
  ADDRESS_SIZE,
  DW_CFA_advance_loc,
  DW_CFA_advance_loc1,
  DW_CFA_advance_loc2,
  DW_CFA_advance_loc4,
  DW_CFA_def_cfa,
  DW_CFA_def_cfa_offset,
  DW_CFA_def_cfa_offset_sf,
  DW_CFA_def_cfa_register,
  DW_CFA_def_cfa_sf,
  DW_CFA_offset,
  DW_CFA_offset_extended,
  DW_CFA_offset_extended_sf,
  DW_CFA_register,
  DW_CFA_remember_state,
  DW_CFA_restore,
  DW_CFA_restore_extended,
  DW_CFA_restore_state,
  DW_CFA_same_value,
  DW_CFA_undefined,
  DW_CFA_val_expression,
  DW_CFA_val_offset,
  DW_CFA_val_offset_sf,
  DW_EH_PE_pcrel,
  DW_EH_PE_sdata4,
  DW_OP_addr,
  DWARF_EBP,
  DWARF_EIP,
  DWARF_ESP,
} from "./dwarf-format.ts";

/** Offsets of saved registers are multiples of this. */
export const DATA_ALIGNMENT = -4;

/** A step through a function, or a rule that holds from there on. Offsets are bytes, from the CFA for registers. */
export type FrameInstruction =
  /** `to`: bytes from the start of the function. */
  | { readonly kind: "advance"; readonly to: number }
  | { readonly kind: "def_cfa"; readonly register: number; readonly offset: number }
  | { readonly kind: "def_cfa_register"; readonly register: number }
  | { readonly kind: "def_cfa_offset"; readonly offset: number }
  | { readonly kind: "offset" | "val_offset"; readonly register: number; readonly offset: number }
  | { readonly kind: "register"; readonly register: number; readonly savedIn: number }
  | { readonly kind: "restore" | "undefined" | "same_value"; readonly register: number }
  | { readonly kind: "remember_state" | "restore_state" }
  /** The register has an address for its value. */
  | { readonly kind: "val_address"; readonly register: number; readonly address: CodeAddress }
  /** Instructions already encoded. */
  | { readonly kind: "escape"; readonly bytes: readonly number[] };

/** A run of code whose callers can be found. */
export interface Frame {
  readonly start: CodeAddress;
  /** Bytes. */
  readonly size: number;
  /** The register whose rule gives the return address. */
  readonly returnColumn: number;
  /** Entered between any two instructions of its caller, rather than by a call. */
  readonly isSignalFrame: boolean;
  readonly instructions: readonly FrameInstruction[];
}

/** After a call: the return address is on the stack. */
export const ENTRY_RULES = [
  { kind: "def_cfa", register: DWARF_ESP, offset: 4 },
  { kind: "offset", register: DWARF_EIP, offset: -4 },
] as const satisfies readonly FrameInstruction[];

/** Bytes of `pushl %ebp`, of `movl %esp, %ebp`, of `ret`. */
const PUSH_EBP_SIZE = 1;
const MOVE_ESP_SIZE = 2;
const RET_SIZE = 1;

/** The frame of a function that sets it up as `DebugSignature` says. */
export function usualFrame(start: CodeAddress, size: number): Frame {
  const instructions: FrameInstruction[] = [
    ...ENTRY_RULES,
    { kind: "advance", to: PUSH_EBP_SIZE },
    { kind: "def_cfa_offset", offset: 8 },
    { kind: "offset", register: DWARF_EBP, offset: -8 },
    { kind: "advance", to: PUSH_EBP_SIZE + MOVE_ESP_SIZE },
    { kind: "def_cfa_register", register: DWARF_EBP },
    { kind: "advance", to: size - RET_SIZE },
    { kind: "def_cfa", register: DWARF_ESP, offset: 4 },
    { kind: "restore", register: DWARF_EBP },
  ];
  return { start, size, returnColumn: DWARF_EIP, isSignalFrame: false, instructions };
}

const CIE_VERSION = 1;
/** What tells the common information entries of `.debug_frame` from the others; in `.eh_frame` it is 0. */
const CIE_ID = 0xffffffff;
/** These come only after the common rules. */
const NEVER_COMMON: ReadonlySet<FrameInstruction["kind"]> = new Set([
  "advance",
  "remember_state",
  "val_address",
  "escape",
]);
/** Padding: DW_CFA_nop. */
const PADDING = { alignment: 4, fill: 0 };

export type FrameSection = ".debug_frame" | ".eh_frame";

/** A common information entry that was written. */
interface CommonEntry extends Pick<Frame, "returnColumn" | "isSignalFrame"> {
  /** Where it is in its section. */
  readonly offset: number;
  /** The first of a frame. */
  readonly rules: readonly FrameInstruction[];
}

/** Appends the description of frames to a section; those that begin with the same rules share an entry for these. */
export function writeFrames(writer: ByteWriter, frames: readonly Frame[], section: FrameSection): void {
  const common: CommonEntry[] = [];
  for (const frame of frames) {
    let entry = common.find((candidate) => isCommonTo(candidate, frame));
    if (entry === undefined) {
      const { returnColumn, isSignalFrame, instructions } = frame;
      const end = instructions.findIndex(({ kind }) => NEVER_COMMON.has(kind));
      const rules = end < 0 ? instructions : instructions.slice(0, end);
      entry = { returnColumn, isSignalFrame, rules, offset: writer.length };
      writeCommon(writer, entry, section);
      // The latest is tried first.
      common.unshift(entry);
    }
    writeFrame(writer, frame, frame.instructions.slice(entry.rules.length), entry.offset, section);
  }
}

function isCommonTo({ returnColumn, isSignalFrame, rules }: CommonEntry, frame: Frame): boolean {
  if (returnColumn !== frame.returnColumn || isSignalFrame !== frame.isSignalFrame) return false;
  return rules.every((rule, index) => {
    const other = frame.instructions[index];
    return rule.kind === other?.kind && JSON.stringify(rule) === JSON.stringify(other);
  });
}

function writeCommon(
  writer: ByteWriter,
  { returnColumn, isSignalFrame, rules }: CommonEntry,
  section: FrameSection,
): void {
  const isLoaded = section === ".eh_frame";
  writer.sized(() => {
    writer.u32(isLoaded ? 0 : CIE_ID).u8(CIE_VERSION);
    writer.string(`${isLoaded ? "zR" : ""}${isSignalFrame ? "S" : ""}`);
    writer.uleb(1).sleb(DATA_ALIGNMENT).u8(returnColumn);
    if (isLoaded) writer.uleb(1).u8(DW_EH_PE_pcrel | DW_EH_PE_sdata4);
    writeInstructions(writer, rules);
  }, PADDING);
}

function writeFrame(
  writer: ByteWriter,
  { start, size }: Frame,
  instructions: readonly FrameInstruction[],
  cie: number,
  section: FrameSection,
): void {
  writer.sized(() => {
    if (section === ".eh_frame") {
      writer.u32(writer.length - cie).relativeAddress(start.section!, start.value);
      writer.u32(size).uleb(0); // no augmentation data
    } else {
      writer.sectionOffset(section, cie).address(start).u32(size);
    }
    writeInstructions(writer, instructions);
  }, PADDING);
}

function writeInstructions(writer: ByteWriter, instructions: readonly FrameInstruction[]): void {
  let at = 0;
  for (const instruction of instructions) {
    if (instruction.kind === "advance") {
      writeAdvance(writer, instruction.to - at);
      at = instruction.to;
    } else writeRule(writer, instruction);
  }
}

function writeAdvance(writer: ByteWriter, bytes: number): void {
  if (bytes === 0) return;
  if (bytes <= 0x3f) writer.u8(DW_CFA_advance_loc | bytes);
  else if (bytes <= 0xff) writer.u8(DW_CFA_advance_loc1).u8(bytes);
  else if (bytes <= 0xffff) writer.u8(DW_CFA_advance_loc2).u16(bytes);
  else writer.u8(DW_CFA_advance_loc4).u32(bytes);
}

function writeRule(writer: ByteWriter, rule: Exclude<FrameInstruction, { kind: "advance" }>): void {
  switch (rule.kind) {
    case "def_cfa":
      if (rule.offset >= 0) writer.u8(DW_CFA_def_cfa).uleb(rule.register).uleb(rule.offset);
      else writer.u8(DW_CFA_def_cfa_sf).uleb(rule.register).sleb(factored(rule.offset));
      break;
    case "def_cfa_register":
      writer.u8(DW_CFA_def_cfa_register).uleb(rule.register);
      break;
    case "def_cfa_offset":
      if (rule.offset >= 0) writer.u8(DW_CFA_def_cfa_offset).uleb(rule.offset);
      else writer.u8(DW_CFA_def_cfa_offset_sf).sleb(factored(rule.offset));
      break;
    case "offset":
      writeOffset(writer, rule.register, factored(rule.offset));
      break;
    case "val_offset": {
      const offset = factored(rule.offset);
      if (offset >= 0) writer.u8(DW_CFA_val_offset).uleb(rule.register).uleb(offset);
      else writer.u8(DW_CFA_val_offset_sf).uleb(rule.register).sleb(offset);
      break;
    }
    case "register":
      writer.u8(DW_CFA_register).uleb(rule.register).uleb(rule.savedIn);
      break;
    case "restore":
      if (rule.register <= 0x3f) writer.u8(DW_CFA_restore | rule.register);
      else writer.u8(DW_CFA_restore_extended).uleb(rule.register);
      break;
    case "undefined":
      writer.u8(DW_CFA_undefined).uleb(rule.register);
      break;
    case "same_value":
      writer.u8(DW_CFA_same_value).uleb(rule.register);
      break;
    case "remember_state":
      writer.u8(DW_CFA_remember_state);
      break;
    case "restore_state":
      writer.u8(DW_CFA_restore_state);
      break;
    case "val_address":
      writer
        .u8(DW_CFA_val_expression)
        .uleb(rule.register)
        .uleb(1 + ADDRESS_SIZE);
      writer.u8(DW_OP_addr).address(rule.address);
      break;
    case "escape":
      writer.append(rule.bytes);
      break;
  }
}

function writeOffset(writer: ByteWriter, register: number, offset: number): void {
  if (offset < 0) writer.u8(DW_CFA_offset_extended_sf).uleb(register).sleb(offset);
  else if (register <= 0x3f) writer.u8(DW_CFA_offset | register).uleb(offset);
  else writer.u8(DW_CFA_offset_extended).uleb(register).uleb(offset);
}

function factored(offset: number): number {
  return offset / DATA_ALIGNMENT;
}
