/** `.section`, `.text`, `.pushsection` and their kin. */
import {
  type SectionGroup,
  SHF_ALLOC,
  SHF_EXCLUDE,
  SHF_EXECINSTR,
  SHF_GROUP,
  SHF_MERGE,
  SHF_STRINGS,
  SHF_TLS,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_NOTE,
  SHT_PROGBITS,
} from "../object-file.ts";
import type { Cursor } from "./cursor.ts";
import type { Contents, DirectiveTable, RunDirective, Values } from "./directive.ts";
import { type SectionAttributes, SHT_FINI_ARRAY, SHT_INIT_ARRAY, SHT_PREINIT_ARRAY } from "./section-set.ts";

type Needs = Values & Contents;

const MAX_SUBSECTION = 8192;

const FLAGS: Readonly<Record<string, number>> = {
  a: SHF_ALLOC,
  w: SHF_WRITE,
  x: SHF_EXECINSTR,
  M: SHF_MERGE,
  S: SHF_STRINGS,
  T: SHF_TLS,
  e: SHF_EXCLUDE,
  G: SHF_GROUP,
};
/** The flag of a section that goes where the one before it belongs. */
const SAME_GROUP = "?";

const TYPES: Readonly<Record<string, number>> = {
  progbits: SHT_PROGBITS,
  nobits: SHT_NOBITS,
  note: SHT_NOTE,
  init_array: SHT_INIT_ARRAY,
  fini_array: SHT_FINI_ARRAY,
  preinit_array: SHT_PREINIT_ARRAY,
};

/** The names of sections may hold more than those of symbols. */
const SECTION_NAME = /[^\s,;"]+/y;

function takeSectionName(cursor: Cursor): string {
  if (cursor.peek() === '"') return cursor.expectName("the name of a section");
  SECTION_NAME.lastIndex = cursor.at;
  const name = SECTION_NAME.exec(cursor.text)?.[0];
  if (name === undefined) throw cursor.error(`expected the name of a section, found ${cursor.describeNext()}`);
  cursor.at += name.length;
  return name;
}

/** `"flags"[, @type[, entry size]]`, after the comma that follows the name. */
function takeAttributes(assembly: Needs, cursor: Cursor): Partial<SectionAttributes> {
  cursor.skipSpace();
  const at = cursor.at;
  const attributes: { -readonly [Name in keyof SectionAttributes]?: SectionAttributes[Name] } = { flags: 0 };
  for (const code of cursor.takeString()) {
    const letter = String.fromCharCode(code);
    if (letter === SAME_GROUP) attributes.group = assembly.sections.currentSection.group;
    const flag = letter === SAME_GROUP ? (attributes.group === undefined ? 0 : SHF_GROUP) : FLAGS[letter];
    if (flag === undefined)
      throw cursor.error(`unknown section flag '${letter}'; known are ${Object.keys(FLAGS).join(", ")}`, at);
    attributes.flags! |= flag;
  }
  const isTyped = /^\s*,\s*[^\s@%"]/.exec(cursor.text.slice(cursor.at)) === null;
  const needsGroup = (attributes.flags! & SHF_GROUP) !== 0 && attributes.group === undefined;
  // With a group the type may be left out.
  if ((isTyped || !needsGroup) && cursor.take(",")) attributes.type = takeType(cursor);
  if ((attributes.flags! & SHF_MERGE) !== 0) {
    cursor.expect(",", "and the entry size, which a section with the flag M needs,");
    attributes.entrySize = assembly.integer(cursor, "the entry size", 1, 65536);
  }
  if (needsGroup) attributes.group = takeGroup(assembly, cursor);
  return attributes;
}

/** `, signature[, comdat]` */
function takeGroup({ sections }: Contents, cursor: Cursor): SectionGroup {
  cursor.expect(",", "and the name of the group, which a section with the flag G needs,");
  cursor.skipSpace();
  const signature = takeSectionName(cursor);
  if (!cursor.take(",")) return sections.group(signature, false);
  cursor.skipSpace();
  const at = cursor.at;
  if (cursor.takeName() !== "comdat")
    throw cursor.error("expected `comdat`, or nothing, behind the name of the group", at);
  return sections.group(signature, true);
}

function takeType(cursor: Cursor): number {
  cursor.skipSpace();
  const at = cursor.at;
  if (!cursor.take("@")) cursor.take("%");
  const name = cursor.expectName("the type of the section (@progbits, @nobits or @note)");
  const type = TYPES[name];
  if (type === undefined) {
    throw cursor.error(
      `unknown section type '${name}'; known are ${Object.keys(TYPES)
        .map((known) => `@${known}`)
        .join(", ")}`,
      at,
    );
  }
  return type;
}

function takeSubsection(assembly: Needs, cursor: Cursor): number {
  return cursor.atEnd() ? 0 : assembly.integer(cursor, "the number of the subsection", 0, MAX_SUBSECTION);
}

const section: RunDirective<Needs> = (assembly, cursor) => {
  const name = takeSectionName(cursor);
  const attributes = cursor.take(",") ? takeAttributes(assembly, cursor) : undefined;
  assembly.sections.switchTo(assembly.sections.find(name, attributes));
};

const pushSection: RunDirective<Needs> = (assembly, cursor) => {
  const name = takeSectionName(cursor);
  let subsection = 0;
  let attributes: Partial<SectionAttributes> | undefined;
  if (cursor.take(",")) {
    if (cursor.peek() !== '"') {
      subsection = takeSubsection(assembly, cursor);
      if (cursor.take(",")) attributes = takeAttributes(assembly, cursor);
    } else {
      attributes = takeAttributes(assembly, cursor);
    }
  }
  const target = assembly.sections.find(name, attributes);
  assembly.sections.push();
  assembly.sections.switchTo(target, subsection);
};

const wellKnown: RunDirective<Needs> = (assembly, cursor, name) => {
  assembly.sections.switchTo(assembly.sections.find(name), takeSubsection(assembly, cursor));
};

export const SECTION_DIRECTIVES: DirectiveTable<Needs> = {
  ".section": section,
  ".pushsection": pushSection,
  ".popsection": (assembly) => assembly.sections.pop(),
  ".previous": (assembly) => assembly.sections.swapPrevious(),
  ".subsection": (assembly, cursor) => assembly.sections.switchSubsection(takeSubsection(assembly, cursor)),
  ".text": wellKnown,
  ".data": wellKnown,
  ".bss": wellKnown,
};
