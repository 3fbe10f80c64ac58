/**
 * A section while it grows: runs of known bytes, and between them fragments whose size is settled later — jumps that
 * may be short, alignment, .org and .skip with forward references.
 */
import { type Position, StatementError } from "../diagnostics.ts";
import type { Expression } from "../expression.ts";
import type { Encoding } from "../instruction.ts";
import { type SectionGroup, SHF_EXECINSTR, SHT_NOBITS } from "../object-file.ts";
import type { Statement } from "./statement.ts";

/** The largest object, bytes of all sections: what hostile input may make us allocate. */
export const MAX_OBJECT_SIZE = 64 * 1024 * 1024;

/** A field to be filled in at the end. */
export interface PendingField {
  /** Bytes from the start of the fragment. */
  readonly offset: number;
  readonly size: 1 | 2 | 4 | 8;
  /** For a field relative to the end of its instruction: that end, bytes from the start of the fragment. */
  readonly relativeTo: number | undefined;
  /** Bytes from the start of the instruction; undefined in data. */
  readonly inInstruction?: number;
  readonly isDisplacement?: boolean | undefined;
  readonly isRelaxable?: boolean | undefined;
  readonly expression: Expression;
  readonly position: Position;
  readonly statement: Statement;
  /** Statements are numbered in source order, for sorting errors. */
  readonly order: number;
}

interface FragmentBase {
  /** Bytes from the start of the section. */
  address: number;
  /** Bytes. */
  size: number;
  /** Its number in the section; known at layout. */
  ordinal: number;
  /** Counts the fragments before it that absorb growth (alignment, .org); known at layout. */
  region: number;
  readonly statement: Statement;
  readonly order: number;
}

/** Bytes known when they were read; they start at `start` of the subsection's bytes. */
export interface DataFragment extends FragmentBase {
  readonly kind: "data";
  readonly start: number;
  readonly fields: PendingField[];
}

export interface JumpFragment extends FragmentBase {
  readonly kind: "jump";
  readonly long: Encoding;
  readonly short: NonNullable<Encoding["short"]>;
  readonly position: Position;
  form: "short" | "long";
}

export interface AlignFragment extends FragmentBase {
  readonly kind: "align";
  /** Bytes, a power of two. */
  readonly alignment: number;
  /** The filling, little-endian in `fillSize` bytes; undefined: instructions that do nothing. */
  readonly fill: number | undefined;
  readonly fillSize: 1 | 2 | 4;
  /** No padding at all if it would take more bytes than this. */
  readonly limit: number;
  readonly codeSize: 16 | 32;
}

/** `.skip expression`: the size is known only later. */
export interface SpaceFragment extends FragmentBase {
  readonly kind: "space";
  readonly count: Expression;
  readonly fill: number;
  readonly position: Position;
}

/** `.uleb128 expression`, `.sleb128 expression`: as long as the value needs. */
export interface Leb128Fragment extends FragmentBase {
  readonly kind: "leb128";
  readonly expression: Expression;
  readonly isSigned: boolean;
  readonly position: Position;
}

/** `.org expression`. */
export interface OriginFragment extends FragmentBase {
  readonly kind: "origin";
  readonly target: Expression;
  readonly fill: number;
  readonly position: Position;
}

export type Fragment = DataFragment | JumpFragment | AlignFragment | SpaceFragment | Leb128Fragment | OriginFragment;

type WithoutBase<F> = F extends Fragment
  ? Omit<F, "address" | "size" | "ordinal" | "region" | "statement" | "order">
  : never;

/** The statement being assembled, as fragments remember it for error messages. */
export interface Origin {
  readonly statement: Statement;
  readonly order: number;
}

/** The place of an instruction, or of data among instructions, and the statement it comes from. */
export interface LineMark {
  readonly fragment: Fragment;
  /** Bytes from the start of the fragment. */
  readonly offset: number;
  readonly statement: Statement;
}

/** Counts the bytes of all sections of an object. */
export class SizeBudget {
  private used = 0;

  /** @throws StatementError if the object becomes too large */
  take(bytes: number): void {
    this.used += bytes;
    if (this.used > MAX_OBJECT_SIZE) {
      throw new StatementError(`the object would be larger than ${MAX_OBJECT_SIZE / 1024 / 1024} MiB`);
    }
  }
}

