/** `--module` and `--syscall` through the built command. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hasGdb, runGdb } from "../debug/gdb/real-gdb.ts";
import { ESP0 } from "../dist.ts";
import { CommandServer, type Ended } from "./command-server.ts";

const folder = mkdtempSync(join(tmpdir(), "esp0-run-module-"));
const server = new CommandServer();
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});
for (const name of ["nap.ts", "sum.ts", "sum.S"]) copyFileSync(join("examples/module", name), join(folder, name));

/** Milliseconds: TypeScript reads its libraries and the kernel's types for every command. */
const PATIENCE = 300_000;

/** `esp0 ARGS` as a process of its own. */
function command(args: readonly string[], { input = "", cwd = folder } = {}): Promise<Ended> {
  const process_ = spawn(process.execPath, [ESP0, ...args], { cwd });
  const ended = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    process_[name].on("data", (piece: Buffer) => {
      ended[name] += piece;
    });
  process_.stdin.end(input);
  return new Promise((resolve) => process_.on("close", (status) => resolve({ ...ended, status })));
}

/** `esp0 run ARGS`. */
function run(...args: string[]): Promise<Ended> {
  return server.run(["run", ...args], folder);
}

function written(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const nap = ["--module", "nap.ts", "--syscall", "250=sys_nap", "sum.S"];

describe.concurrent("a module of the user's", { timeout: PATIENCE }, () => {
  it("is a system call that sleeps, is woken by a timer and walks the task list, by the kernel's own macros", async () => {
    const { status, stderr } = await run(...nap);
    expect(stderr).toContain("nap: pid 1 is there, at tick 8\n");
    expect(stderr).not.toContain("pid 0");
    expect(status).toBe(1);
  });

  it("takes what it imports beside it along, and expands every macro that esp0/kernel/module has", async () => {
    written(
      "base.ts",
      `import { kernel_variable, u32, wait_queue_head_t } from "esp0/kernel/module";
export const base = kernel_variable("base", u32, 40);
export const queue = kernel_variable("queue", wait_queue_head_t);`,
    );
    const module = written(
      "user.ts",
      `import { for_each_cache, for_each_task, init_waitqueue_head, kernel_function, kmem_cache_t, list_for_each, u32, wait_event, wait_event_interruptible } from "esp0/kernel/module";
import { base, queue } from "./base.ts";
export const sys_based = kernel_function("sys_based", [u32], u32, function* (n) {
  init_waitqueue_head(queue.address);
  for (const entry of list_for_each(queue.value.task_list.address)) return entry;
  for (const cache of for_each_cache()) if (cache.objsize === 0) return kmem_cache_t.size;
  yield* wait_event(queue.address, () => n > 0);
  yield* wait_event_interruptible(queue.address, () => n > 0);
  let tasks: u32 = 0;
  for (const task of for_each_task()) tasks += task.pid;
  return base.value + n + tasks;
});`,
    );
    expect((await run("--quiet", "--module", module, "--syscall", "250=sys_based", "sum.S")).status).toBe(49);
  });

  it("dies with an oops when a plain function of it never ends, in whichever file that is", async () => {
    written("spin.ts", "export function spin(): void {\n  while (Number.isFinite(1));\n}");
    const module = written(
      "spins.ts",
      `import { i32, kernel_function } from "esp0/kernel/module";
import { spin } from "./spin.ts";
export const sys_spins = kernel_function("sys_spins", [], i32, function* () {
  spin();
  return 1;
});`,
    );
    const { status, stderr } = await run("--module", module, "--syscall", "250=sys_spins", "sum.S");
    expect(stderr).toMatch(
      /BUG in sys_spins: StepError: a plain function has gone round its loops more than 100,000 .*\(spins\.ts:4\)$/m,
    );
    expect(status).not.toBe(0);
  });

  it("is debugged by its own lines and variables", async () => {
    const script = "tbreak nap.ts:42\ncontinue\ninfo locals\nnext\nlast-write nap_over\nbt 2\n";
    const { stdout, status } = await command(["debug", "-q", ...nap], { input: script });
    expect(stdout).toMatch(/sys_nap \(ticks=8\) at nap\.ts:42\n +42 {4}let tasks: i32 = 0;\n/);
    expect(stdout).toMatch(/timer = 0x[0-9a-f]+ <nap_timer>\n/);
    expect(stdout).toMatch(/end_nap \(ticks=8\) at nap\.ts:28\n +28 {4}nap_over\.value = ticks;\n/);
    expect(stdout).toMatch(/^#1 .* in run_timer_list \(\) at kernel\/kernel\/timer\.ts:\d+$/m);
    expect(status).toBe(0);
  });

  it("goes into a recording, which needs none of its files", async () => {
    expect((await run("--quiet", "--record", "nap.rec", ...nap)).status).toBe(1);
    const elsewhere = mkdtempSync(join(tmpdir(), "esp0-replay-"));
    const again = await command(["run", "--replay", join(folder, "nap.rec")], { cwd: elsewhere });
    rmSync(elsewhere, { recursive: true });
    expect(again.stderr).toContain("nap: pid 1 is there, at tick 8\n");
    expect(again.status).toBe(1);
  });

  it.skipIf(!hasGdb())("is debugged with GDB, which reads its lines from --vmlinux", async () => {
    const server = spawn(process.execPath, [ESP0, "debug", "-q", "--gdb", "0", "--vmlinux", "vmlinux", ...nap], {
      cwd: folder,
    });
    let said = "";
    const port = await new Promise<number>((listening) => {
      server.stderr.on("data", (piece: Buffer) => {
        said += piece;
        const [, found] = /target remote 127\.0\.0\.1:(\d+)/.exec(said) ?? [];
        if (found !== undefined) listening(Number(found));
      });
    });
    const printed = await runGdb(join(folder, "vmlinux"), port, [
      "break nap.ts:39",
      "continue",
      "next",
      "info locals",
      "print timer->expires",
      "kill",
    ]);
    server.kill();
    expect(printed).toMatch(/Breakpoint 1, sys_nap \(ticks=8\) at nap\.ts:39/);
    expect(printed).toMatch(/^tasks = 0$/m);
    expect(printed).toMatch(/^\$1 = 8$/m);
  });
});

/** Of the modules that are wrong, to name them apart. */
let numberOfWrong = 0;

describe.concurrent("a module that cannot be used", { timeout: PATIENCE }, () => {
  it("is said everything that is wrong with it: types and what the compiler refuses, in order", async () => {
    const wrong = written(
      "wrong.ts",
      `import { current, for_each_task, i32, kernel_function, nosuch } from "esp0/kernel/module";
let count = 0;
export const sys_a = kernel_function("sys_a", [i32], i32, function* (n) {
  const seen = new Set<number>();
  for (const task of for_each_task()) seen.add(task.pid);
  count = n;
  return seen.size;
});
export const sys_b = kernel_function("sys_b", [i32, i32], i32, function* (a) {
  try { sys_a(1); }
  finally { a = Math.round(1.5); console.log(a); }
  yield* sys_a("x");
  const pid: number = current().comm;
  current().pidd = pid;
});
`,
    );
    const { status, stderr } = await run("--quiet", "--module", wrong, "sum.S");
    const said = stderr.trimEnd().split("\n");
    const expected = [
      "wrong.ts:1:56: Module '\"esp0/kernel/module\"' has no exported member 'nosuch'",
      "wrong.ts:4:9: `seen` is of type Set<number> and would have to live across statements",
      "wrong.ts:4:20: `Set` in hosted code: what it holds belongs in guest memory",
      "wrong.ts:5:44: `add` in hosted code: what it holds belongs in guest memory",
      "wrong.ts:6:3: `count` is a variable on the host",
      "wrong.ts:9:64: the function returns nothing in some or all cases, where its declaration says number",
      "wrong.ts:10:3: `try` in hosted code",
      "wrong.ts:11:34: there is no console in the kernel; printk() writes to the kernel's log",
      "wrong.ts:12:16: Argument of type 'string' is not assignable",
      "wrong.ts:13:9: Type 'string' is not assignable to type 'number'",
      "wrong.ts:14:13: struct task_struct has no pidd; did you mean pid?",
    ];
    expect(said.map((line, i) => line.slice(0, expected[i]?.length))).toEqual(expected);
    expect(status).toBe(2);
  });

  it.each([
    ["a syntax error", "export const = 3;", /^wrong-\d+\.ts:1:14: /],
    [
      "an import of something else",
      `import { x } from "nowhere"; export const y = x;`,
      /^wrong-\d+\.ts:1:19: nowhere cannot be imported; .*esp0\/kernel\/module/,
    ],
    [
      "a file that is not there",
      `import "./none.ts";`,
      /^wrong-\d+\.ts:1:8: \.\/none\.ts cannot be imported: there is no/,
    ],
    [
      "an exception when it is loaded",
      `function fail(): number { throw new Error("not today"); }\n\nexport const x = fail();`,
      /^wrong-\d+\.ts:1:33: cannot be loaded: not today/,
    ],
    [
      "a loop without end where it is loaded",
      "let n = 0;\nwhile (n < 1) n *= 1;\nexport const x = n;",
      /^wrong-\d+\.ts:2:\d+: cannot be loaded: it has gone round its loops more than 10,000,000 times/,
    ],
    [
      "a loop without end over a long list, which is gone through at once",
      "const l = Array.from({ length: 65536 }, (_, i) => i);\nlet n = 0;\nwhile (n < 1) n *= l.indexOf(-1);\nexport const x = n;",
      /^wrong-\d+\.ts:3:\d+: cannot be loaded: it has gone round its loops more than 10,000,000 times/,
    ],
    [
      "a table that is different in every run",
      "export const x = [Math.random()];",
      /^wrong-\d+\.ts:1:24: `random` in a kernel module: .*seed/,
    ],
    [
      "a list of any length",
      "export const x = Array.from({ length: 4e9 });\n",
      /^wrong-\d+\.ts:1:18: the length of a list is a constant of at most 65,536 here/,
    ],
    [
      "a getter, which a type may hide",
      "let n = 0;\nexport const x: { readonly n: number } = { get n() { return n++; } };",
      /^wrong-\d+\.ts:2:44: a property that runs code in a kernel module; call a function/,
    ],
    [
      "what goes on after it is loaded",
      "const wait = async () => { for (;;) await 0; };\nexport const x = wait();",
      /^wrong-\d+\.ts:1:14: `async` and `await` in a kernel module/,
    ],
    [
      "a function that calls itself where it is loaded",
      "function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2); }\nexport const x = fib(60);",
      /^wrong-\d+\.ts:1:54: `fib` comes to be called by itself/,
    ],
    [
      "more variables than a kernel stack has room for",
      `import { array, i32, kernel_function, local, struct, u8 } from "esp0/kernel/module";
const page = struct("large", { bytes: array(u8, 4096), more: i32 });
export const sys_large = kernel_function("sys_large", [], i32, function* () {
  const here = local(page);
  return here.more;
});`,
      /^esp0: sys_large \(wrong-\d+\.ts:3:64\) has 4,1\d\d bytes of variables, more than fit a kernel stack \(at most 4,096\)/,
    ],
    ["nothing for a kernel", "export const x = 1;", /^wrong-\d+\.ts: declares nothing for a kernel; .*kernel_function/],
  ])("%s, without a stack trace", async (_, text, message) => {
    const file = written(`wrong-${++numberOfWrong}.ts`, text);
    const { status, stderr } = await run("--quiet", "--module", file, "sum.S");
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect(status).toBe(2);
  });

  it("for names that the kernel has already, in TypeScript or assembly, or another module", async () => {
    const functions = ["sys_fork", "switch_to", "sys_sum", "atomic_add"].map(
      (name) => `export const ${name} = kernel_function("${name}", [], i32, function* () { return 1; });`,
    );
    const text = `import { i32, kernel_function, kernel_variable } from "esp0/kernel/module";
${functions.join("\n")}
export const jiffies = kernel_variable("jiffies", i32);`;
    const module = written("twice.ts", text);
    const { status, stderr } = await run("--quiet", "--module", "sum.ts", "--module", module, "sum.S");
    const [fork, switch_to, sum, atomic_add, jiffies, ...rest] = stderr.split("\n");
    expect(fork).toMatch(
      /^twice\.ts:2:\d+: sys_fork is defined already, in kernel\/kernel\/fork\.ts:\d+:\d+; give it another/,
    );
    expect(switch_to).toMatch(/^twice\.ts:3:\d+: switch_to .* in kernel\/arch\/i386\/kernel\/switch_to\.S:\d+;/);
    expect(sum).toMatch(/^twice\.ts:4:\d+: sys_sum is defined already, in sum\.ts:\d+:\d+;/);
    expect(atomic_add).toMatch(/^twice\.ts:5:\d+: atomic_add .* in kernel\/arch\/i386\/lib\/atomic\.S:15;/);
    expect(jiffies).toMatch(/^twice\.ts: jiffies is defined already, in kernel\/kernel\/timer\.ts;/);
    expect(rest).toEqual([""]);
    expect(status).toBe(2);
  });

  it("for system calls that it does not have, or does not export", async () => {
    const module = written(
      "kept.ts",
      `import { i32, kernel_function } from "esp0/kernel/module";
const sys_kept = kernel_function("sys_kept", [], i32, function* () { return 1; });
export const other = sys_kept.symbol;`,
    );
    const calls = ["250=sys_smu", "251=other", "252=sys_kept"].flatMap((call) => ["--syscall", call]);
    const { status, stderr } = await run("--quiet", "--module", "sum.ts", "--module", module, ...calls, "sum.S");
    const [near, unknown, kept] = stderr.split("\n");
    expect(near).toMatch(/^esp0: --syscall 250=sys_smu: no module has a function sys_smu; did you mean .*sys_sum/);
    expect(unknown).toMatch(/^esp0: --syscall 251=other: no module has a function other; there is sys_sum in sum\.ts/);
    expect(kept).toMatch(/^kept\.ts:2:\d+: --syscall 252=sys_kept: .*write `export const sys_kept = …`/);
    expect(status).toBe(2);
    expect((await run("--syscall", "250")).stderr).toContain("NUMBER=FUNCTION with a number up to 511: 250=sys_mine");
  });
});
