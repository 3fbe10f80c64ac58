/** A kernel stack word by word, with what each word is. */
import type { Kernel } from "../kernel/index.ts";
import { memory, pt_regs } from "../kernel/inspect.ts";
import { hex } from "./registers.ts";
import type { TaskView } from "./tasks.ts";

/** A word on a stack. */
export interface StackWord {
  /** Linear. */
  readonly address: number;
  readonly value: number;
  /** What it is, as far as can be told: `ESP`, `pt_regs.eip`, `switch frame: ebx`, `return to schedule+0x…`. */
  readonly note: string;
}

/** Entry code whose calls have a struct pt_regs right behind their arguments, and the arguments' words. */
const ENTRY_POINTS: Readonly<Record<string, number>> = { common_interrupt: 0, system_call: 0, error_code: 2 };
/** Stacks that a task can be on: soft IRQ, hard IRQ, debug, NMI; its own comes last. */
const MOST_STACKS = 4;
const SWITCH_FRAME = ["ebp", "edi", "esi", "ebx", "return address"] as const;
/** Fields of struct pt_regs that the CPU pushes only when it comes from ring 3. */
const FROM_USER: ReadonlySet<string> = new Set(["esp", "xss"]);

/**
 * The words of a task's kernel stack from `esp` to its top. Where `esp` is on a stack of its CPU's, the words of that come first: the
 * topmost of them has the ESP that was left for it.
 */
export function annotateStack(kernel: Kernel, task: TaskView, esp: number): StackWord[] {
  const words: StackWord[] = [];
  let at = esp;
  for (let stacks = 0; stacks < MOST_STACKS; stacks++) {
    const own = kernel.stack_at(at);
    if (own === undefined || own.kind === "task") break;
    words.push(...wordsOf(kernel, { ...task, kernelStack: own, userRegisters: undefined }, at));
    const left = words.at(-1);
    if (left === undefined) break;
    words[words.length - 1] = { ...left, note: "where ESP was before" };
    at = left.value;
  }
  return [...words, ...wordsOf(kernel, task, at)];
}

function wordsOf(kernel: Kernel, task: TaskView, esp: number): StackWord[] {
  const { start, end } = task.kernelStack;
  if (esp < start || esp > end) return [];
  const values = kernel.inspect(() =>
    Array.from({ length: Math.floor((end - esp) / 4) }, (_, i) => memory().read32(esp + 4 * i) >>> 0),
  );
  const notes = new Map<number, string>();
  const frameAt = (address: number) => {
    const whole = address + pt_regs.size;
    for (const [field, offset] of PT_REGS_FIELDS) {
      if (FROM_USER.has(field) && whole !== end) continue;
      if (address + offset < end) notes.set(address + offset, `pt_regs.${field}`);
    }
  };
  if (task.userRegisters !== undefined) frameAt(end - pt_regs.size);
  if (task.switchFrame !== undefined) {
    for (const [i, name] of SWITCH_FRAME.entries()) notes.set(task.switchFrame.esp + 4 * i, `switch frame: ${name}`);
  }
  return values.map((value, i) => {
    const address = esp + 4 * i;
    const caller = kernel.image.function_at(value);
    const behind = caller === undefined ? undefined : ENTRY_POINTS[caller];
    if (behind !== undefined && !notes.has(address)) frameAt(address + 4 + 4 * behind);
    const words = [address === esp ? "ESP" : undefined, notes.get(address), meaning(kernel, task, value)];
    return { address, value, note: words.filter((word) => word !== undefined).join(", ") };
  });
}

const PT_REGS_FIELDS: readonly (readonly [string, number])[] = (
  [
    "ebx",
    "ecx",
    "edx",
    "esi",
    "edi",
    "ebp",
    "eax",
    "xds",
    "xes",
    "orig_eax",
    "eip",
    "xcs",
    "eflags",
    "esp",
    "xss",
  ] as const
).map((field) => [field, pt_regs.offset(field)]);

function meaning(
  kernel: Kernel,
  { pid, kernelStack: { start, end }, address }: TaskView,
  value: number,
): string | undefined {
  if (kernel.image.function_at(value) !== undefined) return `in ${kernel.image.symbolize(value)}`;
  if (value === address) return `task_struct of pid ${pid}`;
  return value >= start && value < end ? "on this stack" : undefined;
}

/** Lines of `0xc0…: 0x…  note`, at most `most` of them. */
export function formatStack(words: readonly StackWord[], most: number): string[] {
  const lines = words
    .slice(0, most)
    .map(({ address, value, note }) => `${hex(address)}: ${hex(value)}  ${note}`.trimEnd());
  return words.length > most ? [...lines, `… ${words.length - most} more words up to the top`] : lines;
}
