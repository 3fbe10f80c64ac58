/** The parts that compile one function, and how they reach each other. */
import type { Assignments } from "./assignments.ts";
import type { Calls } from "./calls.ts";
import type { Declarations } from "./declarations.ts";
import type { Emitter } from "./emitter.ts";
import type { Expressions } from "./expressions.ts";
import type { ModuleNames } from "./imports.ts";
import type { Inference } from "./inference.ts";
import type { Loops } from "./loops.ts";
import type { Macros } from "./macros.ts";
import type { Meaning } from "./meaning.ts";
import type { Places } from "./places.ts";
import type { RefusedPlace } from "./refusal.ts";
import type { Renderer } from "./render.ts";
import type { Splitting } from "./splitting.ts";
import type { Statements } from "./statements.ts";

export interface Context {
  readonly meaning: Meaning;
  readonly inference: Inference;
  readonly assignments: Assignments;
  readonly splitting: Splitting;
  readonly names: ModuleNames;
  readonly renderer: Renderer;
  readonly emitter: Emitter;
  readonly expressions: Expressions;
  readonly statements: Statements;
  readonly calls: Calls;
  readonly macros: Macros;
  readonly places: Places;
  readonly declarations: Declarations;
  readonly loops: Loops;
  /** What was refused so far. */
  readonly refused: RefusedPlace[];
}
