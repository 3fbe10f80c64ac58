/**
 * Records what GNU as (2.40 when last run) makes of every instruction the assembler knows.
 * `node test/asm/golden/record-encodings.mjs` writes encodings.tsv beside this file: an instruction, its bytes in
 * hexadecimal under .code32, and under .code16.
 *
 * Every mnemonic with every suffix is tried with every combination of a small alphabet of operands; what GNU as
 * rejects, or accepts only with a warning, has `-` for its bytes; lines without any are left out. `--all FILE` also
 * writes those.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressingLines, operandLines, vectorLines } from "./corpus.mjs";

/** The bytes of each line, or undefined where GNU as complains. */
function assemble(lines, codeSize, directory) {
  const source = join(directory, "corpus.s");
  const object = join(directory, "corpus.o");
  const options = { encoding: "utf8", maxBuffer: 2 ** 30 };
  writeFileSync(source, `.code${codeSize}\n${lines.join("\n")}\n`);
  const complaints = spawnSync("as", ["--32", "-o", object, source], options).stderr;
  const rejected = new Set(
    [...complaints.matchAll(/:(\d+): (?:Error|Warning):/g)].map((match) => Number(match[1]) - 2),
  );
  const accepted = lines.map((_, index) => index).filter((index) => !rejected.has(index));
  writeFileSync(source, `.code${codeSize}\n${accepted.map((index) => lines[index]).join("\n")}\n`);
  const listing = execFileSync("as", ["--32", "-al", "--listing-lhs-width=8", "-o", object, source], options);
  const bytes = new Array(lines.length);
  for (const match of listing.matchAll(/^ *(\d+) [0-9a-f]{4,} ((?:[0-9A-F]+ )+)/gm)) {
    bytes[accepted[Number(match[1]) - 2]] = match[2].replaceAll(" ", "").toLowerCase();
  }
  return bytes;
}

const directory = mkdtempSync(join(tmpdir(), "encodings-"));
const lines = [...new Set([...operandLines(), ...addressingLines(), ...vectorLines()])];
const [in32, in16] = [32, 16].map((codeSize) => assemble(lines, codeSize, directory));
rmSync(directory, { recursive: true });

const rows = lines.map((line, index) => [line, in32[index] ?? "-", in16[index] ?? "-"]);
const accepted = rows.filter(([, ...bytes]) => bytes.some((text) => text !== "-"));
const format = (table) => table.map((row) => `${row.join("\t")}\n`).join("");
writeFileSync(new URL("encodings.tsv", import.meta.url), format(accepted));
if (process.argv[2] === "--all") writeFileSync(process.argv[3], format(rows));
console.log(`${accepted.length} of ${rows.length} lines accepted`);
