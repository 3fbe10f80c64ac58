import { expect } from "vitest";
import { type AssembleOptions, AssemblyError, assemble } from "../../asm/index.ts";
import { describeObject, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

/** Assembles, compares with GNU as if it is there, and gives the object as text to compare with what was recorded. */
export function assembled(source: string): string {
  const ours = describeObject(assemble(source, { file: "input.s" }));
  if (hasGnuAs) expect(ours).toBe(describeObject(gnuAssemble(source)));
  return ours;
}

/** The bytes of .text in hexadecimal, compared with GNU as if it is there. */
export function code(source: string): string {
  assembled(source);
  return ownCode(source);
}

/** The bytes of .text in hexadecimal: for what GNU as does not do. */
export function ownCode(source: string, options: Partial<AssembleOptions> = {}): string {
  const text = assemble(source, { file: "input.s", ...options }).sections[0];
  return Buffer.from(text.data).toString("hex");
}

/** The errors of a source, one a line. */
export function errorsOf(source: string, options: Partial<AssembleOptions> = {}): string[] {
  try {
    assemble(source, { file: "input.s", ...options });
  } catch (error) {
    if (error instanceof AssemblyError) return error.message.split("\n");
    throw error;
  }
  return [];
}
