/** The sections of an object, which of them is current, and the stacks of `.pushsection` and `.previous`. */
import { type Position, StatementError } from "../diagnostics.ts";
import type { Expression } from "../expression.ts";
import {
  type SectionGroup,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_TLS,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_PROGBITS,
} from "../object-file.ts";
import { MAX_OBJECT_SIZE, type Origin, SectionBuilder, SizeBudget, type Subsection } from "./section-builder.ts";
import type { Location } from "./symbols.ts";

export interface SectionAttributes {
  readonly type: number;
  readonly flags: number;
  readonly entrySize: number;
  /** The group that it belongs to, with which its name tells it apart. */
  readonly group?: SectionGroup | undefined;
}

const NOP = 0x90;

export const SHT_INIT_ARRAY = 14;
export const SHT_FINI_ARRAY = 15;
export const SHT_PREINIT_ARRAY = 16;

const CODE = { type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_EXECINSTR, entrySize: 0 };
const DATA = { type: SHT_PROGBITS, flags: SHF_ALLOC | SHF_WRITE, entrySize: 0 };
const READ_ONLY = { type: SHT_PROGBITS, flags: SHF_ALLOC, entrySize: 0 };
const ZEROED = { type: SHT_NOBITS, flags: SHF_ALLOC | SHF_WRITE, entrySize: 0 };
const OTHER = { type: SHT_PROGBITS, flags: 0, entrySize: 0 };
const NOTE = { type: SHT_NOTE, flags: 0, entrySize: 0 };

/** What a section is if `.section` doesn't say: by name, or by the name before a dot (ELF specification, "Special Sections"). */
const SPECIAL: readonly (readonly [name: string, attributes: SectionAttributes])[] = [
  [".text", CODE],
  [".data", DATA],
  [".bss", ZEROED],
  [".rodata", READ_ONLY],
  [".tdata", { ...DATA, flags: DATA.flags | SHF_TLS }],
  [".tbss", { ...ZEROED, flags: ZEROED.flags | SHF_TLS }],
  [".init", CODE],
  [".fini", CODE],
  [".data1", DATA],
  [".rodata1", READ_ONLY],
  [".note.GNU-stack", OTHER],
  [".note", NOTE],
  [".init_array", { ...DATA, type: SHT_INIT_ARRAY, entrySize: 4 }],
  [".fini_array", { ...DATA, type: SHT_FINI_ARRAY, entrySize: 4 }],
  [".preinit_array", { ...DATA, type: SHT_PREINIT_ARRAY, entrySize: 4 }],
];

/** `.init.text` is not a kind of `.init`: these names stand only for themselves. */
const EXACT_ONLY: ReadonlySet<string> = new Set([".init", ".fini", ".data1", ".rodata1", ".note.GNU-stack"]);

/** The attributes that a section of this name has by default. */
export function defaultAttributes(name: string): SectionAttributes {
  const found = SPECIAL.find(
    ([special]) => name === special || (!EXACT_ONLY.has(special) && name.startsWith(`${special}.`)),
  );
  return found?.[1] ?? OTHER;
}

interface Place {
  readonly section: SectionBuilder;
  readonly subsection: number;
}

export class SectionSet {
  private readonly budget = new SizeBudget();
  private readonly byName = new Map<string, SectionBuilder>();
  private readonly groups = new Map<string, { readonly signature: string; isComdat: boolean }>();
  private place: Place;
  private previous: Place | undefined;
  private readonly stack: { place: Place; previous: Place | undefined }[] = [];
  /** What `.struct` describes: its labels are constants. Part of no object. */
  private readonly absolute = new SectionBuilder("*ABS*", SHT_NOBITS, 0, 0, new SizeBudget(), undefined, true);
  /** Where the next bytes go. */
  current: Subsection;

  constructor() {
    const text = this.find(".text");
    this.find(".data");
    this.find(".bss");
    this.place = { section: text, subsection: 0 };
    this.current = text.subsection(0);
  }

