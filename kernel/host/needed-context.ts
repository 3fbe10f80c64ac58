/** What a function needs of its caller, as its `@context` says. */

/** A lock that a function needs to be held. */
export interface NeededLock {
  /** Of a variable, or of a struct if there is a parameter. */
  readonly name: string;
  readonly field?: string;
  /** Where the address of that struct is: in a parameter so many bytes from EBP; the number of a plain function's parameter. */
  readonly parameter?: number;
  /** Of a reader/writer lock. */
  readonly mode?: "reading" | "writing";
}

/** What a function's `@context` says that it needs. */
export interface NeededContext {
  /** `might_sleep`, `irqs_disabled`: see kernel/running/entry-check.ts. */
  readonly needs: readonly string[];
  /** Line and column of the tag, from 1. */
  readonly at: readonly [line: number, column: number];
  readonly holds?: readonly NeededLock[];
  /** Only when the parameter so many bytes from EBP has a bit of the mask set; the number of a plain function's parameter. */
  readonly when?: readonly [offset: number, mask: number];
}

/** That of a plain function, and the file it is in. */
export interface PlainContext {
  readonly file: string;
  readonly context: NeededContext;
}
