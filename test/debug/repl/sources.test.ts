/** Where the texts of a C program's sources are found: the directory that the compiler ran in counts. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { oracle } from "../../oracles.ts";
import { answers, debugRun } from "./debug-run.ts";

const MAIN = `int twice(int n);

void _start(void) {
  int n = twice(21);
  __asm__("int $0x80" : : "a"(1), "b"(n));
}
`;
const TWICE = `int twice(int n) {
  return 2 * n; /* where else */
}
`;
const OPTIONS = ["-m32", "-static", "-nostdlib", "-no-pie", "-fno-pic", "-fno-stack-protector", "-O0"];

/** A program of two units, each compiled in a directory of its own, under a name that is relative to it. */
function compiled(): { readonly project: string; readonly elf: Uint8Array; readonly isThere: boolean } {
  const project = mkdtempSync(join(tmpdir(), "esp0-sources-"));
  const parts = { app: MAIN, lib: TWICE };
  let isThere = true;
  for (const [part, text] of Object.entries(parts)) {
    mkdirSync(join(project, part, "src"), { recursive: true });
    writeFileSync(join(project, part, "src", `${part}.c`), text);
    const args = [...OPTIONS, "-g", "-c", "-o", join(project, `${part}.o`), `src/${part}.c`];
    isThere &&= spawnSync("gcc", args, { cwd: join(project, part), stdio: "ignore" }).status === 0;
  }
  const objects = Object.keys(parts).map((part) => join(project, `${part}.o`));
  isThere &&= spawnSync("gcc", [...OPTIONS, "-o", join(project, "program"), ...objects]).status === 0;
  return { project, elf: isThere ? readFileSync(join(project, "program")) : new Uint8Array(), isThere };
}

const { project, elf, isThere } = compiled();

describe.skipIf(!oracle("gcc -m32", isThere))("sources of a program compiled elsewhere", () => {
  const stops = ["tbreak twice", "continue", "info source", "list 2,2", "up", "info source", "list 4,4"];

  it("are found from the directories that the compiler ran in", async () => {
    const files = {
      program: elf,
      [join(project, "app/src/app.c")]: MAIN,
      [join(project, "lib/src/lib.c")]: TWICE,
    };
    const given = answers(await debugRun(["-q", "program"], stops, { files }));
    expect(given[1]).toMatch(/twice \(n=21\) at src\/lib\.c:2\n +2 +return 2 \* n; \/\* where else \*\/$/);
    expect(given[2]).toBe(
      `Current source file is src/lib.c\nCompilation directory is ${project}/lib\nContains 3 lines.`,
    );
    expect(given[3]).toContain("return 2 * n;");
    expect(given[5]).toBe(
      `Current source file is src/app.c\nCompilation directory is ${project}/app\nContains 6 lines.`,
    );
    expect(given[6]).toContain("int n = twice(21);");
  });

  it("are those beside the user first", async () => {
    const files = {
      program: elf,
      "src/lib.c": TWICE.replace("where else", "here"),
      [join(project, "lib/src/lib.c")]: TWICE,
    };
    const given = answers(await debugRun(["-q", "program"], stops, { files }));
    expect(given[1]).toContain("return 2 * n; /* here */");
  });

  it("are not at hand where there are none", async () => {
    const given = answers(await debugRun(["-q", "program"], stops, { files: { program: elf } }));
    expect(given[1]).toMatch(/twice \(n=21\) at src\/lib\.c:2\n=> /);
    expect(given[2]).toContain("Its text is not at hand.");
  });
});
