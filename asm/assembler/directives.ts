/** All directives by name (GNU as manual, "Pseudo Ops"). */
import { nearNames } from "../near-names.ts";
import type { Assembler } from "./assembler.ts";
import { CALL_FRAME_DIRECTIVES } from "./call-frame-directives.ts";
import { CONDITIONAL_DIRECTIVES } from "./conditional-directives.ts";
import type { Cursor } from "./cursor.ts";
import { DATA_DIRECTIVES } from "./data-directives.ts";
import { LAYOUT_DIRECTIVES } from "./layout-directives.ts";
import { MACRO_DIRECTIVES } from "./macro-directives.ts";
import { SECTION_DIRECTIVES } from "./section-directives.ts";
import { SYMBOL_DIRECTIVES } from "./symbol-directives.ts";

/** Carries out a directive; the cursor stands after its name. It must read the statement to its end. */
export type RunDirective = (assembler: Assembler, cursor: Cursor, name: string) => void;

export interface Directive {
  readonly run: RunDirective;
  /** Also looked at in the dead branches of conditionals. */
  readonly isConditional: boolean;
}

export type DirectiveTable = Readonly<Record<string, RunDirective>>;

const ignore: RunDirective = (_, cursor) => {
  cursor.at = cursor.text.length;
};

/** Code, messages, and what is accepted but means nothing here. */
const OTHER_DIRECTIVES: DirectiveTable = {
  ".code16": (assembler) => {
    assembler.codeSize = 16;
  },
  ".code32": (assembler) => {
    assembler.codeSize = 32;
  },
  ".code64": (_, cursor) => {
    throw cursor.error(".code64: only 16-bit and 32-bit code is assembled", 0);
  },
  ".code16gcc": (_, cursor) => {
    throw cursor.error(".code16gcc is for compiler output; write .code16 and give operand sizes where they matter", 0);
  },
  ".intel_syntax": (_, cursor) => {
    throw cursor.error("Intel syntax is not supported: write AT&T syntax (source first, %registers, $immediates)", 0);
  },
  ".error": (_, cursor) => {
    const text = cursor.atEnd() ? ".error" : textOf(cursor);
    throw cursor.error(text, 0);
  },
  ".warning": (assembler, cursor) => {
    assembler.warn(cursor.position(0), cursor.atEnd() ? ".warning" : textOf(cursor));
  },
  ".abort": (assembler, cursor) => {
    assembler.reader.stop();
    throw cursor.error(".abort: the source asks to stop here", 0);
  },
  ".err": (_, cursor) => {
    throw cursor.error(".err: the source asks for an error here", 0);
  },
  ".print": (assembler, cursor) => {
    assembler.warn(cursor.position(0), textOf(cursor));
  },
  ".include": (assembler, cursor) => {
    const name = textOf(cursor);
    cursor.expectEnd();
    assembler.includeFile(name);
  },
  ".end": (assembler) => {
    assembler.reader.stop();
  },
  ".file": (assembler, cursor) => {
    // `.file 1 "name"` numbers a file for debug information, which is not made.
    if (cursor.nextIsDigit()) ignore(assembler, cursor, "");
    else assembler.sourceName = textOf(cursor);
  },
};

const IGNORED = [
  ".arch",
  ".att_syntax",
  ".ident",
  ".loc",
  ".version",
  ".addrsig",
  ".line",
  ".ln",
  ".stabs",
  ".stabn",
  ".list",
  ".nolist",
  ".eject",
  ".title",
  ".sbttl",
  ".psize",
];

function buildTable(): Map<string, Directive> {
  const table = new Map<string, Directive>();
  const add = (directives: DirectiveTable, isConditional = false): void => {
    for (const [name, run] of Object.entries(directives)) table.set(name, { run, isConditional });
  };
  add(DATA_DIRECTIVES);
  add(LAYOUT_DIRECTIVES);
  add(SECTION_DIRECTIVES);
  add(SYMBOL_DIRECTIVES);
  add(MACRO_DIRECTIVES);
  add(CALL_FRAME_DIRECTIVES);
  add(CONDITIONAL_DIRECTIVES, true);
  add(OTHER_DIRECTIVES);
  for (const name of IGNORED) table.set(name, { run: ignore, isConditional: false });
  return table;
}

export const DIRECTIVES: ReadonlyMap<string, Directive> = buildTable();

/** The message for a directive that does not exist. */
export function unknownDirective(name: string, macros: Iterable<string>): string {
  const near = nearNames(name, [...DIRECTIVES.keys(), ...macros]);
  return `unknown directive '${name}'${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`;
}

function textOf(cursor: Cursor): string {
  return new TextDecoder().decode(Uint8Array.from(cursor.takeString()));
}
