/** Objects built by hand, for tests of the linker and of the ELF files, and GNU binutils to compare with. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type ObjectFile,
  type ObjectSymbol,
  type Relocation,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
} from "../../asm/object-file.ts";
import { oracle } from "../oracles.ts";

export const CODE = SHF_ALLOC | SHF_EXECINSTR;
export const DATA = SHF_ALLOC | SHF_WRITE;
export const READ_ONLY = SHF_ALLOC;

export function section(name: string, flags: number, bytes: readonly number[], alignment = 1): Section {
  const data = Uint8Array.from(bytes);
  return { name, type: SHT_PROGBITS, flags, entrySize: 0, alignment, data, size: data.length, relocations: [] };
}

export function zeros(name: string, size: number, alignment = 1): Section {
  return { ...section(name, DATA, [], alignment), type: SHT_NOBITS, size };
}

export function symbol(
  name: string,
  place: ObjectSymbol["section"],
  value = 0,
  rest: Partial<ObjectSymbol> = {},
): ObjectSymbol {
  return { name, binding: "global", type: "notype", section: place, value, size: 0, ...rest };
}

export function object(name: string, sections: readonly Section[], symbols: readonly ObjectSymbol[] = []): ObjectFile {
  return { name, sections, symbols };
}

/** Adds a relocation and returns the section. */
export function relocated(target: Section, ...relocations: readonly Relocation[]): Section {
  target.relocations.push(...relocations);
  return target;
}

/** A directory that exists while `use` runs. */
export function withDirectory<T>(use: (path: (name: string) => string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "esp0-test-"));
  try {
    return use((name) => join(directory, name));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Whether all these tools can be run. */
export function haveTools(...tools: readonly string[]): boolean {
  return tools.map((tool) => oracle(tool, spawnSync(tool, ["--version"]).status === 0)).every((isThere) => isThere);
}

/** Runs a tool, which must neither fail nor complain, and returns what it prints. */
export function run(tool: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { encoding: "utf8" });
  if (status !== 0 || stderr !== "") throw new Error(`${tool} ${args.join(" ")}: ${error ?? stderr}`);
  return stdout;
}

/** The object that GNU as makes of a source. */
export function gnuAssemble(source: string): Uint8Array {
  return withDirectory((path) => {
    writeFileSync(path("source.s"), source);
    execFileSync("as", ["--32", path("source.s"), "-o", path("source.o")]);
    return new Uint8Array(readFileSync(path("source.o")));
  });
}
