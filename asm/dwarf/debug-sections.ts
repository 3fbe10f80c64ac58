/** The debugging sections of a program: `.debug_line`, `.debug_info` and what these need. */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import type { DebugFunction, DebugRange, DebugUnit } from "./debug-unit.ts";
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
  DW_LANG_C89,
  DW_LANG_Mips_Assembler,
  DW_OP_addr,
  DW_OP_call_frame_cfa,
  DW_OP_fbreg,
  DW_TAG_compile_unit,
  DW_TAG_formal_parameter,
  DW_TAG_subprogram,
  DW_TAG_variable,
} from "./dwarf-format.ts";
import { Entry, EntryWriter } from "./entry.ts";
import { writeFrames } from "./frame-table.ts";
import { writeLineProgram } from "./line-program.ts";
import { TypeEntries } from "./type-entries.ts";

const PRODUCER = "esp0 as";
const NO_ADDRESS: CodeAddress = { section: undefined, value: 0 };

/** By section name, in the order to write them in. Sections that would be empty are left out. */
export function debugSections(units: readonly DebugUnit[]): ReadonlyMap<string, ByteWriter> {
  const lines = new ByteWriter();
  const ranges = new ByteWriter();
  const entries = new EntryWriter();
  for (const unit of units) entries.unit(unitEntry(unit, lines, ranges));
  entries.finish();
  const framed = units.flatMap(({ functions }) => functions.filter(({ signature }) => signature !== undefined));
  const sections = new Map([
    [".debug_line", lines],
    [".debug_info", entries.info],
    [".debug_abbrev", entries.abbreviations],
    [".debug_ranges", ranges],
    [".debug_frame", writeFrames(framed)],
  ]);
  for (const [name, { length }] of sections) if (length === 0) sections.delete(name);
  return sections;
}

function unitEntry(unit: DebugUnit, lines: ByteWriter, ranges: ByteWriter): Entry {
  const isAssembly = unit.structs === undefined;
  const hasLines = unit.ranges.some((range) => range.lines.length > 0);
  const entry = new Entry(DW_TAG_compile_unit, [
    [DW_AT_producer, PRODUCER],
    [DW_AT_language, isAssembly ? DW_LANG_Mips_Assembler : DW_LANG_C89],
    [DW_AT_name, unit.name],
    [DW_AT_comp_dir, "."],
    [
      DW_AT_stmt_list,
      hasLines ? { debugSection: ".debug_line", offset: writeLineProgram(lines, unit.ranges) } : undefined,
    ],
    ...placeOf(unit.ranges, ranges),
  ]);
  const types = new TypeEntries(entry, unit.structs ?? []);
  for (const definition of unit.functions) addFunction(entry, definition, types);
  for (const { name, start, type } of unit.variables ?? []) {
    entry.add(DW_TAG_variable, [
      [DW_AT_name, name],
      [DW_AT_type, types.of(type)],
      [DW_AT_external, true],
      [DW_AT_location, new ByteWriter().u8(DW_OP_addr).u32(start.value).toBytes()],
    ]);
  }
  return entry;
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
  for (const parameter of signature?.parameters ?? []) {
    const { offset } = parameter;
    // The frame base is just above the return address, where the arguments are.
    const location = offset === undefined ? undefined : new ByteWriter().u8(DW_OP_fbreg).sleb(offset).toBytes();
    entry.add(DW_TAG_formal_parameter, [
      [DW_AT_name, parameter.name],
      [DW_AT_type, types.of(parameter.type)],
      [DW_AT_location, location],
    ]);
  }
}
