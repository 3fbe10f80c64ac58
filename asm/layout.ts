/** Where sections go: input sections gathered into output sections, and these given addresses and segments. */
import {
  type ObjectFile,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
} from "./object-file.ts";

/** One output section, as a linker script would describe it. */
export interface OutputSectionLayout {
  readonly name: string;
  /**
   * Names of the input sections that go here; `*` stands for any characters. All sections of the first name come first,
   * in the order of the objects, then those of the second, and so on. `COMMON` stands for common symbols, which go
   * where `.bss` goes if no output section asks for them. An input section goes to the first output section that takes it.
   */
  readonly inputs: readonly string[];
  /** Least alignment in bytes, a power of two. */
  readonly align?: number;
  /** Linear address; without it the section follows the one before. */
  readonly address?: number;
  /** Name of a symbol to define at the first byte. */
  readonly start?: string;
  /** Name of a symbol to define just after the last byte. */
  readonly end?: string;
}

export interface PlacedInput {
  readonly object: ObjectFile;
  readonly section: Section;
  /** Bytes from the start of the output section. */
  readonly offset: number;
}

/** An output section with its contents in place; `address` is filled in by `assignAddresses`. */
export interface OutputSection {
  readonly name: string;
  /** Undefined where no input section came and nothing in the layout asked for the section: an orphan's is. */
  readonly layout: OutputSectionLayout | undefined;
  readonly inputs: PlacedInput[];
  type: number;
  flags: number;
  alignment: number;
  size: number;
  address: number;
  /** Sections of the same run are loaded as one segment. */
  run: number;
}

/** What GNU ld's own script comes to for the sections that an assembler and a C compiler make. */
export const DEFAULT_LAYOUT: readonly OutputSectionLayout[] = [
  { name: ".text", inputs: [".text", ".text.*"], end: "_etext" },
  { name: ".rodata", inputs: [".rodata", ".rodata.*"] },
  { name: ".data", inputs: [".data", ".data.*"], end: "_edata" },
  { name: ".bss", inputs: [".bss", ".bss.*", "COMMON"], start: "__bss_start" },
];

/** The name of the input sections that hold common symbols. */
export const COMMON_SECTION = "COMMON";

/** Bytes of padding, beyond which it is cheaper to start a new segment than to store them. */
const LARGEST_GAP = 0x10000;

/** The next multiple of `alignment`, a power of two; exact beyond 32 bits, where shifts are not. */
export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

function patternMatcher(pattern: string): (name: string) => boolean {
  if (!pattern.includes("*")) return (name) => name === pattern;
  const source = pattern
    .split("*")
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  const expression = new RegExp(`^${source}$`, "s");
  return (name) => expression.test(name);
}

/** Code, constants, data, zeroed data: the order in which sections that no layout names are put between the others. */
function rank(section: { readonly flags: number; readonly type: number }): number {
  if (section.flags & SHF_EXECINSTR) return 0;
  if ((section.flags & SHF_WRITE) === 0) return 1;
  return section.type === SHT_NOBITS ? 3 : 2;
}

function newOutput(name: string, layout: OutputSectionLayout | undefined): OutputSection {
  return { name, layout, inputs: [], type: SHT_NOBITS, flags: 0, alignment: 1, size: 0, address: 0, run: 0 };
}

function append(output: OutputSection, object: ObjectFile, section: Section): void {
  const offset = alignUp(output.size, section.alignment);
  output.inputs.push({ object, section, offset });
  output.size = offset + section.size;
  output.alignment = Math.max(output.alignment, section.alignment);
  output.flags |= section.flags & (SHF_WRITE | SHF_ALLOC | SHF_EXECINSTR);
  if (section.type !== SHT_NOBITS) output.type = output.type === SHT_NOBITS ? section.type : SHT_PROGBITS;
}

