/** Registers, stack and call trace as oopses print them (arch/i386/kernel/traps.c, show_registers). */

import { cpu, image } from "../../../host/context.ts";
import type { Steps } from "../../../host/declarations.ts";
import { memory } from "../../../host/memory.ts";
import type { u32 } from "../../../host/types.ts";
import { THREAD_SIZE, type tss_struct } from "../../../include/asm/processor.ts";
import { pt_regs, user_mode } from "../../../include/asm/ptrace.ts";
import { __KERNEL_CS } from "../../../include/asm/segment.ts";
import { current, task_stack_page } from "../../../include/linux/sched.ts";
import { hex8, KERN_EMERG, printk } from "../../../kernel/printk.ts";
import { back_trace, is_interrupt_entry } from "./back-trace.ts";

const STACK_WORDS = 24;
const CODE_BYTES = 20;

export function hex4(value: number): string {
  return (value & 0xffff).toString(16).padStart(4, "0");
}

/** Prints one line of the calls that led to `eip`, the innermost being number 0; false when there are no more. @bounded by the deepest trace */
function print_call(eip: number, ebp: number, number: number): boolean {
  const frame = back_trace(memory(), image(), eip, ebp)[number];
  if (frame === undefined) return false;
  printk(`${KERN_EMERG} [<${hex8(frame.address)}>] ${frame.name}\n`);
  return true;
}

function* call_trace(eip: u32, ebp: u32): Steps<void> {
  printk(`${KERN_EMERG}Call Trace:\n`);
  let number = 0;
  while (print_call(eip, ebp, number)) number++;
}

/** The words of a stack from ESP up, as many as are shown. @bounded by STACK_WORDS */
function stack_text(esp: number): string {
  const m = memory();
  const end = (esp & -THREAD_SIZE) + THREAD_SIZE;
  let line = "Stack:";
  for (let i = 0; i < STACK_WORDS && (esp + 4 * i) >>> 0 < end >>> 0; i++) {
    if (i > 0 && i % 8 === 0) line += "\n      ";
    line += ` ${hex8(m.read32(esp + 4 * i))}`;
  }
  return line;
}

/** @bounded by CODE_BYTES */
function code_text(eip: number): string {
  let code = "Code:";
  for (let i = 0; i < CODE_BYTES; i++) code += ` ${hex8(memory().read8((eip + i) >>> 0)).slice(-2)}`;
  return code;
}

function* header(eip: u32, cs: u32, eflags: u32): Steps<void> {
  printk(`${KERN_EMERG}CPU:    ${cpu().id}\n`);
  printk(`${KERN_EMERG}EIP:    ${hex4(cs)}:[<${hex8(eip)}>]    ${image().symbolize(eip)}\n`);
  printk(`${KERN_EMERG}EFLAGS: ${hex8(eflags)}\n`);
}

interface GeneralRegisters {
  readonly eax: number;
  readonly ebx: number;
  readonly ecx: number;
  readonly edx: number;
  readonly esi: number;
  readonly edi: number;
  readonly ebp: number;
}

function registers_text(r: GeneralRegisters, esp: number): string {
  return (
    `${KERN_EMERG}eax: ${hex8(r.eax)}   ebx: ${hex8(r.ebx)}   ecx: ${hex8(r.ecx)}   edx: ${hex8(r.edx)}\n` +
    `esi: ${hex8(r.esi)}   edi: ${hex8(r.edi)}   ebp: ${hex8(r.ebp)}   esp: ${hex8(esp)}\n`
  );
}

