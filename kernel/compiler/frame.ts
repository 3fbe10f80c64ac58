/** Where the variables of a hosted function lie in its guest frame. */
import type ts from "typescript-api";
import type { Used } from "./code.ts";
import type { Environment } from "./environment.ts";
import { type Kind, kind_name, words_of } from "./kinds.ts";

/** Something assigned to a variable: its kind follows from all of these. */
export type Source =
  | { readonly expression: ts.Expression; readonly env: Environment }
  /** `exact`: whether all that is assigned is sure to fit. */
  | { readonly kind: Kind; readonly exact?: boolean }
  /** It gets smaller: what fits any kind of number before may be negative then. */
  | { readonly decreases: true };

/** A variable with a slot: a local, a parameter, or a value kept for a later step. */
export class Variable implements Used {
  /** Known from the start for parameters and annotated variables. */
  kind: Kind | undefined;
  readonly sources: Source[] = [];
  /** Bytes from EBP; set by `allocate`, or by whoever declares a parameter. */
  offset = 0;
  is_parameter = false;
  /** Text of the linear address, where that is no fixed distance from EBP. */
  place: string | undefined;
  /** How a parameter narrower than a word is read from its word: text behind the word's. */
  narrow: string | undefined;
  /** Kept by the compiler for later steps: assigned before it is used, in whichever step does both. */
  is_temporary = false;
  /** Not in the frame at all: a temporary of a single step. */
  is_elided = false;
  /** Whether values are cut to the kind, as C converts on assignment, rather than refused when they do not fit. */
  converts = false;

  /**
   * @param node where it is declared, for messages
   */
  constructor(
    readonly js: string,
    /** For debuggers; that of a generator's own variable is the name of the loop's that takes it. */
    public name: string | undefined,
    readonly node: ts.Node,
  ) {}
}

/** What is made anew in each step that uses it: a struct in the frame, an element of a constant table. */
export class Recomputed implements Used {
  constructor(
    readonly js: string,
    /** The expression, with the frame offset of a local struct as `$f.at[n]`. */
    readonly text: string,
    readonly uses: ReadonlySet<Used>,
    /** For debuggers: name and number of the struct in the frame. */
    readonly local: { readonly name: string; readonly index: number } | undefined,
  ) {}
}

/** A lexical block: its variables live in the steps from `start` to `end`. */
export class Scope {
  readonly variables: Variable[] = [];
  readonly locals: Recomputed[] = [];
  readonly children: Scope[] = [];
  start = 0;
  end = 0;
}

/**
 * Gives every variable below a scope its slot; blocks that follow each other share theirs.
 * @param used bytes below EBP that are taken
 * @returns bytes below EBP that the frame needs
 */
export function allocate(scope: Scope, kind_of: (variable: Variable) => Kind, used = 0): number {
  let here = used;
  for (const variable of scope.variables) {
    if (variable.is_parameter || variable.is_elided) continue;
    here += 4 * words_of(kind_of(variable));
    variable.offset = -here;
  }
  return Math.max(here, ...scope.children.map((child) => allocate(child, kind_of, here)));
}

/** A block in the tables for debuggers; `variables`: name, kind, offset from EBP; `locals`: name, number of the struct. */
export interface BlockTable {
  readonly start: number;
  readonly end: number;
  readonly variables: readonly (readonly [string, string, number])[];
  readonly locals: readonly (readonly [string, number])[];
  readonly blocks: readonly BlockTable[];
}

/** The named variables of a scope, and of the blocks in it that have any. */
export function block_table(scope: Scope, kind_of: (variable: Variable) => Kind): BlockTable {
  return {
    start: scope.start,
    end: scope.end,
    variables: scope.variables.flatMap((variable) => {
      if (variable.name === undefined || variable.is_parameter) return [];
      const kind = kind_of(variable);
      if (words_of(kind) === 0) return [];
      return [[variable.name, kind_name(kind), variable.offset] as const];
    }),
    locals: scope.locals.flatMap(({ local }) => (local === undefined ? [] : [[local.name, local.index] as const])),
    blocks: scope.children.map((child) => block_table(child, kind_of)).filter(has_names),
  };
}

function has_names(block: BlockTable): boolean {
  return block.variables.length + block.locals.length + block.blocks.length > 0;
}
