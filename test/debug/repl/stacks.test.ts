/** `bt`, `stack`, `ps` and `tss` where tasks and interrupts have other stacks. */
import { expect, it } from "vitest";
import { initramfs } from "../../../boot/index.ts";
import { Repl, SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { kernel_image } from "../../../kernel/index.ts";
import { program } from "../../kernel/run.ts";

const SLEEPER = `
.globl _start
_start:	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $0, $0, $0
	SYSCALL exit, $0
1:	jmp 1b
`;

async function ask(config: Parameters<typeof kernel_image>[0], ...commands: string[]): Promise<string[]> {
  const init = program(SLEEPER);
  const session = DebugSession.forKernel({
    image: kernel_image(config),
    initramfs: initramfs({ "/init": init }),
    program: init,
  });
  let text = "";
  const repl = new Repl(session, { write: (more) => (text += more), color: false, sources: new SourceTexts() });
  const answers: string[] = [];
  for (const command of commands) {
    text = "";
    await repl.execute(command);
    answers.push(text);
  }
  return answers;
}

it.each(["thread_info", "vmap"] as const)("bt crosses the stacks of a CPU: stack=%s", async (stack) => {
  const [, , irq, shown] = await ask(
    { stack, irq_stacks: true },
    "until _start",
    "until timer_interrupt",
    "bt",
    "stack",
  );
  expect(irq).toMatch(/timer_interrupt[\s\S]*handle_IRQ_event[\s\S]*do_IRQ[\s\S]*common_interrupt[\s\S]*(_start|init)/);
  expect(shown).toMatch(/ESP is on the hard IRQ stack of CPU 0/);
  expect(shown).toMatch(
    /end of the hard IRQ stack of CPU 0[\s\S]*Its own stack, as it was left:[\s\S]*pt_regs\.ebx[\s\S]*end of the stack, esp0/,
  );
});

it.each([
  ["task_union", /down to the task_struct/],
  ["thread_info", /down to the thread_info \(0x\w+ to 0x\w+\) of the task_struct/],
  ["vmap", /down to a page that is not mapped; the task_struct \(0x\w+ to 0x\w+\) is elsewhere/],
] as const)("stack, ps and tss know where a task's stack is: stack=%s", async (stack, end) => {
  const [, , sleeper, ps, tss] = await ask({ stack }, "until _start", "until context_switch", "stack 1", "ps", "tss");
  expect(sleeper).toMatch(/Kernel stack of pid 1/);
  expect(sleeper).toMatch(end);
  expect(ps).toMatch(/\b1\b.*init/);
  expect(tss).toMatch(/esp0 is the top of the kernel stack of pid \d/);
});
