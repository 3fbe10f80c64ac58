/** `.debug_line`: reading line number programs of versions 2 to 5 (dwarf-4, 6.2; dwarf-5, 6.2). */
import { ElfError } from "../elf-format.ts";
import { ByteReader } from "./byte-reader.ts";
import {
  DW_FORM_block,
  DW_FORM_data1,
  DW_FORM_data2,
  DW_FORM_data4,
  DW_FORM_data8,
  DW_FORM_data16,
  DW_FORM_line_strp,
  DW_FORM_string,
  DW_FORM_strp,
  DW_FORM_udata,
  DW_LNCT_directory_index,
  DW_LNCT_path,
  DW_LNE_define_file,
  DW_LNE_end_sequence,
  DW_LNE_set_address,
  DW_LNS_advance_line,
  DW_LNS_advance_pc,
  DW_LNS_const_add_pc,
  DW_LNS_copy,
  DW_LNS_fixed_advance_pc,
  DW_LNS_negate_stmt,
  DW_LNS_set_column,
  DW_LNS_set_file,
} from "./dwarf-format.ts";

/** A row of a line table. */
export interface LineRow {
  readonly address: number;
  readonly file: string;
  /** Counts from 1; 0 where no line has caused the code. */
  readonly line: number;
  /** Counts from 1; 0 when it is not known. */
  readonly column: number;
  /** Whether a statement begins here. */
  readonly isStatement: boolean;
  /** Whether this is no row but the address behind the last one. */
  readonly isEnd: boolean;
  /** Where in `.debug_line` the address was set from which this one is counted. */
  readonly origin: number;
}

/** Sections by name, as far as they are there. */
export type DebugContents = (name: string) => Uint8Array | undefined;

const OLDEST = 2;
const NEWEST = 5;

interface Header {
  readonly minimumLength: number;
  readonly isStatement: boolean;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** Operands by opcode. */
  readonly operands: readonly number[];
  readonly files: string[];
}

/**
 * The rows of all line number programs, in their order.
 * @throws ElfError for a table that breaks the format's rules
 */
export function readLineRows(contents: DebugContents): LineRow[] {
  const bytes = contents(".debug_line");
  if (bytes === undefined) return [];
  const rows: LineRow[] = [];
  for (let start = 0; start < bytes.length; ) {
    const unit = new ByteReader(bytes, start, bytes.length, ".debug_line");
    const length = unit.u32();
    if (length >= 0xfffffff0) throw new ElfError(`.debug_line: the unit at ${start} is in the 64-bit format`);
    const end = unit.at + length;
    readUnit(new ByteReader(bytes, unit.at, end, ".debug_line"), contents, rows);
    start = end;
  }
  return rows;
}

function readUnit(reader: ByteReader, contents: DebugContents, rows: LineRow[]): void {
  const header = readHeader(reader, contents);
  if (header !== undefined) run(reader, header, rows);
}

/**
 * The files of the line number program at an offset of `.debug_line`, by the numbers that entries of its unit use.
 * @throws ElfError for a table that breaks the format's rules
 */
export function readLineFiles(contents: DebugContents, offset: number): readonly string[] {
  const bytes = contents(".debug_line") ?? new Uint8Array(0);
  const reader = new ByteReader(bytes, offset, bytes.length, ".debug_line");
  reader.skip(4);
  return readHeader(reader, contents)?.files ?? [];
}

/** Up to the program; undefined for a version that is not known. */
function readHeader(reader: ByteReader, contents: DebugContents): Header | undefined {
  const version = reader.u16();
  if (version < OLDEST || version > NEWEST) return undefined;
  if (version >= 5) reader.skip(2); // address_size, segment_selector_size
  const headerLength = reader.u32();
  const program = reader.at + headerLength;
  const minimumLength = reader.u8();
  if (version >= 4) reader.skip(1); // maximum_operations_per_instruction
  const isStatement = reader.u8() !== 0;
  const lineBase = (reader.u8() << 24) >> 24;
  const lineRange = reader.u8();
  if (lineRange === 0) throw reader.error("a line range of 0");
  const opcodeBase = reader.u8();
  const operands = [0];
  for (let opcode = 1; opcode < opcodeBase; opcode++) operands.push(reader.u8());
  const files = version >= 5 ? readFilesOf5(reader, contents) : readFiles(reader);
  reader.seek(program);
  return { minimumLength, isStatement, lineBase, lineRange, opcodeBase, operands, files };
}

function joined(directory: string | undefined, name: string): string {
  return directory === undefined || directory === "" || directory === "." || name.startsWith("/")
    ? name
    : `${directory}/${name}`;
}

