/** What an object or a linked image tells a debugger. */
import type { LinkedImage } from "../linked-image.ts";
import { type ObjectFile, SHF_EXECINSTR } from "../object-file.ts";
import { debugSections } from "./debug-sections.ts";
import type { DebugFunction, DebugInfo, DebugRange, DebugUnit, DebugVariable } from "./debug-unit.ts";
import { relocatableSections } from "./relocatable-sections.ts";

/** A section that describes the program and is not loaded with it. */
export interface DebugSection {
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * The DWARF sections of a linked program: a compile unit for each object with code or with an entry in `infos`, and the
 * call frame information that objects brought along.
 * @param infos what is known of objects that were no assembly; at most one for each
 */
export function imageDebugSections(image: LinkedImage, infos: readonly DebugInfo[] = []): DebugSection[] {
  const sections = debugSections(imageUnits(image, infos), image.frames);
  return [...sections].map(([name, writer]) => ({ name, data: writer.toBytes() }));
}

interface GrowingUnit {
  readonly ranges: DebugRange[];
  readonly functions: DebugFunction[];
  readonly variables: DebugVariable[];
}

function imageUnits(image: LinkedImage, infos: readonly DebugInfo[]): DebugUnit[] {
  const units = new Map<string, GrowingUnit>();
  const unitNamed = (name: string): GrowingUnit => {
    let unit = units.get(name);
    if (unit === undefined) units.set(name, (unit = { ranges: [], functions: [], variables: [] }));
    return unit;
  };
  const byUnit = new Map(infos.map((info) => [info.unit, info]));
  for (const { unit, address, size } of image.code) {
    const lines = within(image.lines, address, size).map(({ address: at, ...line }) => ({
      offset: at - address,
      ...line,
    }));
    unitNamed(unit).ranges.push({ start: placeAt(address), size, lines });
  }
  for (const { unit } of infos) unitNamed(unit);
  for (const { name, unit, type, address, size, binding, section } of image.symbols) {
    if (unit === undefined) continue;
    const info = byUnit.get(unit);
    const start = placeAt(address);
    const isGlobal = binding !== "local";
    if (type === "function" && size > 0 && section !== undefined && (section.flags & SHF_EXECINSTR) !== 0) {
      unitNamed(unit).functions.push({ name, start, size, isGlobal, signature: info?.functions.get(name) });
    }
    const variable = info?.variables.get(name);
    if (variable !== undefined) unitNamed(unit).variables.push({ name, start, isGlobal, type: variable });
  }
  return [...units].map(([name, { ranges, functions, variables }]) => {
    const info = byUnit.get(name);
    functions.sort((a, b) => a.start.value - b.start.value);
    return info === undefined
      ? { name, ranges, functions }
      : { name, ranges, functions, variables, structs: info.structs };
  });
}

function placeAt(value: number): { section: undefined; value: number } {
  return { section: undefined, value };
}

/** Those of `places`, which are sorted, that lie in the `size` bytes from `address` on. */
function within<P extends { readonly address: number }>(places: readonly P[], address: number, size: number): P[] {
  return places.slice(firstFrom(places, address), firstFrom(places, address + size));
}

/** The index of the first place at `address` or behind it. */
function firstFrom(places: readonly { readonly address: number }[], address: number): number {
  let low = 0;
  let high = places.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle].address < address) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An object with DWARF sections that tell the lines of its code and its functions. */
export function withDebugSections(object: ObjectFile): ObjectFile {
  const code = object.sections.filter(({ flags, size }) => (flags & SHF_EXECINSTR) !== 0 && size > 0);
  const unit: DebugUnit = {
    name: object.name,
    ranges: code.map((section) => ({ start: { section, value: 0 }, size: section.size, lines: section.lines ?? [] })),
    functions: object.symbols.flatMap(({ name, type, section, value, size, binding }) =>
      type === "function" && size > 0 && typeof section === "object"
        ? [{ name, start: { section, value }, size, isGlobal: binding !== "local" }]
        : [],
    ),
  };
  return { ...object, sections: [...object.sections, ...relocatableSections(debugSections([unit]))] };
}
