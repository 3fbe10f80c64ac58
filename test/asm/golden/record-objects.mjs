/**
 * Records what GNU as (2.40 when last run) makes of the sources beside this file: `node
 * test/asm/golden/record-objects.mjs` writes objects/NAME.o, without debug information, for each sources/NAME.s.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
mkdirSync(`${here}objects`, { recursive: true });
for (const source of readdirSync(`${here}sources`)) {
  execFileSync("as", ["--32", "-o", `objects/${source.replace(/\.s$/, ".o")}`, `sources/${source}`], { cwd: here });
}
