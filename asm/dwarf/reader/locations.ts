/** Where a variable is at an address of code: one expression, or one of a list (dwarf-4, 2.6.2; dwarf-5, 7.29). */
import { ADDRESS_SIZE } from "../dwarf-format.ts";
import { block } from "./debug-contents.ts";
import * as N from "./dwarf-numbers.ts";
import type { DebugEntry, Unit } from "./entries.ts";

const BASE_SELECTION = 0xffffffff;

/**
 * The DWARF expression that an attribute has for code at `pc`; undefined when it has none there. A variable without a
 * place is gone from the program: optimized out.
 * @throws ElfError
 */
export function locationAt(entry: DebugEntry, name: number, pc: number): Uint8Array | undefined {
  const attribute = entry.attribute(name);
  if (attribute === undefined) return undefined;
  const { value, form } = attribute;
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "number") return undefined;
  const { unit } = entry;
  if (unit.version < 5) return fromLoc(unit, value, pc);
  return fromLists(unit, form === N.DW_FORM_loclistx ? indexed(unit, value) : value, pc);
}

function indexed(unit: Unit, index: number): number {
  const base = unit.root.number(N.DW_AT_loclists_base) ?? 12;
  return base + unit.owner.contents.reader(".debug_loclists", base + index * ADDRESS_SIZE).u32();
}

function fromLoc(unit: Unit, offset: number, pc: number): Uint8Array | undefined {
  const section = unit.owner.contents.bytes(".debug_loc");
  const reader = unit.owner.contents.reader(".debug_loc", offset);
  let base = unit.baseAddress;
  for (;;) {
    const start = reader.u32();
    const end = reader.u32();
    if (start === 0 && end === 0) return undefined;
    if (start === BASE_SELECTION) {
      base = end;
      continue;
    }
    const expression = block(reader, section, reader.u16());
    if (pc >= base + start && pc < base + end) return expression;
  }
}

function fromLists(unit: Unit, offset: number, pc: number): Uint8Array | undefined {
  const section = unit.owner.contents.bytes(".debug_loclists");
  const reader = unit.owner.contents.reader(".debug_loclists", offset);
  let base = unit.baseAddress;
  let otherwise: Uint8Array | undefined;
  for (;;) {
    let start: number;
    let end: number;
    const kind = reader.u8();
    switch (kind) {
      case N.DW_LLE_end_of_list:
        return otherwise;
      case N.DW_LLE_base_addressx:
        base = unit.indexedAddress(reader.uleb());
        continue;
      case N.DW_LLE_base_address:
        base = reader.u32();
        continue;
      case N.DW_LLE_view_pair:
        reader.uleb();
        reader.uleb();
        continue;
      case N.DW_LLE_default_location:
        otherwise = block(reader, section, reader.uleb());
        continue;
      case N.DW_LLE_startx_endx:
        start = unit.indexedAddress(reader.uleb());
        end = unit.indexedAddress(reader.uleb());
        break;
      case N.DW_LLE_startx_length:
        start = unit.indexedAddress(reader.uleb());
        end = start + reader.uleb();
        break;
      case N.DW_LLE_offset_pair:
        start = base + reader.uleb();
        end = base + reader.uleb();
        break;
      case N.DW_LLE_start_end:
        start = reader.u32();
        end = reader.u32();
        break;
      case N.DW_LLE_start_length:
        start = reader.u32();
        end = start + reader.uleb();
        break;
      default:
        throw reader.error(`the unknown kind of location ${kind}`);
    }
    const expression = block(reader, section, reader.uleb());
    if (pc >= start && pc < end) return expression;
  }
}
