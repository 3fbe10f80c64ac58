/** The debugging sections of a program: `.debug_line`, `.debug_info` and what these need. */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import type { DebugBlock, DebugFunction, DebugLocal, DebugRange, DebugUnit } from "./debug-unit.ts";
import {
  DW_AT_comp_dir,
  DW_AT_external,
  DW_AT_frame_base,
  DW_AT_high_pc,
  DW_AT_language,
  DW_AT_location,
  DW_AT_low_pc,
  DW_AT_name,
  DW_AT_producer,
  DW_AT_prototyped,
  DW_AT_ranges,
  DW_AT_stmt_list,
  DW_AT_type,
  DW_LANG_C99,
  DW_LANG_Mips_Assembler,
  DW_OP_addr,
  DW_OP_call_frame_cfa,
  DW_OP_fbreg,
  DW_TAG_compile_unit,
  DW_TAG_formal_parameter,
  DW_TAG_lexical_block,
  DW_TAG_subprogram,
  DW_TAG_variable,
} from "./dwarf-format.ts";
import { Entry, EntryWriter } from "./entry.ts";
import { usualFrame, writeFrames } from "./frame-table.ts";
import { writeLineProgram } from "./line-program.ts";
import { TypeEntries } from "./type-entries.ts";

const PRODUCER = "esp0 as";
const NO_ADDRESS: CodeAddress = { section: undefined, value: 0 };

/** Bytes from EBP to the frame base: above the saved EBP and the return address, where the arguments are. */
const FRAME_BASE = 8;

/**
 * By section name, in the order to write them in. Sections that would be empty are left out.
 * @param frames the `.debug_frame` that there is already
 */
export function debugSections(
  units: readonly DebugUnit[],
  frames: Uint8Array = new Uint8Array(0),
): ReadonlyMap<string, ByteWriter> {
  const lines = new ByteWriter();
  const ranges = new ByteWriter();
  const entries = new EntryWriter();
  const structs = new Map<string, Entry>();
  const made = units.map((unit) => {
    const entry = unitEntry(unit, lines, ranges);
    return { unit, entry, types: new TypeEntries(entry, unit.structs ?? [], structs) };
  });
  for (const { unit, entry, types } of made) {
    types.addMembers();
    for (const definition of unit.functions) addFunction(entry, definition, types);
    for (const { name, start, isGlobal, type } of unit.variables ?? []) {
      const location = new ByteWriter().u8(DW_OP_addr).u32(start.value).toBytes();
      addVariable(entry, name, types.of(type), location, isGlobal);
    }
  }
  for (const { entry } of made) entries.unit(entry);
  entries.finish();
  const framed = units.flatMap(({ functions }) => functions.filter(({ signature }) => signature !== undefined));
  const frameTable = new ByteWriter().append(frames);
  writeFrames(
    frameTable,
    framed.map(({ start, size }) => usualFrame(start, size)),
    ".debug_frame",
  );
  const sections = new Map([
    [".debug_line", lines],
    [".debug_info", entries.info],
    [".debug_abbrev", entries.abbreviations],
    [".debug_ranges", ranges],
    [".debug_frame", frameTable],
  ]);
  for (const [name, { length }] of sections) if (length === 0) sections.delete(name);
  return sections;
}

function unitEntry(unit: DebugUnit, lines: ByteWriter, ranges: ByteWriter): Entry {
  const isAssembly = unit.structs === undefined;
  const hasLines = unit.ranges.some((range) => range.lines.length > 0);
  return new Entry(DW_TAG_compile_unit, [
    [DW_AT_producer, PRODUCER],
    [DW_AT_language, isAssembly ? DW_LANG_Mips_Assembler : DW_LANG_C99],
    [DW_AT_name, unit.name],
    [DW_AT_comp_dir, "."],
    [
      DW_AT_stmt_list,
      hasLines ? { debugSection: ".debug_line", offset: writeLineProgram(lines, unit.ranges) } : undefined,
    ],
    ...placeOf(unit.ranges, ranges),
  ]);
}

/** Where the code of a unit lies: one range, or several in `.debug_ranges`. */
function placeOf(code: readonly DebugRange[], ranges: ByteWriter): Entry["attributes"] {
  if (code.length === 0) return [];
  if (code.length === 1) {
    return [
      [DW_AT_low_pc, code[0].start],
      [DW_AT_high_pc, code[0].size],
    ];
  }
  const offset = ranges.length;
  for (const { start, size } of code) ranges.address(start).address({ ...start, value: start.value + size });
  ranges.u32(0).u32(0);
  return [
    // What the ranges count from.
    [DW_AT_low_pc, NO_ADDRESS],
    [DW_AT_ranges, { debugSection: ".debug_ranges", offset }],
  ];
}

function addFunction(unit: Entry, { name, start, size, isGlobal, signature }: DebugFunction, types: TypeEntries): void {
  const entry = unit.add(DW_TAG_subprogram, [
    [DW_AT_name, name],
    [DW_AT_external, isGlobal || undefined],
    [DW_AT_low_pc, start],
    [DW_AT_high_pc, size],
    [DW_AT_prototyped, signature && true],
    [DW_AT_type, types.of(signature?.returns)],
    [DW_AT_frame_base, signature && Uint8Array.of(DW_OP_call_frame_cfa)],
  ]);
  if (signature === undefined) return;
  for (const { name: parameter, type, offset } of signature.parameters) {
    entry.add(DW_TAG_formal_parameter, [
      [DW_AT_name, parameter],
      [DW_AT_type, types.of(type)],
      [DW_AT_location, offset === undefined ? undefined : inFrame(offset)],
    ]);
  }
  addLocals(entry, signature.locals ?? [], types);
  addBlocks(entry, start, signature.blocks ?? [], types);
}

function addBlocks(parent: Entry, start: CodeAddress, blocks: readonly DebugBlock[], types: TypeEntries): void {
  for (const block of blocks) {
    const entry = parent.add(DW_TAG_lexical_block, [
      [DW_AT_low_pc, { ...start, value: start.value + block.start }],
      [DW_AT_high_pc, block.size],
    ]);
    addLocals(entry, block.locals, types);
    addBlocks(entry, start, block.blocks, types);
  }
}

function addLocals(parent: Entry, locals: readonly DebugLocal[], types: TypeEntries): void {
  for (const { name, type, offset } of locals) {
    addVariable(parent, name, types.of(type), inFrame(offset - FRAME_BASE), false);
  }
}

function addVariable(
  parent: Entry,
  name: string,
  type: Entry | undefined,
  location: Uint8Array,
  isExternal: boolean,
): void {
  parent.add(DW_TAG_variable, [
    [DW_AT_name, name],
    [DW_AT_type, type],
    [DW_AT_external, isExternal || undefined],
    [DW_AT_location, location],
  ]);
}

/** @param offset bytes from the frame base */
function inFrame(offset: number): Uint8Array {
  return new ByteWriter().u8(DW_OP_fbreg).sleb(offset).toBytes();
}
