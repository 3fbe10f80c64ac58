/** Where the variables of a hosted function lie in its guest frame. */
import type { Recomputed, Variable } from "./environment.ts";
import { type Kind, kind_name, words_of } from "./kinds.ts";

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