/** One numbered part of a section (`.subsection`); the parts follow each other in order of their numbers. */
export class Subsection {
  readonly fragments: Fragment[] = [];
  /** Of code sections only. */
  readonly lineMarks: LineMark[] = [];
  private storage = new Uint8Array(0);
  /** Bytes added so far to data fragments. */
  length = 0;

  constructor(
    private readonly section: SectionBuilder,
    private readonly budget: SizeBudget,
  ) {}

  bytes(start: number, end: number): Uint8Array {
    return this.storage.subarray(start, end);
  }

  /** The fragment that takes the next bytes. */
  data(origin: Origin): DataFragment {
    const last = this.fragments.at(-1);
    if (last?.kind === "data") return last;
    const fragment: DataFragment = {
      kind: "data",
      start: this.length,
      fields: [],
      address: 0,
      size: 0,
      ordinal: 0,
      region: 0,
      statement: origin.statement,
      order: origin.order,
    };
    this.fragments.push(fragment);
    return fragment;
  }

  /** Goes on at another address: for a section whose places are constants. */
  start(address: number, origin: Origin): void {
    const { statement, order } = origin;
    this.fragments.push({
      kind: "data",
      start: this.length,
      fields: [],
      address,
      size: 0,
      ordinal: 0,
      region: 0,
      statement,
      order,
    });
  }

  append(bytes: ArrayLike<number>, origin: Origin): void {
    if (this.section.type === SHT_NOBITS) {
      for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) this.refuseContents();
    }
    const fragment = this.reserve(bytes.length, origin);
    if (this.section.type !== SHT_NOBITS) this.storage.set(bytes, this.length - bytes.length);
    fragment.size += bytes.length;
  }

  /** Adds `count` bytes, all `fill`. */
  appendFill(count: number, fill: number, origin: Origin): void {
    if (this.section.type === SHT_NOBITS && (fill & 0xff) !== 0 && count > 0) this.refuseContents();
    const fragment = this.reserve(count, origin);
    if (this.section.type !== SHT_NOBITS && fill !== 0) this.storage.fill(fill, this.length - count, this.length);
    fragment.size += count;
  }

  /** Remembers a field of bytes already added. */
  addField(field: Omit<PendingField, "statement" | "order">, origin: Origin): void {
    if (this.section.type === SHT_NOBITS) this.refuseContents();
    const { statement, order } = origin;
    this.data(origin).fields.push({ ...field, statement, order });
  }

  add(fragment: WithoutBase<Fragment>, origin: Origin): void {
    const { statement, order } = origin;
    const added = { ...fragment, address: 0, size: 0, ordinal: 0, region: 0, statement, order } as Fragment;
    this.fragments.push(added);
    if (fragment.kind === "jump") this.mark(added, 0, statement);
  }

  private mark(fragment: Fragment, offset: number, statement: Statement): void {
    if (this.section.isCode) this.lineMarks.push({ fragment, offset, statement });
  }

  private reserve(count: number, origin: Origin): DataFragment {
    this.budget.take(count);
    const fragment = this.data(origin);
    if (count > 0) this.mark(fragment, fragment.size, origin.statement);
    this.length += count;
    if (this.section.type !== SHT_NOBITS && this.length > this.storage.length) {
      const grown = new Uint8Array(Math.max(this.length, this.storage.length * 2, 256));
      grown.set(this.storage);
      this.storage = grown;
    }
    return fragment;
  }

  private refuseContents(): never {
    throw new StatementError(
      `${this.section.name} is a section without contents (@nobits): it can hold only zeros (.skip, .zero, .long 0)`,
    );
  }
}

export class SectionBuilder {
  alignment = 1;
  /** Bytes; known after layout. */
  size = 0;
  private readonly subsections = new Map<number, Subsection>();

  constructor(
    readonly name: string,
    readonly type: number,
    readonly flags: number,
    readonly entrySize: number,
    private readonly budget: SizeBudget,
    readonly group: SectionGroup | undefined,
    /** Its places are constants. */
    readonly isAbsolute = false,
  ) {}

  get isCode(): boolean {
    return (this.flags & SHF_EXECINSTR) !== 0;
  }

  subsection(number: number): Subsection {
    let subsection = this.subsections.get(number);
    if (subsection === undefined) {
      subsection = new Subsection(this, this.budget);
      this.subsections.set(number, subsection);
    }
    return subsection;
  }

  /** In the order in which they follow each other in the section. */
  inOrder(): Subsection[] {
    return [...this.subsections].sort(([a], [b]) => a - b).map(([, subsection]) => subsection);
  }
}
