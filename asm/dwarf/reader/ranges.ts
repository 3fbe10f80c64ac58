/** Ranges of addresses: of one entry, in `.debug_ranges` and in `.debug_rnglists` (dwarf-4, 2.17.3; dwarf-5, 7.25). */
import { ADDRESS_SIZE, DW_AT_high_pc, DW_AT_low_pc, DW_AT_ranges } from "../dwarf-format.ts";
import * as N from "./dwarf-numbers.ts";
import { type DebugEntry, isAddressForm, type Unit } from "./entries.ts";

/** Linear addresses from `start` up to, not including, `end`. */
export interface AddressRange {
  readonly start: number;
  readonly end: number;
}

const BASE_SELECTION = 0xffffffff;
/** Of one entry; a hostile file could name as many again and again. */
const MOST_RANGES = 100_000;

/** The code of an entry; empty when it has none. @throws ElfError */
export function rangesOf(entry: DebugEntry): AddressRange[] {
  const list = entry.attribute(DW_AT_ranges);
  if (list !== undefined && typeof list.value === "number") {
    const { unit } = entry;
    if (unit.version < 5) return readRanges(unit, list.value);
    return readRangeLists(unit, list.form === N.DW_FORM_rnglistx ? indexed(unit, list.value) : list.value);
  }
  const start = entry.number(DW_AT_low_pc);
  const high = entry.attribute(DW_AT_high_pc);
  if (start === undefined || high === undefined || typeof high.value !== "number") return [];
  const end = isAddressForm(high.form) ? high.value : start + high.value;
  return end > start ? [{ start, end }] : [];
}

export function contains(ranges: readonly AddressRange[], address: number): boolean {
  return ranges.some(({ start, end }) => address >= start && address < end);
}

function readRanges(unit: Unit, offset: number): AddressRange[] {
  const reader = unit.owner.contents.reader(".debug_ranges", offset);
  const ranges: AddressRange[] = [];
  let base = unit.baseAddress;
  while (ranges.length < MOST_RANGES) {
    const start = reader.u32();
    const end = reader.u32();
    if (start === 0 && end === 0) break;
    if (start === BASE_SELECTION) base = end;
    else add(ranges, base + start, base + end);
  }
  return ranges;
}

function add(ranges: AddressRange[], start: number, end: number): void {
  if (end > start) ranges.push({ start: start >>> 0, end: end >>> 0 });
}

/** The offset of a list by its index. */
function indexed(unit: Unit, index: number): number {
  const base = unit.root.number(N.DW_AT_rnglists_base) ?? 12;
  return base + unit.owner.contents.reader(".debug_rnglists", base + index * ADDRESS_SIZE).u32();
}

function readRangeLists(unit: Unit, offset: number): AddressRange[] {
  const reader = unit.owner.contents.reader(".debug_rnglists", offset);
  const ranges: AddressRange[] = [];
  let base = unit.baseAddress;
  while (ranges.length < MOST_RANGES) {
    const kind = reader.u8();
    switch (kind) {
      case N.DW_RLE_end_of_list:
        return ranges;
      case N.DW_RLE_base_addressx:
        base = unit.indexedAddress(reader.uleb());
        break;
      case N.DW_RLE_base_address:
        base = reader.u32();
        break;
      case N.DW_RLE_startx_endx:
        add(ranges, unit.indexedAddress(reader.uleb()), unit.indexedAddress(reader.uleb()));
        break;
      case N.DW_RLE_startx_length: {
        const start = unit.indexedAddress(reader.uleb());
        add(ranges, start, start + reader.uleb());
        break;
      }
      case N.DW_RLE_offset_pair: {
        const start = reader.uleb();
        add(ranges, base + start, base + reader.uleb());
        break;
      }
      case N.DW_RLE_start_end:
        add(ranges, reader.u32(), reader.u32());
        break;
      case N.DW_RLE_start_length: {
        const start = reader.u32();
        add(ranges, start, start + reader.uleb());
        break;
      }
      default:
        throw reader.error(`the unknown kind of range ${kind}`);
    }
  }
  return ranges;
}
