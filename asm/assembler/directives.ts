/** All directives by name (GNU as manual, "Pseudo Ops"). */
import { didYouMean, nearNames } from "../near-names.ts";
import { SHF_MERGE, SHF_STRINGS, SHT_PROGBITS } from "../object-file.ts";
import { CALL_FRAME_DIRECTIVES } from "./call-frame-directives.ts";
import { CONDITIONAL_DIRECTIVES } from "./conditional-directives.ts";
import type { Cursor } from "./cursor.ts";
import { DATA_DIRECTIVES } from "./data-directives.ts";
import type {
  Contents,
  Definitions,
  DirectiveTable,
  Frames,
  Messages,
  RunDirective,
  Source,
  Values,
} from "./directive.ts";
import { LAYOUT_DIRECTIVES } from "./layout-directives.ts";
import { MACRO_DIRECTIVES } from "./macro-directives.ts";
import { RELOCATION_DIRECTIVES } from "./relocation-directives.ts";
import { SECTION_DIRECTIVES } from "./section-directives.ts";
import { SYMBOL_DIRECTIVES } from "./symbol-directives.ts";
import { VERSION_DIRECTIVES } from "./symbol-versions.ts";

/** All that directives may use of the assembler that runs them. */
export type Assembly = Values & Contents & Definitions & Messages & Source & Frames;

export interface Directive {
  readonly run: RunDirective<Assembly>;
  /** Also looked at in the dead branches of conditionals. */
  readonly isConditional: boolean;
}

const ignore: RunDirective<unknown> = (_, cursor) => {
  cursor.at = cursor.text.length;
};

function code(codeSize: 16 | 32, stackSize: 16 | 32): RunDirective<Contents> {
  return (assembly) => {
    assembly.codeSize = codeSize;
    assembly.stackSize = stackSize;
  };
}

/** Code, messages, and what is accepted but means nothing here. */
const OTHER_DIRECTIVES: DirectiveTable<Contents & Messages & Source> = {
  ".code16": code(16, 16),
  ".code16gcc": code(16, 32),
  ".code32": code(32, 32),
  ".code64": (_, cursor) => {
    throw cursor.error(".code64: only 16-bit and 32-bit code is assembled", 0);
  },
  ".intel_syntax": (_, cursor) => {
    throw cursor.error("Intel syntax is not supported: write AT&T syntax (source first, %registers, $immediates)", 0);
  },
  ".error": (_, cursor) => {
    const text = cursor.atEnd() ? ".error" : textOf(cursor);
    throw cursor.error(text, 0);
  },
  ".warning": (assembly, cursor) => {
    assembly.warn(cursor.position(0), cursor.atEnd() ? ".warning" : textOf(cursor));
  },
  ".abort": (assembly, cursor) => {
    assembly.reader.stop();
    throw cursor.error(".abort: the source asks to stop here", 0);
  },
  ".err": (_, cursor) => {
    throw cursor.error(".err: the source asks for an error here", 0);
  },
  ".print": (assembly, cursor) => {
    assembly.warn(cursor.position(0), textOf(cursor));
  },
  ".include": (assembly, cursor) => {
    const name = textOf(cursor);
    cursor.expectEnd();
    assembly.includeFile(name);
  },
  ".end": (assembly) => {
    assembly.reader.stop();
  },
  ".ident": (assembly, cursor) => {
    const text = cursor.takeString();
    const { sections } = assembly;
    sections.push();
    sections.switchTo(sections.find(".comment", COMMENT));
    // As GNU as has it: a null byte before the first.
    if (sections.current.length === 0) assembly.append([0]);
    assembly.append([...text, 0]);
    sections.pop();
  },
  ".file": (assembly, cursor) => {
    // `.file 1 "name"` numbers a file for debug information, which is not made.
    if (cursor.nextIsDigit()) ignore(assembly, cursor, "");
    else assembly.sourceName = textOf(cursor);
  },
};

const COMMENT = { type: SHT_PROGBITS, flags: SHF_MERGE | SHF_STRINGS, entrySize: 1 };

const IGNORED = [
  ".arch",
  ".att_syntax",
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
  const add = (directives: DirectiveTable<Assembly>, isConditional = false): void => {
    for (const [name, run] of Object.entries(directives)) table.set(name, { run, isConditional });
  };
  add(DATA_DIRECTIVES);
  add(LAYOUT_DIRECTIVES);
  add(SECTION_DIRECTIVES);
  add(SYMBOL_DIRECTIVES);
  add(VERSION_DIRECTIVES);
  add(RELOCATION_DIRECTIVES);
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
  return `unknown directive '${name}'${didYouMean(near)}`;
}

function textOf(cursor: Cursor): string {
  return new TextDecoder().decode(Uint8Array.from(cursor.takeString()));
}
