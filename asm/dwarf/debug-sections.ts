/** The debugging sections of a program: `.debug_line`, `.debug_info` and what these need. */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import type { DebugFunction, DebugInfo, DebugType, DebugUnit } from "./debug-unit.ts";
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

/** Data and their types, in a unit of their own with the structs. */
export interface DebugData {
  readonly info: DebugInfo;
  readonly variables: readonly { readonly name: string; readonly address: number; readonly type: DebugType }[];
}

/** By section name. Sections that would be empty are left out. */
export function debugSections(units: readonly DebugUnit[], data?: DebugData): ReadonlyMap<string, ByteWriter> {
  const lines = new ByteWriter();
  const ranges = new ByteWriter();
  const entries = new EntryWriter();
  const framed: DebugFunction[] = [];
  for (const unit of units) entries.unit(unitEntry(unit, lines, ranges, data?.info, framed));
  if (data !== undefined) entries.unit(dataEntry(data));
  entries.finish();
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
