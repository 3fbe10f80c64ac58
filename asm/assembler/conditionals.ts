/** Open `.if` blocks of the assembler, `#if` blocks of the preprocessor. */
import { StatementError } from "../diagnostics.ts";

interface Conditional<Opening> {
  readonly opened: Opening;
  /** Statements of the present branch are assembled. */
  active: boolean;
  /** A branch was chosen already, or the whole block lies in a dead branch. */
  settled: boolean;
  sawElse: boolean;
}

/** The directives as they are written, for messages. */
export interface ConditionalNames {
  readonly if: string;
  readonly elseif: string;
  readonly else: string;
  readonly endif: string;
}

/** `Opening` is what stands at the start of a block: a statement or a line. */
export class Conditionals<Opening> {
  private readonly open: Conditional<Opening>[] = [];

  constructor(private readonly names: ConditionalNames) {}

  get depth(): number {
    return this.open.length;
  }

  /** Whether statements here are assembled. */
  get active(): boolean {
    return this.open.length === 0 || this.open[this.open.length - 1].active;
  }

  /** `.if`; `condition` is asked for only if the block is alive. */
  begin(opened: Opening, condition: () => boolean): void {
    const alive = this.active;
    const entry: Conditional<Opening> = { opened, active: false, settled: true, sawElse: false };
    this.open.push(entry);
    if (!alive) return;
    // If the condition is faulty, no branch is assembled.
    entry.active = condition();
    entry.settled = entry.active;
  }

  /** `.elseif` */
  otherwiseIf(condition: () => boolean): void {
    const entry = this.innermost(this.names.elseif);
    if (entry.sawElse) throw new StatementError(`${this.names.elseif} stands after ${this.names.else}`);
    entry.active = false;
    if (entry.settled) return;
    entry.settled = true;
    entry.active = condition();
    entry.settled = entry.active;
  }

  otherwise(): void {
    const entry = this.innermost(this.names.else);
    if (entry.sawElse) throw new StatementError(`this ${this.names.if} block already has an ${this.names.else}`);
    entry.sawElse = true;
    entry.active = !entry.settled;
    entry.settled = true;
  }

  end(): void {
    this.innermost(this.names.endif);
    this.open.pop();
  }

  /** Forgets the blocks opened since there were `depth`: what `.exitm` does. */
  unwind(depth: number): void {
    this.open.length = Math.min(depth, this.open.length);
  }

  /** What is still open. */
  unclosed(): Opening[] {
    return this.open.map(({ opened }) => opened);
  }

  private innermost(directive: string): Conditional<Opening> {
    const entry = this.open.at(-1);
    if (entry === undefined) throw new StatementError(`${directive} without ${this.names.if}`);
    return entry;
  }
}
