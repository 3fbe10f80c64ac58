/** Texts of the sources that line numbers refer to. */

export class SourceTexts {
  readonly #files = new Map<string, readonly string[]>();

  constructor(files: Iterable<{ readonly file: string; readonly text: string }> = []) {
    for (const { file, text } of files) this.add(file, text);
  }

  add(file: string, text: string): void {
    this.#files.set(file, text.split("\n"));
  }

  /** A line, counted from 1; undefined when there is none. */
  line(file: string, line: number): string | undefined {
    return this.#files.get(file)?.[line - 1];
  }

  /** Number of lines of a file, 0 when its text is not known. */
  length(file: string): number {
    return this.#files.get(file)?.length ?? 0;
  }
}
