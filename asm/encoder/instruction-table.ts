/** The instruction tables, indexed by mnemonic as written (with and without suffix). */
import { nearNames } from "../near-names.ts";
import { INTEGER_INSTRUCTIONS } from "./tables/integer.ts";
import { SYSTEM_INSTRUCTIONS } from "./tables/system.ts";
import { VECTOR_INSTRUCTIONS } from "./tables/vector.ts";
import { X87_INSTRUCTIONS } from "./tables/x87.ts";
import { type OperandSize, parseTemplates, type Template } from "./template.ts";

/** One way to read a mnemonic: a template, and the operand size its suffix names, if it has one. */
export interface Candidate {
  readonly template: Template;
  readonly suffixSize: OperandSize | undefined;
}

const SUFFIXES: Readonly<Record<OperandSize, string>> = { 8: "b", 16: "w", 32: "l" };

const TABLES = [INTEGER_INSTRUCTIONS, SYSTEM_INSTRUCTIONS, X87_INSTRUCTIONS, VECTOR_INSTRUCTIONS];

let index: Map<string, Candidate[]> | undefined;

/** What a mnemonic can mean, in order of preference, or undefined if there is no such mnemonic. */
export function candidatesFor(mnemonic: string): readonly Candidate[] | undefined {
  index ??= buildIndex();
  return index.get(mnemonic);
}

function buildIndex(): Map<string, Candidate[]> {
  const built = new Map<string, Candidate[]>();
  const add = (mnemonic: string, candidate: Candidate): void => {
    const known = built.get(mnemonic);
    if (known === undefined) built.set(mnemonic, [candidate]);
    else known.push(candidate);
  };
  for (const template of parseTemplates(TABLES.join("\n"))) {
    for (const name of template.names) {
      add(name, { template, suffixSize: undefined });
      if (!template.suffixed) continue;
      for (const size of template.sizes) add(name + SUFFIXES[size], { template, suffixSize: size });
    }
  }
  return built;
}

/** The suffixes that name these sizes, smallest first. */
export function suffixesOf(sizes: readonly OperandSize[]): string[] {
  return [...new Set(sizes)].sort((left, right) => left - right).map((size) => SUFFIXES[size]);
}

/** The mnemonic the author of `name` probably meant, if one is near: preferably one that goes on or starts like it. */
export function suggestMnemonic(name: string): string | undefined {
  index ??= buildIndex();
  const near = nearNames(name, index.keys());
  return (
    near.find((candidate) => candidate.startsWith(name)) ??
    near.find((candidate) => candidate[0] === name[0]) ??
    near[0]
  );
}
