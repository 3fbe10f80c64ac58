/** What an object or a linked image tells a debugger. */
import type { LinkedImage, LinkedSymbol } from "../linked-image.ts";
import { type ObjectFile, R_386_32, type Section, SHF_EXECINSTR, SHT_PROGBITS } from "../object-file.ts";
import { debugSections } from "./debug-sections.ts";
import type { DebugFunction, DebugInfo, DebugUnit, DebugVariable } from "./debug-unit.ts";

/** A section that describes the program and is not loaded with it. */
export interface DebugSection {
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * The DWARF sections of a linked program: a compile unit for each object with code.
 * @param info what is known of one of the objects, which was no assembly
 */
export function imageDebugSections(image: LinkedImage, info?: DebugInfo): DebugSection[] {
  const sections = debugSections(imageUnits(image, info));
  return [...sections].map(([name, writer]) => ({ name, data: writer.toBytes() }));
}

function imageUnits(image: LinkedImage, info: DebugInfo | undefined): DebugUnit[] {
  const functions = image.symbols.filter(({ type, size }) => type === "function" && size > 0);
  const units = new Map<string, { ranges: DebugUnit["ranges"][number][]; functions: DebugFunction[] }>();
  for (const { unit, address, size } of image.code) {
    const isWithin = (place: { readonly address: number }) =>
      place.address >= address && place.address < address + size;
    const lines = image.lines
      .filter(isWithin)
      .map(({ address: at, file, line }) => ({ offset: at - address, file, line }));
    const made = units.get(unit) ?? { ranges: [], functions: [] };
    units.set(unit, made);
    made.ranges.push({ start: at(address), size, lines });
    const signatures = unit === info?.unit ? info.functions : undefined;
    made.functions.push(
      ...functions.filter(isWithin).map((symbol) => ({
        name: symbol.name,
        start: at(symbol.address),
        size: symbol.size,
        isGlobal: symbol.binding !== "local",
        signature: signatures?.get(symbol.name),
      })),
    );
  }
  return [...units].map(([name, unit]) =>
    name === info?.unit
      ? { name, ...unit, structs: info.structs, variables: variables(image.symbols, info) }
      : { name, ...unit },
  );
}

function at(value: number): { section: undefined; value: number } {
  return { section: undefined, value };
}

function variables(symbols: readonly LinkedSymbol[], info: DebugInfo): DebugVariable[] {
  return symbols.flatMap(({ name, address }) => {
    const type = info.variables.get(name);
    return type === undefined ? [] : [{ name, start: at(address), type }];
  });
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
  const writers = debugSections([unit]);
  const made = new Map<string, Section>();
  for (const [name, writer] of writers) {
    const data = writer.toBytes();
    made.set(name, {
      name,
      type: SHT_PROGBITS,
      flags: 0,
      entrySize: 0,
      alignment: 1,
      data,
      size: data.length,
      relocations: [],
    });
  }
  for (const [name, { references }] of writers) {
    made.get(name)!.relocations = references.map(({ offset, target }) => {
      const section = typeof target === "string" ? made.get(target)! : target;
      return {
        offset,
        type: R_386_32,
        symbol: { name: "", binding: "local", type: "section", section, value: 0, size: 0 },
      };
    });
  }
  return { ...object, sections: [...object.sections, ...made.values()] };
}