/** A section that is in the layout only for its symbols must not cut the run of the sections around it. */
function takePermissionsOfNeighbours(outputs: readonly OutputSection[]): void {
  outputs.forEach((output, index) => {
    if (output.inputs.length > 0) return;
    const neighbour =
      outputs.slice(0, index).findLast((other) => other.flags !== 0) ?? outputs.find((other) => other.flags !== 0);
    output.flags = neighbour?.flags ?? SHF_ALLOC;
    output.type = SHT_PROGBITS;
  });
}

/**
 * Gathers the allocated input sections into output sections, in their final order. Sections that the layout does not
 * name become output sections of their own, behind the last one of their kind.
 */
export function gatherSections(
  objects: readonly ObjectFile[],
  layout: readonly OutputSectionLayout[],
): OutputSection[] {
  const patterns = layout.map((entry) => ({ entry, matchers: entry.inputs.map(patternMatcher) }));
  const find = (name: string): { place: number; pattern: number } | undefined => {
    for (let place = 0; place < patterns.length; place++) {
      const pattern = patterns[place].matchers.findIndex((matches) => matches(name));
      if (pattern >= 0) return { place, pattern };
    }
    return undefined;
  };
  const named = patterns.map(({ matchers }) => matchers.map((): { object: ObjectFile; section: Section }[] => []));
  const orphans = new Map<string, OutputSection>();
  for (const object of objects) {
    for (const section of object.sections) {
      if ((section.flags & SHF_ALLOC) === 0) continue;
      const isCommon = section.name === COMMON_SECTION;
      const found = find(section.name) ?? (isCommon ? find(".bss") : undefined);
      if (found !== undefined) {
        named[found.place][found.pattern].push({ object, section });
        continue;
      }
      const name = isCommon ? ".bss" : section.name;
      let orphan = orphans.get(name);
      if (orphan === undefined) orphans.set(name, (orphan = newOutput(name, undefined)));
      append(orphan, object, section);
    }
  }
  const outputs = patterns.map(({ entry }, place) => {
    const output = newOutput(entry.name, entry);
    for (const { object, section } of named[place].flat()) append(output, object, section);
    output.alignment = Math.max(output.alignment, entry.align ?? 1);
    return output;
  });
  for (const orphan of orphans.values()) {
    const filled = (output: OutputSection): boolean => output.inputs.length > 0;
    const last = outputs.findLastIndex((output) => filled(output) && rank(output) === rank(orphan));
    const next = outputs.findIndex((output) => filled(output) && rank(output) > rank(orphan));
    outputs.splice(last >= 0 ? last + 1 : next >= 0 ? next : outputs.length, 0, orphan);
  }
  takePermissionsOfNeighbours(outputs);
  return outputs;
}

/** Joins the `.debug_frame` sections, which are not loaded: their addresses are offsets in what comes of them. */
export function gatherFrames(objects: readonly ObjectFile[]): OutputSection {
  const output = newOutput(".debug_frame", undefined);
  for (const object of objects) {
    for (const section of object.sections) {
      const isLoaded = (section.flags & SHF_ALLOC) !== 0;
      if (section.name === output.name && section.type === SHT_PROGBITS && !isLoaded) append(output, object, section);
    }
  }
  return output;
}

/**
 * Gives every output section its address: one behind the other from `origin`, on a new page where the permissions change.
 * @param pageSize bytes, a power of two; 1 to pack sections whatever their permissions
 */
export function assignAddresses(outputs: readonly OutputSection[], origin: number, pageSize: number): void {
  let cursor = origin;
  let run = 0;
  let runFlags: number | undefined;
  for (const output of outputs) {
    const address = output.layout?.address;
    if (address !== undefined) {
      cursor = address;
      run++;
      runFlags = undefined;
    }
    if (output.size > 0) {
      if (runFlags !== undefined && runFlags !== output.flags) {
        cursor = alignUp(cursor, pageSize);
        run++;
      }
      runFlags = output.flags;
    }
    output.address = alignUp(cursor, output.alignment);
    if (output.address - cursor > LARGEST_GAP) run++;
    output.run = run;
    cursor = output.address + output.size;
  }
}
