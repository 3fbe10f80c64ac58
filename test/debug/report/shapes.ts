/** What drawings have in them. */
import { expect } from "vitest";

/** An element with its attributes, and its text. */
export interface Shape {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
}

/** Elements of a drawing; expects that it is well-formed. */
export function shapes(svg: string): Shape[] {
  const open: string[] = [];
  const found: Shape[] = [];
  for (const [, end, name, written, empty, text] of svg.matchAll(
    /<(\/?)([a-z]+)((?: [\w-]+="[^"<]*")*)(\/?)>([^<]*)/g,
  )) {
    if (end) expect(open.pop()).toBe(name);
    else {
      const attributes = Object.fromEntries(
        [...written.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
      );
      found.push({ name: name, attributes, text: text.trim() });
      if (!empty) open.push(name);
    }
  }
  expect(open).toEqual([]);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  return found;
}

/** What is written in it. */
export const texts = (svg: string) =>
  shapes(svg)
    .filter(({ name }) => name === "text")
    .map(({ text }) => text);
/** What is shown where the pointer is. */
export const titles = (svg: string) =>
  shapes(svg)
    .filter(({ name }) => name === "title")
    .map(({ text }) => text);
