/** Functions, the blocks in them and what is inlined in them: what is in scope at an address (dwarf-5, 3.3 and 3.5). */
import {
  DW_AT_external,
  DW_AT_frame_base,
  DW_AT_location,
  DW_TAG_formal_parameter,
  DW_TAG_subprogram,
  DW_TAG_variable,
} from "../dwarf-format.ts";
import type { CType } from "./c-types.ts";
import * as N from "./dwarf-numbers.ts";
import type { DebugEntry } from "./entries.ts";
import {
  type ExpressionContext,
  evaluateLocation,
  evaluateNumber,
  NOWHERE,
  type Place,
} from "./location-expression.ts";
import { locationAt } from "./locations.ts";
import { type AddressRange, contains, rangesOf } from "./ranges.ts";
import type { TypeReader } from "./type-reader.ts";

/** Blocks within blocks, followed. */
const DEEPEST = 100;

/** A variable or a parameter. */
export class Variable {
  constructor(
    private readonly entry: DebugEntry,
    private readonly types: TypeReader,
  ) {}

  get name(): string {
    return this.entry.name ?? "";
  }

  get type(): CType {
    return this.types.typeOf(this.entry);
  }

  get isParameter(): boolean {
    return this.entry.tag === DW_TAG_formal_parameter;
  }

  /** Whether other units see it. */
  get isExternal(): boolean {
    return this.entry.inherited((each) => (each.has(DW_AT_external) ? each.flag(DW_AT_external) : undefined)) ?? false;
  }

  /** Line of its declaration, from 1; undefined when nobody has said. */
  get line(): number | undefined {
    return this.entry.inherited((each) => each.number(N.DW_AT_decl_line));
  }

  /** Its unit's name: the source file. */
  get file(): string {
    return this.entry.unit.name;
  }

  /** Where it is for code at `pc`. @throws what `context.read` throws; ElfError */
  place(pc: number, context: ExpressionContext): Place {
    const expression = locationAt(this.entry, DW_AT_location, pc);
    if (expression !== undefined) {
      const { unit } = this.entry;
      return evaluateLocation(expression, { ...context, indexedAddress: (index) => unit.indexedAddress(index) });
    }
    if (this.entry.has(DW_AT_location)) return NOWHERE;
    const constant = this.entry.inherited((each) => each.attribute(N.DW_AT_const_value))?.value;
    if (constant === undefined || typeof constant === "string") return NOWHERE;
    return { kind: "bytes", bytes: constant instanceof Uint8Array ? constant : bytesOf(BigInt(constant)) };
  }

  /** The address of a variable that always has the same; undefined for others. */
  get address(): number | undefined {
    const expression = this.entry.expression(DW_AT_location);
    if (expression === undefined || expression.length === 0) return undefined;
    const { unit } = this.entry;
    const context = { ...NO_FRAME, indexedAddress: (index: number) => unit.indexedAddress(index) };
    const place = evaluateLocation(expression, context);
    return place.kind === "memory" ? place.address : undefined;
  }
}

const NO_FRAME: ExpressionContext = {
  register: () => undefined,
  read: () => new Uint8Array(8),
  frameBase: () => undefined,
  cfa: () => undefined,
};

function bytesOf(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes;
}

/** A block: of a function, within one, or of a function inlined there. */
export class Scope {
  #blocks: readonly Scope[] | undefined;
  #ranges: readonly AddressRange[] | undefined;

  constructor(
    readonly entry: DebugEntry,
    readonly types: TypeReader,
  ) {}

  get ranges(): readonly AddressRange[] {
    this.#ranges ??= rangesOf(this.entry);
    return this.#ranges;
  }

  /** Address of its first instruction: what it is entered at. */
  get start(): number {
    return this.entry.number(N.DW_AT_entry_pc) ?? this.ranges[0]?.start ?? 0;
  }

  /** The function's name, of blocks that are a function's. */
  get name(): string {
    return this.entry.name ?? "";
  }

  get isInlined(): boolean {
    return this.entry.tag === N.DW_TAG_inlined_subroutine;
  }

  get isFunction(): boolean {
    return this.entry.tag === DW_TAG_subprogram || this.isInlined;
  }

  /** The unit's name: the source file. */
  get file(): string {
    return this.entry.unit.name;
  }

  /** Line of the declaration. */
  get line(): number | undefined {
    return this.entry.inherited((each) => each.number(N.DW_AT_decl_line));
  }

  /** Whether other units see it. */
  get isExternal(): boolean {
    return this.entry.inherited((each) => (each.has(DW_AT_external) ? each.flag(DW_AT_external) : undefined)) ?? false;
  }

  /** Of an inlined function: the line that it is called from, and the number of that file in the unit's line table. */
  get call(): { readonly file: number | undefined; readonly line: number | undefined } {
    return { file: this.entry.number(N.DW_AT_call_file), line: this.entry.number(N.DW_AT_call_line) };
  }

  get type(): CType {
    const abstract = this.entry.reference(N.DW_AT_abstract_origin) ?? this.entry;
    return this.types.function(abstract);
  }

  /** Blocks and inlined functions directly within it. */
  get blocks(): readonly Scope[] {
    this.#blocks ??= this.entry.children
      .filter(({ tag }) => tag === N.DW_TAG_lexical_block || tag === N.DW_TAG_inlined_subroutine)
      .map((child) => new Scope(child, this.types));
    return this.#blocks;
  }

  /** Parameters, or variables, in the order of their declaration; those of blocks within are not its own. */
  get parameters(): readonly Variable[] {
    return this.#variables(DW_TAG_formal_parameter);
  }

  get variables(): readonly Variable[] {
    return this.#variables(DW_TAG_variable);
  }

  #variables(tag: number): Variable[] {
    const own = this.entry.children.filter((child) => child.tag === tag && !child.flag(N.DW_AT_declaration));
    // Of an instance, compilers may leave out what has no place in it.
    const abstract = this.isFunction ? (this.entry.reference(N.DW_AT_abstract_origin)?.children ?? []) : [];
    const known = new Set(own.map((child) => child.reference(N.DW_AT_abstract_origin)));
    const others = abstract.filter((child) => child.tag === tag && !known.has(child));
    return [...own, ...others].map((child) => new Variable(child, this.types)).filter(({ name }) => name !== "");
  }

  /** The scopes that hold an address, from this one inwards; empty when this one does not. @throws ElfError */
  at(pc: number): Scope[] {
    const chain: Scope[] = [];
    let scope: Scope | undefined = contains(this.ranges, pc) ? this : undefined;
    while (scope !== undefined && chain.length < DEEPEST) {
      chain.push(scope);
      scope = scope.blocks.find(({ ranges }) => contains(ranges, pc));
    }
    return chain;
  }

  /** What DW_OP_fbreg counts from, of a function that is not inlined. */
  frameBase(pc: number, context: ExpressionContext): number | undefined {
    const expression = locationAt(this.entry, DW_AT_frame_base, pc);
    return expression === undefined ? undefined : evaluateNumber(expression, context);
  }
}
