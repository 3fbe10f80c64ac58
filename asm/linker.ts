/** The linker: joins relocatable objects into one program at fixed addresses. */
import { PF_R, PF_W, PF_X } from "./elf-format.ts";
import {
  assignAddresses,
  DEFAULT_LAYOUT,
  gatherFrames,
  gatherSections,
  type OutputSection,
  type OutputSectionLayout,
} from "./layout.ts";
import {
  type LinkedCode,
  LinkedImage,
  type LinkedLine,
  type LinkedSection,
  type LinkedSegment,
  type LinkedSymbol,
} from "./linked-image.ts";
import { type ObjectFile, SHF_EXECINSTR, SHF_WRITE, SHT_NOBITS } from "./object-file.ts";
import { relocate } from "./relocate.ts";
import { type LinkerSymbol, SymbolTable } from "./symbol-table.ts";

export interface LinkOptions {
  /** Linear address of the first section; 0x08048000 if not given. */
  readonly textAddress?: number;
  /**
   * The symbol where execution starts. Without it `_start`, and if there is no `_start` the start of the code; null for a
   * flat binary, which has no place to say it: the start of the code, whatever symbols there are.
   */
  readonly entry?: string | null;
  /** Further absolute symbols. */
  readonly symbols?: Readonly<Record<string, number>>;
  /** Output sections in order; `DEFAULT_LAYOUT` if not given. */
  readonly layout?: readonly OutputSectionLayout[];
  /** What to subtract from a linear address to get the physical address it is loaded at; 0 if not given. */
  readonly physicalOffset?: number;
  /** The symbol just after everything; `_end` if not given. */
  readonly endSymbol?: string;
  /** Bytes to which sections are aligned where permissions change; 4096 if not given, 1 packs them. */
  readonly pageSize?: number;
}

/** Everything that kept the objects from being linked; `message` holds one error a line. */
export class LinkError extends Error {
  override readonly name = "LinkError";

  constructor(readonly errors: readonly string[]) {
    super(errors.join("\n"));
  }
}

export const DEFAULT_TEXT_ADDRESS = 0x08048000;
const PAGE_SIZE = 4096;
const ADDRESS_SPACE = 0x1_0000_0000;
/** Bytes that a section may store; one that claims more comes from a damaged object. */
const LARGEST_CONTENTS = 256 * 1024 * 1024;
const NOP = 0x90;
const C_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The boundary symbols that the layout, or for orphans GNU ld's `__start_NAME` rule, wants defined. */
function linkerSymbols(outputs: readonly OutputSection[], options: LinkOptions, end: number): LinkerSymbol[] {
  const symbols: LinkerSymbol[] = [];
  for (const output of outputs) {
    const { layout, address, size } = output;
    const add = (name: string, at: number, policy: LinkerSymbol["policy"]): void => {
      symbols.push({ name, address: at, output, policy });
    };
    const boundary = options.layout === undefined ? "on demand" : "required";
    if (layout?.start !== undefined) add(layout.start, address, boundary);
    if (layout?.end !== undefined) add(layout.end, address + size, boundary);
    if (output.inputs.length > 0 && C_IDENTIFIER.test(output.name)) {
      add(`__start_${output.name}`, address, "on demand");
      add(`__stop_${output.name}`, address + size, "on demand");
    }
  }
  const last = outputs.findLast((output) => output.size > 0);
  symbols.push({
    name: options.endSymbol ?? "_end",
    address: end,
    output: last,
    policy: options.endSymbol === undefined ? "default" : "required",
  });
  for (const [name, address] of Object.entries(options.symbols ?? {})) {
    symbols.push({ name, address: address >>> 0, output: undefined, policy: "required" });
  }
  return symbols;
}

/** What is wrong with where the sections lie. */
function placementErrors(outputs: readonly OutputSection[], physicalOffset: number): string[] {
  const errors: string[] = [];
  const placed = outputs.filter(({ size }) => size > 0).sort((a, b) => a.address - b.address);
  const range = ({ name, address, size }: OutputSection): string =>
    `section ${name} (${hex(address)} to ${hex(address + size - 1)})`;
  placed.forEach((output, index) => {
    const previous = placed[index - 1];
    if (previous !== undefined && previous.address + previous.size > output.address) {
      errors.push(`${range(output)} overlaps ${range(previous)}`);
    }
    if (output.address + output.size > ADDRESS_SPACE) errors.push(`${range(output)} lies beyond 4 GiB`);
    if (output.type !== SHT_NOBITS && output.size > LARGEST_CONTENTS) {
      errors.push(`${range(output)} has ${output.size} bytes to store, more than 256 MiB`);
    }
    if (output.address < physicalOffset) {
      errors.push(`${range(output)} lies below the physical offset ${hex(physicalOffset)}`);
    }
  });
  return errors;
}

/** The bytes of an output section before relocation. Gaps in code are filled with NOPs, others with zeros. */
function sectionContents(output: OutputSection): Uint8Array {
  if (output.type === SHT_NOBITS) return new Uint8Array(0);
  const data = new Uint8Array(output.size);
  if (output.flags & SHF_EXECINSTR) data.fill(NOP);
  for (const { section, offset } of output.inputs) {
    if (section.type === SHT_NOBITS) data.fill(0, offset, offset + section.size);
    else data.set(section.data, offset);
  }
  return data;
}

function segmentFlags(sectionFlags: number): number {
  return PF_R | (sectionFlags & SHF_WRITE ? PF_W : 0) | (sectionFlags & SHF_EXECINSTR ? PF_X : 0);
}

