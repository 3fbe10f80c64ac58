/** `.debug_frame`: where callers' registers are, in functions with a usual frame (dwarf-4, 6.4). */
import { ByteWriter, type CodeAddress } from "./byte-writer.ts";
import {
  DW_CFA_advance_loc,
  DW_CFA_advance_loc4,
  DW_CFA_def_cfa,
  DW_CFA_def_cfa_offset,
  DW_CFA_def_cfa_register,
  DW_CFA_offset,
  DW_CFA_restore,
  DWARF_EBP,
  DWARF_EIP,
  DWARF_ESP,
} from "./dwarf-format.ts";

/** What tells the common information entry from the others. */
const CIE_ID = 0xffffffff;
const CIE_VERSION = 1;
/** Offsets of saved registers are multiples of this. */
const DATA_ALIGNMENT = -4;
/** Padding: DW_CFA_nop. */
const PADDING = { alignment: 4, fill: 0 };

/** Bytes of `pushl %ebp`, of `movl %esp, %ebp`, of `ret`. */
const PUSH_EBP_SIZE = 1;
const MOVE_ESP_SIZE = 2;
const RET_SIZE = 1;

interface FramedFunction {
  readonly start: CodeAddress;
  readonly size: number;
}

/** Describes functions whose frames are as `DebugSignature` says. */
export function writeFrames(functions: readonly FramedFunction[]): ByteWriter {
  const writer = new ByteWriter();
  if (functions.length === 0) return writer;
  writer.sized(() => {
    writer.u32(CIE_ID).u8(CIE_VERSION).string("").uleb(1).sleb(DATA_ALIGNMENT).u8(DWARF_EIP);
    writer.u8(DW_CFA_def_cfa).uleb(DWARF_ESP).uleb(4);
    writer.u8(DW_CFA_offset | DWARF_EIP).uleb(1);
  }, PADDING);
  for (const { start, size } of functions) {
    writer.sized(() => {
      writer.sectionOffset(".debug_frame", 0).address(start).u32(size);
      writer.u8(DW_CFA_advance_loc | PUSH_EBP_SIZE);
      writer.u8(DW_CFA_def_cfa_offset).uleb(8);
      writer.u8(DW_CFA_offset | DWARF_EBP).uleb(2);
      writer.u8(DW_CFA_advance_loc | MOVE_ESP_SIZE);
      writer.u8(DW_CFA_def_cfa_register).uleb(DWARF_EBP);
      writer.u8(DW_CFA_advance_loc4).u32(size - PUSH_EBP_SIZE - MOVE_ESP_SIZE - RET_SIZE);
      writer.u8(DW_CFA_def_cfa).uleb(DWARF_ESP).uleb(4);
      writer.u8(DW_CFA_restore | DWARF_EBP);
    }, PADDING);
  }
  return writer;
}
