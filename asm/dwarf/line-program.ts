/** `.debug_line`: writing the line number program of a compile unit (dwarf-4, 6.2). */
import type { ByteWriter, CodeAddress } from "./byte-writer.ts";
import type { DebugRange } from "./debug-unit.ts";
import {
  ADDRESS_SIZE,
  DW_LNE_end_sequence,
  DW_LNE_set_address,
  DW_LNS_advance_line,
  DW_LNS_advance_pc,
  DW_LNS_copy,
  DW_LNS_set_column,
  DW_LNS_set_file,
  DWARF_VERSION,
  STANDARD_OPCODE_LENGTHS,
} from "./dwarf-format.ts";

/** A special opcode says: the address grows by 0 to 17, the line by -5 to 8. */
const LINE_BASE = -5;
const LINE_RANGE = 14;
const OPCODE_BASE = STANDARD_OPCODE_LENGTHS.length + 1;

/** Writes the lines of ranges, each a sequence of its own. Returns the offset of the program. */
export function writeLineProgram(writer: ByteWriter, ranges: readonly DebugRange[]): number {
  const start = writer.length;
  const files = new Map<string, number>();
  for (const { lines } of ranges) {
    for (const { file } of lines) if (!files.has(file)) files.set(file, files.size + 1);
  }
  writer.sized(() => {
    writer.u16(DWARF_VERSION);
    writer.sized(() => {
      writer.u8(1).u8(1).u8(1); // minimum_instruction_length, maximum_operations_per_instruction, default_is_stmt
      writer.u8(LINE_BASE).u8(LINE_RANGE).u8(OPCODE_BASE).append(STANDARD_OPCODE_LENGTHS);
      writer.u8(0); // include_directories: none
      for (const file of files.keys()) writer.string(file).uleb(0).uleb(0).uleb(0);
      writer.u8(0);
    });
    for (const range of ranges) if (range.lines.length > 0) writeSequence(writer, range, files);
  });
  return start;
}

function extended(writer: ByteWriter, opcode: number, operandSize: number): ByteWriter {
  return writer
    .u8(0)
    .uleb(1 + operandSize)
    .u8(opcode);
}

function writeSequence(
  writer: ByteWriter,
  { start, size, lines }: DebugRange,
  files: ReadonlyMap<string, number>,
): void {
  const first: CodeAddress = { section: start.section, value: start.value + lines[0].offset };
  extended(writer, DW_LNE_set_address, ADDRESS_SIZE).address(first);
  let at = lines[0].offset;
  let line = 1;
  let file = 1;
  let column = 0;
  for (const row of lines) {
    const number = files.get(row.file)!;
    if (number !== file) writer.u8(DW_LNS_set_file).uleb(number);
    if ((row.column ?? 0) !== column) {
      column = row.column ?? 0;
      writer.u8(DW_LNS_set_column).uleb(column);
    }
    writeRow(writer, row.offset - at, row.line - line);
    at = row.offset;
    line = row.line;
    file = number;
  }
  writer.u8(DW_LNS_advance_pc).uleb(size - at);
  extended(writer, DW_LNE_end_sequence, 0);
}

function writeRow(writer: ByteWriter, addressDelta: number, lineDelta: number): void {
  const isNear = lineDelta >= LINE_BASE && lineDelta < LINE_BASE + LINE_RANGE;
  if (!isNear) writer.u8(DW_LNS_advance_line).sleb(lineDelta);
  const special = (isNear ? lineDelta : 0) - LINE_BASE + LINE_RANGE * addressDelta + OPCODE_BASE;
  if (special <= 0xff) {
    writer.u8(special);
    return;
  }
  writer.u8(DW_LNS_advance_pc).uleb(addressDelta);
  if (isNear) writer.u8(lineDelta - LINE_BASE + OPCODE_BASE);
  else writer.u8(DW_LNS_copy);
}