/** Logs what a struct pt_regs holds and, if it is the kernel's, the stack, the calls and the code bytes. */
export function* show_registers(address: u32): Steps<void> {
  const regs = pt_regs.at(address);
  const in_user = user_mode(regs);
  const esp: u32 = in_user ? regs.esp : address + pt_regs.offset("esp");
  yield* header(regs.eip, regs.xcs, regs.eflags);
  printk(registers_text(regs, esp));
  const ss: u32 = in_user ? regs.xss : cpu().segSelector(2);
  printk(`${KERN_EMERG}ds: ${hex4(regs.xds)}   es: ${hex4(regs.xes)}   ss: ${hex4(ss)}\n`);
  const p = current();
  printk(`${KERN_EMERG}Process ${p.comm} (pid: ${p.pid}, stackpage=${hex8(task_stack_page(p))})\n`);
  if (in_user) return;
  printk(`${KERN_EMERG}${stack_text(esp)}\n`);
  yield* call_trace(regs.eip, regs.ebp);
  printk(`${KERN_EMERG}${code_text(regs.eip)}\n`);
}

/** Words in which entry code has pushed what the CPU has not, at most. */
const ENTRY_WORDS = 16;

/**
 * EIP of what entry code interrupted, out of the words above ESP: the CPU has pushed it, CS and EFLAGS. 0 when nothing looks like
 * these.
 * @bounded by ENTRY_WORDS
 */
function interrupted_eip(esp: number): number {
  const m = memory();
  const end = (esp & -THREAD_SIZE) + THREAD_SIZE;
  for (let i = 0; i < ENTRY_WORDS && (esp + 4 * i + 8) >>> 0 < end >>> 0; i++) {
    const eip = m.read32(esp + 4 * i) >>> 0;
    if (m.read32(esp + 4 * i + 4) === __KERNEL_CS && image().function_at(eip) !== undefined) return eip;
  }
  return 0;
}

/** Whether an interrupt is among what is on the stack of a task: nobody would acknowledge it when the task is gone. @bounded by the deepest trace */
export function is_interrupted(eip: number, ebp: number): boolean {
  return back_trace(memory(), image(), eip, ebp).some(({ name }) => is_interrupt_entry(name));
}

/** Logs what a TSS holds, of a task whose stack has no room for a struct pt_regs. */
export function* show_stopped(tss: tss_struct): Steps<void> {
  const { esp, eip } = tss;
  yield* header(eip, tss.cs, tss.eflags);
  printk(registers_text(tss, esp));
  const p = current();
  const start = task_stack_page(p);
  printk(`${KERN_EMERG}Process ${p.comm} (pid: ${p.pid}, stackpage=${hex8(start)})\n`);
  const lowest: u32 = Math.max(esp, start);
  printk(`${KERN_EMERG}${stack_text(lowest)}\n`);
  const interrupted = is_entry_code(eip) ? interrupted_eip(lowest) : 0;
  if (interrupted !== 0) printk(`${KERN_EMERG}On the way into the kernel from ${image().symbolize(interrupted)}\n`);
  yield* call_trace(interrupted === 0 ? eip : interrupted, tss.ebp);
  printk(`${KERN_EMERG}${code_text(eip)}\n`);
}

/** Bytes of entry.S's last stub at most. */
const LAST_STUB = 16;

/** Whether it is code of entry.S, where EBP is what it was in what was interrupted. */
function is_entry_code(eip: number): boolean {
  return eip >= image().symbol("system_call") && eip < image().symbol("machine_check") + LAST_STUB;
}

function core_registers(): GeneralRegisters {
  const { 0: eax, 1: ecx, 2: edx, 3: ebx, 5: ebp, 6: esi, 7: edi } = cpu().r;
  return { eax, ebx, ecx, edx, esi, edi, ebp };
}

/** The same for the core as it is now, where no exception has saved the registers. */
export function* show_registers_of_core(): Steps<void> {
  const eip: u32 = cpu().eip;
  const esp: u32 = cpu().r[4];
  yield* header(eip, cpu().segSelector(1), cpu().getEflags());
  printk(registers_text(core_registers(), esp));
  printk(`${KERN_EMERG}${stack_text(esp)}\n`);
  yield* call_trace(eip, cpu().r[5]);
}
