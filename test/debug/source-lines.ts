/** Lines of the kernel's own sources, which tests name by what is written there. */
import { readFileSync } from "node:fs";

/** The number of the first line of a source that contains a text, from 1. @throws Error when there is none */
export function lineWith(file: string, text: string): number {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8").split("\n");
  const index = lines.findIndex((line) => line.includes(text));
  if (index < 0) throw new Error(`${file} has no line with ${text}`);
  return index + 1;
}