function buildSegments(sections: ReadonlyMap<OutputSection, LinkedSection>, physicalOffset: number): LinkedSegment[] {
  const runs = new Map<number, LinkedSection[]>();
  for (const [output, section] of sections) {
    if (section.size === 0) continue;
    const run = runs.get(output.run);
    if (run === undefined) runs.set(output.run, [section]);
    else run.push(section);
  }
  return [...runs.values()].map((run) => {
    const virtualAddress = run[0].address;
    const filled = run.filter((section) => section.data.length > 0);
    const lastFilled = filled.at(-1);
    const data = new Uint8Array(lastFilled === undefined ? 0 : lastFilled.address + lastFilled.size - virtualAddress);
    for (const section of filled) data.set(section.data, section.address - virtualAddress);
    const last = run[run.length - 1];
    return {
      virtualAddress,
      physicalAddress: virtualAddress - physicalOffset,
      data,
      memorySize: last.address + last.size - virtualAddress,
      flags: segmentFlags(run[0].flags),
    };
  });
}

function lineTable(outputs: readonly OutputSection[]): LinkedLine[] {
  const lines: LinkedLine[] = [];
  for (const output of outputs) {
    for (const { section, offset } of output.inputs) {
      for (const { offset: within, ...source } of section.lines ?? []) {
        lines.push({ address: output.address + offset + within, ...source });
      }
    }
  }
  return lines.sort((a, b) => a.address - b.address);
}

function codeOf(outputs: readonly OutputSection[]): LinkedCode[] {
  return outputs.flatMap(({ inputs, address }) =>
    inputs
      .filter(({ section }) => (section.flags & SHF_EXECINSTR) !== 0 && section.size > 0)
      .map(({ object, section, offset }) => ({ unit: object.name, address: address + offset, size: section.size })),
  );
}

function entryAddress(
  symbols: SymbolTable,
  outputs: readonly OutputSection[],
  entry: string | null | undefined,
  errors: string[],
): number {
  const code = outputs.find(({ flags, size }) => size > 0 && flags & SHF_EXECINSTR);
  const start = (code ?? outputs.find(({ size }) => size > 0))?.address ?? 0;
  if (entry === null) return start;
  const address = symbols.addressOfGlobal(entry ?? "_start");
  if (address !== undefined) return address;
  const [file] = symbols.localDefinitions(entry ?? "_start");
  if (file !== undefined) {
    const name = entry ?? "_start";
    errors.push(`${file}: the entry symbol '${name}' is local; add \`.globl ${name}\``);
  } else if (entry !== undefined) {
    errors.push(`the entry symbol '${entry}' is not defined${symbols.suggestion(entry)}`);
  }
  return start;
}

/**
 * Links objects into a program.
 *
 * Global symbols are resolved as the System V ABI says: one strong definition, else the largest common symbol, else the
 * first weak definition; undefined weak symbols are 0. `NAME@@VERSION` is meant by NAME, too, if nothing else has that name.
 * Of COMDAT groups of the same signature the first object's are taken. A section with a C identifier for a name gets `__start_NAME` and
 * `__stop_NAME` symbols. Symbols of the default layout (`_etext`, `_edata`, `__bss_start`, `_end`) yield to definitions in
 * the objects; those that `options` names do not, and clash.
 *
 * @throws LinkError with everything that is wrong: undefined symbols, duplicate definitions, values that do not fit their
 * field, relocation types that a static link cannot do, sections that overlap or lie beyond 4 GiB
 */
export function link(objects: readonly ObjectFile[], options: LinkOptions = {}): LinkedImage {
  const errors: string[] = [];
  const physicalOffset = options.physicalOffset ?? 0;
  const symbols = new SymbolTable(objects, errors);
  const gathered = gatherSections(symbols.objects, options.layout ?? DEFAULT_LAYOUT);
  assignAddresses(gathered, options.textAddress ?? DEFAULT_TEXT_ADDRESS, options.pageSize ?? PAGE_SIZE);
  const misplaced = placementErrors(gathered, physicalOffset);
  // What a relocation's value comes to means nothing where sections overlap or leave the address space.
  if (misplaced.length > 0) throw new LinkError([...errors, ...misplaced]);

  const end = Math.max(0, ...gathered.map(({ address, size }) => address + size));
  const frames = gatherFrames(symbols.objects);
  symbols.place([...gathered, frames]);
  symbols.define(linkerSymbols(gathered, options, end));
  const entry = entryAddress(symbols, gathered, options.entry, errors);

  const sections = new Map<OutputSection, LinkedSection>();
  for (const output of gathered) {
    if (output.size === 0 && !symbols.isUsed(output)) continue;
    const { name, address, flags, type, size, alignment } = output;
    const data = sectionContents(output);
    relocate(output, data, symbols, errors);
    sections.set(output, { name, address, flags, type, data, size, alignment });
  }
  const frameTable = sectionContents(frames);
  relocate(frames, frameTable, symbols, errors);
  symbols.reportUndefined();
  if (errors.length > 0) throw new LinkError(errors);

  const linkedSymbols = symbols.all().flatMap(({ output, ...symbol }): LinkedSymbol[] => {
    const section = output === undefined ? undefined : sections.get(output);
    return output === frames ? [] : [{ ...symbol, section }];
  });
  const segments = buildSegments(sections, physicalOffset);
  return new LinkedImage(
    entry,
    [...sections.values()],
    segments,
    linkedSymbols,
    lineTable(gathered),
    codeOf(gathered),
    frameTable,
  );
}
