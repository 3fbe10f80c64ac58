import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { elfLines, imageDebugSections, readElf } from "../../asm/index.ts";
import { describedProgram } from "./described-program.ts";
import { haveTools, run, withDirectory } from "./objects.ts";

const hasTools = haveTools("gdb", "readelf");

/** What GDB prints for commands about the program, which does not run. */
function gdb(...commands: readonly string[]): string {
  return withDirectory((path) => {
    writeFileSync(path("program"), describedProgram().file);
    const { stdout, stderr } = spawnSync(
      "gdb",
      ["-nx", "-batch", ...commands.flatMap((command) => ["-ex", command]), path("program")],
      { encoding: "utf8" },
    );
    return stdout + stderr;
  });
}

function readelf(what: string): string {
  return withDirectory((path) => {
    writeFileSync(path("program"), describedProgram().file);
    return run("readelf", "-W", `--debug-dump=${what}`, path("program"));
  });
}

describe("modules in a higher language", () => {
  it("have their lines and columns read back", () => {
    const { image, file } = describedProgram();
    expect(elfLines(readElf(file))).toEqual(image.lines);
    expect(image.lines[0]).toEqual({ address: 0x8000, file: "kernel/fork.ts", line: 101, column: 15 });
  });

  it("are written as when GDB and readelf last agreed", () => {
    const { image, infos } = describedProgram();
    const digests = imageDebugSections(image, infos).map(({ name, data }) => {
      return `${name} ${createHash("sha256").update(data).digest("hex").slice(0, 16)}`;
    });
    expect(digests).toMatchInlineSnapshot(`
      [
        ".debug_line 8fc61970d9cf90d1",
        ".debug_info ddf02333d590bdd2",
        ".debug_abbrev b97d0021d47d8bea",
        ".debug_frame 54583a8ed6b17c97",
      ]
    `);
  });

  it("name the object that each symbol comes from", () => {
    const { image } = describedProgram();
    const units = image.symbols.filter(({ name }) => name === "pick" || name === "count" || name === "_end");
    expect(units.map(({ name, unit }) => `${name} ${unit}`)).toEqual([
      "pick kernel/fork.ts",
      "count kernel/fork.ts",
      "pick kernel/sched.ts",
      "count kernel/sched.ts",
      "_end undefined",
    ]);
  });

  it.skipIf(!hasTools)("are what readelf takes them for", () => {
    const info = readelf("info");
    expect(info.match(/DW_TAG_compile_unit/g)).toHaveLength(2);
    expect(info).toMatch(/DW_AT_name +: \(string\) kernel\/sched\.ts/);
    expect(info).toMatch(/DW_TAG_lexical_block[\s\S]*DW_TAG_variable[\s\S]*DW_TAG_lexical_block/);
    expect(readelf("rawline")).toMatch(/Set column to 15[\s\S]*Set column to 5\b/);
    const frames = readelf("frames-interp").match(/^[0-9a-f]{8} [0-9a-f]{8} [0-9a-f]{8} FDE /gm);
    expect(frames).toHaveLength(3);
  });

  it.skipIf(!hasTools)("show GDB parameters, locals and blocks where they are", () => {
    const scope = (place: string) =>
      [...gdb(`info scope ${place}`).matchAll(/Symbol (\w+) is .*\n.*DW_OP_fbreg (-?\d+)\n, length (\d)/g)].map(
        ([, name, offset, size]) => `${name} ${offset} ${size}`,
      );
    const outer = ["prev 0 4", "flags 4 4", "stopped -12 4", "error -16 4", "time -24 8", "parent -28 4"];
    expect(scope("do_fork")).toEqual(outer);
    expect(scope("*block")).toEqual(["value -32 4", ...outer]);
    expect(scope("*inner")).toEqual(["value -36 4", "value -32 4", ...outer]);
    expect(scope("*block_end")).toEqual(outer);
  });

  it.skipIf(!hasTools)("share structs between units", () => {
    const types = gdb("ptype struct task_struct", "ptype queue_t", "ptype do_fork", "print sizeof(struct task_struct)");
    expect(types).toMatch(
      /type = struct task_struct \{\s+int pid;\s+char comm\[8\];\s+long long runtime;\s+struct queue_t \*queue;/,
    );
    expect(types).toMatch(/type = struct queue_t \{\s+struct task_struct \*first;/);
    expect(types).toMatch(/type = _Bool \(struct task_struct \*, int\)/);
    expect(types).toMatch(/\$1 = 24/);
    expect(gdb("print *current", "print current->queue.first == current")).toMatch(
      /\$1 = \{pid = 0, comm = "swapper", runtime = -2, queue = 0x[0-9a-f]+\}\s+\$2 = 1/,
    );
  });

  it.skipIf(!hasTools)("may repeat names that are static", () => {
    const values = gdb(
      "print 'kernel/sched.ts'::count",
      "print 'kernel/fork.ts'::count",
      "info line kernel/fork.ts:pick",
    );
    expect(values).toMatch(/\$1 = 3\s+\$2 = 120 'x'/);
    expect(gdb("info scope kernel/sched.ts:pick")).toMatch(/Symbol best is /);
    expect(gdb("info scope kernel/fork.ts:pick")).toMatch(/contains no locals or arguments/);
  });

  it.skipIf(!hasTools)("are found by line", () => {
    const { image } = describedProgram();
    const start = image.symbol("do_fork").toString(16);
    expect(gdb("info line do_fork")).toMatch(
      new RegExp(`Line \\d+ of "kernel/fork.ts" starts at address 0x${start} <do_fork>`),
    );
  });
});
