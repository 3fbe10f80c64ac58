/** Texts of the sources that line numbers refer to. */

export class SourceTexts {
  readonly #files = new Map<string, readonly string[] | undefined>();
  readonly #read: (file: string) => string | undefined;

  /**
   * @param files texts that are known from the start
   * @param read finds the text of another file, when it is first wanted
   */
  constructor(
    files: Iterable<{ readonly file: string; readonly text: string }> = [],
    read: (file: string) => string | undefined = () => undefined,
  ) {
    for (const { file, text } of files) this.add(file, text);
    this.#read = read;
  }

  add(file: string, text: string): void {
    this.#files.set(file, linesOf(text));
  }

  /** A line, counted from 1; undefined when there is none. */
  line(file: string, line: number): string | undefined {
    return this.#lines(file)?.[line - 1];
  }

  /** Number of lines of a file, 0 when its text is not known. */
  length(file: string): number {
    return this.#lines(file)?.length ?? 0;
  }

  /** Files whose texts are at hand already. */
  files(): string[] {
    return [...this.#files].flatMap(([file, lines]) => (lines === undefined ? [] : [file]));
  }

  #lines(file: string): readonly string[] | undefined {
    if (!this.#files.has(file)) {
      const text = this.#read(file);
      this.#files.set(file, text === undefined ? undefined : linesOf(text));
    }
    return this.#files.get(file);
  }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}
