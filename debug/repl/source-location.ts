/** Lines of sources. */
/** A line of a source. */
export interface SourceLocation {
  readonly file: string;
  readonly line: number;
}

/** What `list` has shown, and the line in it that line numbers alone count from. */
export interface ListedLines extends SourceLocation {
  readonly first: number;
  readonly last: number;
}
