/** Runs GNU as where it is installed, and writes objects as text to compare ours with its. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ObjectFile, type ObjectSymbol, objectFromElf, readElf, type Section } from "../../asm/index.ts";
import { oracle } from "../oracles.ts";

export const hasGnuAs = oracle("GNU as", spawnSync("as", ["--32", "--version"]).status === 0);

/**
 * The object that `as --32` makes of a source, with further options. Throws with its messages if it refuses the source.
 */
export function gnuAssemble(source: string, options: readonly string[] = []): ObjectFile {
  const directory = mkdtempSync(join(tmpdir(), "gnu-as-"));
  try {
    const input = join(directory, "input.s");
    const output = join(directory, "output.o");
    writeFileSync(input, source);
    execFileSync("as", ["--32", ...options, "-o", output, input], { stdio: ["ignore", "ignore", "pipe"] });
    return objectFromElf(readElf(readFileSync(output)), "input.s");
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const hex = (value: number, digits = 0): string => (value >>> 0).toString(16).padStart(digits, "0");

/** Sections with contents as hexadecimal lines, their relocations, and the symbols: one text for each object. */
export function describeObject(object: ObjectFile): string {
  const sections = object.sections.filter((section) => section.size > 0 || section.relocations.length > 0);
  return [...sections.flatMap(describeSection), ...describeSymbols(object)].join("\n");
}

/** Like `describeObject`, without the symbols. */
export function describeContents(object: ObjectFile): string {
  const sections = object.sections.filter((section) => section.size > 0);
  return sections.flatMap(describeSection).join("\n");
}

function describeSection(section: Section): string[] {
  const { name, type, flags, entrySize, alignment, size, data, group } = section;
  const member = group === undefined ? "" : ` of ${group.isComdat ? "comdat" : "group"} ${group.signature}`;
  const lines = [
    `${name} type ${type} flags ${hex(flags)} entry ${entrySize} align ${alignment} size ${hex(size)}${member}`,
  ];
  for (let at = 0; at < data.length; at += 16) {
    lines.push(`  ${hex(at, 4)} ${Buffer.from(data.subarray(at, at + 16)).toString("hex")}`);
  }
  const relocations = [...section.relocations].sort((a, b) => a.offset - b.offset);
  for (const { offset, type: relocation, symbol } of relocations) {
    // Against an absolute place: the null symbol.
    lines.push(`  reloc ${hex(offset, 4)} type ${relocation} ${referenceName(symbol)}`);
  }
  return lines;
}

/** ELF files leave section symbols without a name. */
function referenceName({ name, type, section }: ObjectSymbol): string {
  if (type === "section" && typeof section === "object") return section.name;
  return name === "" ? "-" : name;
}

function describeSymbols(object: ObjectFile): string[] {
  return object.symbols
    .filter(({ name, type }) => name !== "" && type !== "section")
    .map(describeSymbol)
    .sort();
}

function describeSymbol(symbol: ObjectSymbol): string {
  const { name, binding, type, visibility = "default", size } = symbol;
  const seen = visibility === "default" ? "" : ` ${visibility}`;
  return `${name} ${binding}${seen} ${type} ${place(symbol)} size ${size}`;
}

function place({ section, value }: ObjectSymbol): string {
  if (section === undefined) return "undefined";
  return `${typeof section === "string" ? section : section.name}+${hex(value)}`;
}