  all(): SectionBuilder[] {
    return [...this.byName.values()];
  }

  get currentSection(): SectionBuilder {
    return this.place.section;
  }

  /** The group of that signature, COMDAT when one of its sections says so. */
  group(signature: string, isComdat: boolean): SectionGroup {
    let group = this.groups.get(signature);
    if (group === undefined) this.groups.set(signature, (group = { signature, isComdat }));
    group.isComdat ||= isComdat;
    return group;
  }

  /** The section of that name and group, made if need be. @throws StatementError if it is there with other attributes */
  find(name: string, given?: Partial<SectionAttributes>): SectionBuilder {
    const key = given?.group === undefined ? name : `${name}\0${given.group.signature}`;
    const existing = this.byName.get(key);
    if (existing === undefined) {
      const { type, flags, entrySize, group } = { ...defaultAttributes(name), ...given };
      const section = new SectionBuilder(name, type, flags, entrySize, this.budget, group);
      this.byName.set(key, section);
      return section;
    }
    const changes = given?.flags !== undefined && given.flags !== existing.flags;
    if (changes || (given?.type !== undefined && given.type !== existing.type)) {
      throw new StatementError(
        `section ${name} already exists with other flags or another type; leave them out or repeat those of its first .section`,
      );
    }
    return existing;
  }

  switchTo(section: SectionBuilder, subsection = 0): void {
    this.previous = this.place;
    this.enter({ section, subsection });
  }

  /** `.struct address` */
  enterAbsolute(address: number, origin: Origin): void {
    this.switchTo(this.absolute);
    this.current.start(address, origin);
  }

  /** `.subsection number` */
  switchSubsection(subsection: number): void {
    this.switchTo(this.place.section, subsection);
  }

  /** `.previous`: swaps the present section with the one before. */
  swapPrevious(): void {
    if (this.previous === undefined) throw new StatementError(".previous without a section before this one");
    this.switchTo(this.previous.section, this.previous.subsection);
  }

  push(): void {
    if (this.stack.length >= 1000) throw new StatementError("more than 1000 .pushsection without .popsection");
    this.stack.push({ place: this.place, previous: this.previous });
  }

  pop(): void {
    const entry = this.stack.pop();
    if (entry === undefined) throw new StatementError(".popsection without .pushsection");
    this.previous = entry.previous;
    this.enter(entry.place);
  }

  /** The present place, for labels and `.` */
  here(origin: Origin): Location {
    const fragment = this.current.data(origin);
    return { section: this.place.section, fragment, offset: fragment.size };
  }

  /** Pads to a multiple of `alignment` bytes, a power of two. */
  align(
    alignment: number,
    fill: number | undefined,
    fillSize: 1 | 2 | 4,
    limit: number,
    codeSize: 16 | 32,
    origin: Origin,
  ): void {
    const { section } = this.place;
    section.alignment = Math.max(section.alignment, alignment);
    if (alignment === 1) return;
    if (section.isAbsolute) {
      const { address, size } = this.current.data(origin);
      const padding = -(address + size) & (alignment - 1);
      if (padding <= limit) this.current.appendFill(padding, 0, origin);
      return;
    }
    // In code, filling with one-byte NOPs means: with instructions that do nothing.
    const isNops = section.isCode && (fill === undefined || (fillSize === 1 && (fill & 0xff) === NOP));
    const filling = isNops ? undefined : (fill ?? 0);
    this.current.add({ kind: "align", alignment, fill: filling, fillSize, limit, codeSize }, origin);
  }

  origin(target: Expression, fill: number, position: Position, origin: Origin): void {
    if (target.kind === "number" && (target.value < 0 || target.value > MAX_OBJECT_SIZE)) {
      throw new StatementError(`.org must go to an offset from 0 to ${MAX_OBJECT_SIZE}, not ${target.value}`, position);
    }
    this.current.add({ kind: "origin", target, fill, position }, origin);
  }

  private enter(place: Place): void {
    this.place = place;
    this.current = place.section.subsection(place.subsection);
  }
}
