/** Values of attributes in their forms (dwarf-5, 7.5.5 and 7.5.6). */
import type { ByteReader } from "../byte-reader.ts";
import {
  ADDRESS_SIZE,
  DW_FORM_addr,
  DW_FORM_block,
  DW_FORM_data1,
  DW_FORM_data2,
  DW_FORM_data4,
  DW_FORM_data8,
  DW_FORM_data16,
  DW_FORM_exprloc,
  DW_FORM_flag_present,
  DW_FORM_line_strp,
  DW_FORM_ref4,
  DW_FORM_sec_offset,
  DW_FORM_string,
  DW_FORM_strp,
  DW_FORM_udata,
} from "../dwarf-format.ts";
import { block, type DebugContents, leb64, u24, u64 } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";

/** What an attribute has: a number or offset, a string, or the bytes of a block or an expression. */
export type AttributeValue = number | bigint | string | Uint8Array;

const FIXED: Readonly<Record<number, number>> = {
  [DW_FORM_addr]: ADDRESS_SIZE,
  [DW_FORM_data1]: 1,
  [DW_FORM_data2]: 2,
  [DW_FORM_data4]: 4,
  [DW_FORM_data8]: 8,
  [DW_FORM_data16]: 16,
  [DW_FORM_flag_present]: 0,
  [DW_FORM_line_strp]: 4,
  [DW_FORM_strp]: 4,
  [DW_FORM_ref4]: 4,
  [DW_FORM_sec_offset]: 4,
  [N.DW_FORM_flag]: 1,
  [N.DW_FORM_ref1]: 1,
  [N.DW_FORM_ref2]: 2,
  [N.DW_FORM_ref8]: 8,
  [N.DW_FORM_ref_sig8]: 8,
  [N.DW_FORM_ref_addr]: 4,
  [N.DW_FORM_ref_sup4]: 4,
  [N.DW_FORM_ref_sup8]: 8,
  [N.DW_FORM_strp_sup]: 4,
  [N.DW_FORM_implicit_const]: 0,
  [N.DW_FORM_strx1]: 1,
  [N.DW_FORM_strx2]: 2,
  [N.DW_FORM_strx3]: 3,
  [N.DW_FORM_strx4]: 4,
  [N.DW_FORM_addrx1]: 1,
  [N.DW_FORM_addrx2]: 2,
  [N.DW_FORM_addrx3]: 3,
  [N.DW_FORM_addrx4]: 4,
  [N.DW_FORM_GNU_ref_alt]: 4,
  [N.DW_FORM_GNU_strp_alt]: 4,
};

/** Bytes of a form; undefined when that depends on the value. Addresses and offsets have 4. */
export function fixedSizeOf(form: number): number | undefined {
  return FIXED[form];
}

/** @throws ElfError for a form that is not known, or at the end */
export function skipForm(reader: ByteReader, form: number): void {
  const size = FIXED[form];
  if (size !== undefined) {
    reader.skip(size);
    return;
  }
  switch (form) {
    case DW_FORM_string:
      skipString(reader);
      break;
    case N.DW_FORM_block1:
      reader.skip(reader.u8());
      break;
    case N.DW_FORM_block2:
      reader.skip(reader.u16());
      break;
    case N.DW_FORM_block4:
      reader.skip(reader.u32());
      break;
    case DW_FORM_block:
    case DW_FORM_exprloc:
      reader.skip(reader.uleb());
      break;
    case N.DW_FORM_sdata:
    case DW_FORM_udata:
    case N.DW_FORM_ref_udata:
    case N.DW_FORM_strx:
    case N.DW_FORM_addrx:
    case N.DW_FORM_loclistx:
    case N.DW_FORM_rnglistx:
      reader.uleb();
      break;
    case N.DW_FORM_indirect: {
      const actual = reader.uleb();
      if (actual === N.DW_FORM_indirect) throw reader.error("an indirect form that is indirect");
      skipForm(reader, actual);
      break;
    }
    default:
      throw reader.error(`the unknown form ${form}`);
  }
}

function skipString(reader: ByteReader): void {
  while (reader.u8() !== 0);
}

/** Of what the value of a form is read. */
export interface FormContext {
  readonly contents: DebugContents;
  /** The bytes that `reader` reads. */
  readonly section: Uint8Array;
  /** Offset of the unit, from which its references count. */
  readonly unit: number;
  readonly string: (index: number) => string;
  readonly address: (index: number) => number;
}

/** References come as offsets in `.debug_info`, addresses and strings as themselves. @throws ElfError */
export function readForm(reader: ByteReader, form: number, constant: number, context: FormContext): AttributeValue {
  const { contents, section, unit } = context;
  switch (form) {
    case DW_FORM_addr:
    case DW_FORM_data4:
    case DW_FORM_sec_offset:
    case N.DW_FORM_ref_addr:
      return reader.u32();
    case DW_FORM_data1:
    case N.DW_FORM_flag:
      return reader.u8();
    case DW_FORM_data2:
      return reader.u16();
    case DW_FORM_data8:
    case N.DW_FORM_ref_sig8:
      return u64(reader);
    case DW_FORM_data16:
      return block(reader, section, 16);
    case DW_FORM_flag_present:
      return 1;
    case N.DW_FORM_implicit_const:
      return constant;
    case DW_FORM_udata:
      return leb64(reader, false);
    case N.DW_FORM_sdata:
      return leb64(reader, true);
    case DW_FORM_string:
      return reader.string();
    case DW_FORM_strp:
      return contents.string(".debug_str", reader.u32());
    case DW_FORM_line_strp:
      return contents.string(".debug_line_str", reader.u32());
    case N.DW_FORM_strx:
      return context.string(reader.uleb());
    case N.DW_FORM_strx1:
      return context.string(reader.u8());
    case N.DW_FORM_strx2:
      return context.string(reader.u16());
    case N.DW_FORM_strx3:
      return context.string(u24(reader));
    case N.DW_FORM_strx4:
      return context.string(reader.u32());
    case N.DW_FORM_addrx:
      return context.address(reader.uleb());
    case N.DW_FORM_addrx1:
      return context.address(reader.u8());
    case N.DW_FORM_addrx2:
      return context.address(reader.u16());
    case N.DW_FORM_addrx3:
      return context.address(u24(reader));
    case N.DW_FORM_addrx4:
      return context.address(reader.u32());
    case N.DW_FORM_ref1:
      return unit + reader.u8();
    case N.DW_FORM_ref2:
      return unit + reader.u16();
    case DW_FORM_ref4:
      return unit + reader.u32();
    case N.DW_FORM_ref8:
      return unit + Number(u64(reader));
    case N.DW_FORM_ref_udata:
      return unit + reader.uleb();
    case N.DW_FORM_loclistx:
    case N.DW_FORM_rnglistx:
      return reader.uleb();
    case N.DW_FORM_block1:
      return block(reader, section, reader.u8());
    case N.DW_FORM_block2:
      return block(reader, section, reader.u16());
    case N.DW_FORM_block4:
      return block(reader, section, reader.u32());
    case DW_FORM_block:
    case DW_FORM_exprloc:
      return block(reader, section, reader.uleb());
    case N.DW_FORM_indirect: {
      const actual = reader.uleb();
      if (actual === N.DW_FORM_indirect) throw reader.error("an indirect form that is indirect");
      return readForm(reader, actual, constant, context);
    }
    default:
      // What refers to another file.
      skipForm(reader, form);
      return 0;
  }
}
