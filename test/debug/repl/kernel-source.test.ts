/** `esp0 debug` in the kernel's TypeScript: by line, with variables, into assembly and out of it, back, and out to C. */
import { describe, expect, it } from "vitest";
import { lineWith } from "../source-lines.ts";
import { answers, debugRun } from "./debug-run.ts";

const SCHED = "kernel/kernel/sched.ts";
const COW = ["-q", "examples/cow.S"];
const FORKS = ["-q", "forks"];
const LINE = lineWith(SCHED, "yield* switch_to(");

async function ask(args: readonly string[], ...commands: string[]): Promise<string[]> {
  const run = await debugRun(args, commands);
  expect(run.output).not.toMatch(/^Error:/m);
  return answers(run);
}

const place = (text: string | undefined) => /^#([\d,]+)/m.exec(text ?? "")?.[1];

describe("esp0 debug in the kernel's TypeScript", () => {
  it("breaks at a function with a condition on its arguments, and on a line", async () => {
    const line = lineWith(SCHED, "const oldmm = prev.active_mm");
    const [, first, args, comm, , there, one, two, locals, list] = await ask(
      COW,
      "tbreak context_switch if next->pid == 2",
      "continue",
      "info args",
      "p prev->comm",
      `tbreak sched.ts:${line}`,
      "continue",
      "next",
      "next",
      "info locals",
      "list",
    );
    expect(first).toMatch(/context_switch \(prev=0xc\w+, next=0xc\w+\) at kernel\/kernel\/sched\.ts:\d+/);
    expect(args).toMatch(/^prev = 0xc\w+\nnext = 0xc\w+$/);
    expect(comm).toBe('$1 = "cow"');
    expect(there).toContain(`sched.ts:${line}\n`);
    expect(one).toContain(`sched.ts:${line + 1}\n`);
    expect(two).toContain(`sched.ts:${line + 2}\n`);
    expect(locals).toMatch(/^oldmm = 0xc\w+.*\nmm = 0xc\w+/m);
    // The source as it is on disk, around the line.
    expect(list).toMatch(new RegExp(`=> +${line + 2} .*if \\(mm === 0\\)`));
  });

  it("steps into assembly, out of it into the task that comes, and back", async () => {
    const [, there, inside, body, , came, back] = await ask(
      COW,
      `tbreak sched.ts:${LINE} if next->pid == 2`,
      "continue",
      "step",
      "next",
      "tbreak ret_from_fork",
      "continue",
      "reverse-finish",
    );
    expect(there).toContain(`sched.ts:${LINE}\n`);
    expect(inside).toMatch(/switch_to {2}kernel\/arch\/i386\/kernel\/switch_to\.S:\d+/);
    expect(body).toMatch(/switch_to\+0x1 {2}kernel\/arch\/i386\/kernel\/switch_to\.S:\d+/);
    expect(came).toMatch(/pid 2 \(cow\), ring 0 {2}ret_from_fork/);
    expect(place(back)).toBeDefined();
  });

  it("goes over calls that switch tasks, and over them backwards", async () => {
    const [, there, over, callee, again, here] = await ask(
      COW,
      `tbreak sched.ts:${LINE} if next->pid == 2`,
      "continue",
      "next",
      "step",
      "reverse-step",
      "reverse-next",
    );
    expect(over).toMatch(new RegExp(`pid 1 \\(cow\\), ring 0 {2}context_switch .*sched\\.ts:${LINE + 1}\n`));
    expect(callee).toContain("__schedule_tail (prev=");
    expect(place(again)).toBe(place(over));
    expect(place(here)).toBe(place(there));
  });

  it("finishes functions forwards and backwards", async () => {
    const [, there, out, before] = await ask(
      COW,
      "tbreak try_to_wake_up if current->pid == 1",
      "continue",
      "finish",
      "reverse-next",
    );
    expect(there).toContain("try_to_wake_up (task=");
    expect(out).toMatch(/Run till exit from #0 {2}try_to_wake_up .*\n#.* do_fork \(/);
    expect(before).toContain("do_fork (");
  });

  it("shows every frame with its variables out to a C program's main, of a running and of a sleeping task", async () => {
    const [, , running, sleeping] = await ask(
      FORKS,
      "tbreak sys_exit if error_code == 3",
      "continue",
      "bt full",
      "bt full of 1",
    );
    expect(running).toMatch(/^#0 {2}sys_exit \(error_code=3\) at kernel\/kernel\/exit\.ts:\d+$/m);
    expect(running).toMatch(/in system_call \(\) at .*entry\.S:\d+[\s\S]*user space[\s\S]*in main \(argc=1\)/);
    expect(running).toMatch(/local = 15/);
    expect(sleeping).toMatch(/^#0 {2}switch_to \(\)[\s\S]*in context_switch \(prev=[\s\S]*in schedule \(\)/m);
    expect(sleeping).toMatch(/in sys_wait4 \(pid=2,[\s\S]*wait = \{[\s\S]*in main \(argc=1\)[\s\S]*pid = 2/);
  });

  it("goes to the statement that wrote a value, and says why a task runs", async () => {
    const [, , write, why] = await ask(
      FORKS,
      "tbreak context_switch if next->pid == 2",
      "continue",
      "last-write next->state",
      "why",
    );
    expect(write).toMatch(/0x00000002 -> 0x00000000[\s\S]*try_to_wake_up \(.*sched\.ts:\d+\n.*p\.state = TASK_RUNNING/);
    expect(why).toMatch(/pid 1 \(forks\) runs since[\s\S]*context_switch \(prev=[\s\S]*sched\.ts:\d+/);
    expect(why).toMatch(/It was woken by[\s\S]*try_to_wake_up/);
  });
});
