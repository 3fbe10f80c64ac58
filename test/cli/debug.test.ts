import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { debugRun } from "../debug/repl/debug-run.ts";

const COW = ["-q", "examples/cow.S"];

describe("esp0 debug", () => {
  it("shows each command of a script with what it prints", async () => {
    const { output, status } = await debugRun(COW, ["break child", "continue", "p current->pid"]);
    expect(output).toMatch(/^#0 {2}cpu 0, real mode/);
    expect(output).toContain("(esp0) break child\nBreakpoint 1: ");
    expect(output).toContain("(esp0) p current->pid\n$1 = 2\n");
    expect(status).toBe(0);
  });

  it("takes commands from standard input when that is no terminal", async () => {
    const script = ["break child", "continue", "p $pid"];
    const [fromFile, fromInput] = [await debugRun(COW, script), await debugRun(COW, script, { stdin: true })];
    expect(fromInput).toEqual(fromFile);
  });

  it("ends at the first command that fails, with status 1", async () => {
    const { output, status } = await debugRun(COW, ["p 1 +", "echo more"], { stdin: true });
    expect(output).toMatch(/Error: the expression ends too early.*\n {2}1 \+\n {5}\^\n$/);
    expect(status).toBe(1);
  });

  it("ends at quit, with status 0", async () => {
    const { output, status } = await debugRun(COW, ["# a comment", "quit", "nonsense"]);
    expect(output).toMatch(/\(esp0\) quit\n$/);
    expect(status).toBe(0);
  });

  it("shows what programs write, and the kernel's log unless -q is given", async () => {
    const { output } = await debugRun(["examples/cow.S"], ["continue"]);
    expect(output).toContain("[log] Linux version");
    expect(output).toContain("\nchild:  value is now c\n");
    expect((await debugRun(COW, ["continue"])).output).not.toContain("[log]");
  });

  it("debugs a machine of its own", async () => {
    const image = assembleBinary("1: incl %eax; jmp 1b", { file: "loop.S", origin: 0x1000 });
    const files = { "loop.bin": image };
    const args = ["--load", "loop.bin@0x1000", "--reg", "eax=5"];
    const { output, status } = await debugRun(args, ["stepi 3", "p $eax", "reverse-stepi", "goto 1000", "p $eax"], {
      files,
    });
    expect(output).toContain("$1 = 7");
    expect(output).toContain("$2 = 505");
    expect(status).toBe(0);
  });

  it("has symbols and lines of the demo's programs, each its own", async () => {
    const { output, status } = await debugRun(["-q"], ["tbreak spin.S:12", "continue", "bt", "p $eip > copy_on_write"]);
    expect(output).toMatch(/pid 2 \(spin\), ring 3 {2}_start\+0xf {2}user\/spin\.S:12\n/);
    expect(output).toContain("#0  _start () at user/spin.S:12\n");
    expect(output).toContain("$1 = 1\n");
    expect(status).toBe(0);
  });

  it("debugs a kernel on several CPUs", async () => {
    const { output, status } = await debugRun(
      ["examples/cow.S", "--cpus", "3"],
      ["catch exec", "continue", "cpu 2", "bt"],
    );
    expect(status, output).toBe(0);
    expect(output).toContain("cpu_idle");
  });

  it("says what is wrong with its files and options", async () => {
    const missing = await debugRun(["missing.S"], []);
    expect([missing.status, missing.errors]).toEqual([2, "missing.S: cannot be read: no such file or directory\n"]);
    const both = await debugRun(["examples/cow.S", "--mode", "real"], []);
    expect([both.status, both.errors]).toEqual([2, expect.stringContaining("not both")]);
    const script = await debugRun([...COW, "--commands", "nowhere"], []);
    expect([script.status, script.errors]).toEqual([2, expect.stringContaining("nowhere: cannot be read")]);
    expect(script.output).toBe("");
  });
});
