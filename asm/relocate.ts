/** Relocation: putting final addresses into the fields that wait for them (System V ABI, i386 supplement, chapter 4). */
import { R_386_NONE, relocationName } from "./elf-format.ts";
import type { OutputSection, PlacedInput } from "./layout.ts";
import { type Relocation, type Section, SHT_NOBITS } from "./object-file.ts";
import { RELOCATION_FIELDS, readField, writeField } from "./relocation-field.ts";
import type { SymbolTable } from "./symbol-table.ts";

const FRAMES: ReadonlySet<string> = new Set([".debug_frame", ".eh_frame"]);

const hex = (value: number): string => (value < 0 ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);

function relocateField(
  { object, section, offset: start }: PlacedInput,
  { address: base }: OutputSection,
  view: DataView,
  relocation: Relocation,
  symbols: SymbolTable,
  errors: string[],
): void {
  const { offset, type, symbol } = relocation;
  const place = (): string => `${object.name} (${section.name}+${hex(offset)})`;
  if (type === R_386_NONE) return;
  const field = RELOCATION_FIELDS[type];
  if (field === undefined) {
    errors.push(`${place()}: ${relocationName(type)} cannot be linked statically (against '${symbol.name}')`);
    return;
  }
  if (section.type === SHT_NOBITS || offset + field.size > section.size) {
    errors.push(`${place()}: ${relocationName(type)} lies outside of the section's ${section.data.length} bytes`);
    return;
  }
  // Frames of what is left out lie at 0, where nobody looks for them.
  if (symbols.isDiscarded(symbol) && !FRAMES.has(section.name)) {
    const name = symbol.name || (symbol.section as Section).name;
    errors.push(`${place()}: '${name}' is in a section group that an object before has too; refer to a global symbol`);
    return;
  }
  const where = start + offset;
  const target = symbols.addressFor(relocation, place) + readField(view, where, field);
  const value = (field.relative ? target - (base + where) : target) | 0;
  if (value < field.minimum || value > field.maximum) {
    errors.push(
      `${place()}: ${relocationName(type)} against '${symbol.name || section.name}' overflows: ` +
        `${hex(value)} does not fit ${field.size * 8} bits`,
    );
    return;
  }
  writeField(view, where, field, value);
}

/**
 * Applies all relocations of an output section.
 * @param data the section's contents, which are changed
 * @param errors where what is wrong is added
 */
export function relocate(output: OutputSection, data: Uint8Array, symbols: SymbolTable, errors: string[]): void {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (const input of output.inputs) {
    for (const relocation of input.section.relocations) {
      relocateField(input, output, view, relocation, symbols, errors);
    }
  }
}
