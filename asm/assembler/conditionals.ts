/** Open `.if` blocks. */
import { StatementError } from "../diagnostics.ts";
import { describeExpansion, positionIn, type Statement } from "./statement.ts";

interface Conditional {
  readonly opened: Statement;
  /** Statements of the present branch are assembled. */
  active: boolean;
  /** A branch was chosen already, or the whole block lies in a dead branch. */
  settled: boolean;
  sawElse: boolean;
}

export class Conditionals {
  private readonly open: Conditional[] = [];

  get depth(): number {
    return this.open.length;
  }

  /** Whether statements here are assembled. */
  get active(): boolean {
    return this.open.length === 0 || this.open[this.open.length - 1].active;
  }

  /** `.if`; `condition` is asked for only if the block is alive. */
  begin(opened: Statement, condition: () => boolean): void {
    const alive = this.active;
    const entry: Conditional = { opened, active: false, settled: true, sawElse: false };
    this.open.push(entry);
    if (!alive) return;
    // If the condition is faulty, no branch is assembled.
    entry.active = condition();
    entry.settled = entry.active;
  }

  /** `.elseif` */
  otherwiseIf(condition: () => boolean): void {
    const entry = this.innermost(".elseif");
    if (entry.sawElse) throw new StatementError(".elseif stands after .else");
    entry.active = false;
    if (entry.settled) return;
    entry.settled = true;
    entry.active = condition();
    entry.settled = entry.active;
  }

  otherwise(): void {
    const entry = this.innermost(".else");
    if (entry.sawElse) throw new StatementError("this .if block already has an .else");
    entry.sawElse = true;
    entry.active = !entry.settled;
    entry.settled = true;
  }

  end(): void {
    this.innermost(".endif");
    this.open.pop();
  }

  /** Forgets the blocks opened since there were `depth`: what `.exitm` does. */
  unwind(depth: number): void {
    this.open.length = Math.min(depth, this.open.length);
  }

  /** Takes what is still open at the end of the source. */
  unclosed(): Statement[] {
    return this.open.map(({ opened }) => opened);
  }

  private innermost(directive: string): Conditional {
    const entry = this.open.at(-1);
    if (entry === undefined) throw new StatementError(`${directive} without .if`);
    return entry;
  }
}

/** The message for a block that nothing closes. */
export function unclosedMessage(opened: Statement, closing: string): string {
  const { file, line } = positionIn(opened, 0);
  const name = /^\S+/.exec(opened.text)?.[0] ?? opened.text;
  return `${name} at ${file}:${line} has no ${closing}${describeExpansion(opened.expansion)}`;
}
