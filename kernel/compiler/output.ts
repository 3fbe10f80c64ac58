/** Builds a module's text, with a source map back to what it was made from. */
import { addMapping, GenMapping, setSourceContent, toEncodedMap } from "@jridgewell/gen-mapping";
import type ts from "typescript-api";

export class Output {
  readonly #map: GenMapping;
  readonly #parts: string[] = [];
  #line = 1;
  #column = 0;

  constructor(private readonly source: ts.SourceFile) {
    this.#map = new GenMapping({ file: source.fileName });
    setSourceContent(this.#map, source.fileName, source.text);
  }

  /** Text of the source as it stands. */
  copy(start: number, end: number): void {
    const text = this.source.text.slice(start, end);
    let at = start;
    for (const line of text.split(/(?<=\n)/)) {
      this.#mark(at);
      this.#write(line);
      at += line.length;
    }
  }

  /** Made text that comes from a place of the source; undefined for none. */
  made(text: string, at?: number): void {
    for (const line of text.split(/(?<=\n)/)) {
      if (at !== undefined) this.#mark(at);
      this.#write(line);
    }
  }

  get text(): string {
    return this.#parts.join("");
  }

  /** The source map, version 3, as JSON. */
  get map(): string {
    return JSON.stringify(toEncodedMap(this.#map));
  }

  #mark(position: number): void {
    const { line, character } = this.source.getLineAndCharacterOfPosition(position);
    addMapping(this.#map, {
      source: this.source.fileName,
      generated: { line: this.#line, column: this.#column },
      original: { line: line + 1, column: character },
    });
  }

  #write(text: string): void {
    this.#parts.push(text);
    const lines = text.split("\n");
    this.#line += lines.length - 1;
    this.#column = lines.length === 1 ? this.#column + text.length : lines.at(-1)!.length;
  }
}