/** Up to version 4: strings that an empty one ends; files count from 1. */
function readFiles(reader: ByteReader): string[] {
  const directories: string[] = [""];
  for (let name = reader.string(); name !== ""; name = reader.string()) directories.push(name);
  const files: string[] = [""];
  for (let name = reader.string(); name !== ""; name = reader.string()) {
    files.push(joined(directories[reader.uleb()], name));
    reader.uleb();
    reader.uleb();
  }
  return files;
}

/** From version 5 on: tables that say what they hold; directory 0 is that of the compilation. */
function readFilesOf5(reader: ByteReader, contents: DebugContents): string[] {
  const directories = readTable(reader, contents);
  const files = readTable(reader, contents);
  return files.map(({ path, directory }) => joined(directory === 0 ? undefined : directories[directory]?.path, path));
}

function readTable(reader: ByteReader, contents: DebugContents): { path: string; directory: number }[] {
  const formats: (readonly [content: number, form: number])[] = [];
  for (let left = reader.u8(); left > 0; left--) formats.push([reader.uleb(), reader.uleb()]);
  const count = reader.uleb();
  // An entry takes a byte at least.
  if (formats.length === 0 || count > reader.left) {
    if (count === 0) return [];
    throw reader.error(`${count} files do not fit`);
  }
  return Array.from({ length: count }, () => {
    const entry = { path: "", directory: 0 };
    for (const [content, form] of formats) {
      const value = readForm(reader, form, contents);
      if (content === DW_LNCT_path && typeof value === "string") entry.path = value;
      if (content === DW_LNCT_directory_index && typeof value === "number") entry.directory = value;
    }
    return entry;
  });
}

function readForm(reader: ByteReader, form: number, contents: DebugContents): string | number {
  switch (form) {
    case DW_FORM_string:
      return reader.string();
    case DW_FORM_line_strp:
    case DW_FORM_strp: {
      const name = form === DW_FORM_strp ? ".debug_str" : ".debug_line_str";
      const table = contents(name) ?? new Uint8Array(0);
      return new ByteReader(table, reader.u32(), table.length, name).string();
    }
    case DW_FORM_data1:
      return reader.u8();
    case DW_FORM_data2:
      return reader.u16();
    case DW_FORM_data4:
      return reader.u32();
    case DW_FORM_data8:
      reader.skip(8);
      return 0;
    case DW_FORM_data16:
      reader.skip(16);
      return 0;
    case DW_FORM_udata:
      return reader.uleb();
    case DW_FORM_block:
      reader.skip(reader.uleb());
      return 0;
    default:
      throw reader.error(`a file table with values of the unknown form ${form}`);
  }
}

/** The state machine (dwarf-4, 6.2.2). A row takes a byte at least, so that there are no more rows than bytes. */
function run(reader: ByteReader, header: Header, rows: LineRow[]): void {
  const { minimumLength, lineBase, lineRange, opcodeBase, operands, files } = header;
  let address = 0;
  let origin = reader.at;
  let file = 1;
  let line = 1;
  let column = 0;
  let { isStatement } = header;
  const emit = (isEnd = false): void => {
    rows.push({
      address: address >>> 0,
      file: files[file] ?? "",
      line: Math.max(line, 0),
      column,
      isStatement,
      isEnd,
      origin,
    });
  };
  const restart = (): void => {
    address = 0;
    file = 1;
    line = 1;
    column = 0;
    isStatement = header.isStatement;
  };
  while (reader.left > 0) {
    const opcode = reader.u8();
    if (opcode >= opcodeBase) {
      const special = opcode - opcodeBase;
      address += Math.floor(special / lineRange) * minimumLength;
      line += lineBase + (special % lineRange);
      emit();
      continue;
    }
    switch (opcode) {
      case 0: {
        const next = reader.uleb() + reader.at;
        const extended = reader.u8();
        if (extended === DW_LNE_end_sequence) {
          emit(true);
          restart();
        } else if (extended === DW_LNE_set_address) {
          origin = reader.at;
          address = reader.u32();
        } else if (extended === DW_LNE_define_file) files.push(reader.string());
        reader.seek(next);
        break;
      }
      case DW_LNS_copy:
        emit();
        break;
      case DW_LNS_advance_pc:
        address += reader.uleb() * minimumLength;
        break;
      case DW_LNS_advance_line:
        line += reader.sleb();
        break;
      case DW_LNS_set_file:
        file = reader.uleb();
        break;
      case DW_LNS_set_column:
        column = reader.uleb();
        break;
      case DW_LNS_negate_stmt:
        isStatement = !isStatement;
        break;
      case DW_LNS_const_add_pc:
        address += Math.floor((0xff - opcodeBase) / lineRange) * minimumLength;
        break;
      case DW_LNS_fixed_advance_pc:
        address += reader.u16();
        break;
      default:
        for (let left = operands[opcode]; left > 0; left--) reader.uleb();
    }
  }
}
