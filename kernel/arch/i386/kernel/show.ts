/** Registers, stack and call trace as oopses print them (arch/i386/kernel/traps.c, show_registers). */

import { back_trace } from "../../../host/back-trace.ts";
import { cpu, image } from "../../../host/context.ts";
import { memory } from "../../../host/memory.ts";
import { THREAD_SIZE } from "../../../include/asm/processor.ts";
import { pt_regs, user_mode } from "../../../include/asm/ptrace.ts";
import { current } from "../../../include/linux/sched.ts";
import { hex8, KERN_EMERG, printk } from "../../../kernel/printk.ts";

const STACK_WORDS = 24;
const CODE_BYTES = 20;

function hex4(value: number): string {
  return (value & 0xffff).toString(16).padStart(4, "0");
}

function call_trace(eip: number, ebp: number): void {
  const frames = back_trace(memory(), image(), eip, ebp);
  printk(`${KERN_EMERG}Call Trace:\n`);
  for (const { address, name } of frames) printk(`${KERN_EMERG} [<${hex8(address)}>] ${name}\n`);
}

function stack_dump(esp: number): void {
  const m = memory();
  const end = (esp & -THREAD_SIZE) + THREAD_SIZE;
  let line = "Stack:";
  for (let i = 0; i < STACK_WORDS && (esp + 4 * i) >>> 0 < end >>> 0; i++) {
    if (i > 0 && i % 8 === 0) line += "\n      ";
    line += ` ${hex8(m.read32(esp + 4 * i))}`;
  }
  printk(`${KERN_EMERG}${line}\n`);
}

function header(eip: number, cs: number, eflags: number): void {
  printk(`${KERN_EMERG}CPU:    ${cpu().id}\n`);
  printk(`${KERN_EMERG}EIP:    ${hex4(cs)}:[<${hex8(eip)}>]    ${image().symbolize(eip)}\n`);
  printk(`${KERN_EMERG}EFLAGS: ${hex8(eflags)}\n`);
}

function general_registers(
  r: { eax: number; ebx: number; ecx: number; edx: number; esi: number; edi: number; ebp: number },
  esp: number,
): void {
  printk(`${KERN_EMERG}eax: ${hex8(r.eax)}   ebx: ${hex8(r.ebx)}   ecx: ${hex8(r.ecx)}   edx: ${hex8(r.edx)}\n`);
  printk(`${KERN_EMERG}esi: ${hex8(r.esi)}   edi: ${hex8(r.edi)}   ebp: ${hex8(r.ebp)}   esp: ${hex8(esp)}\n`);
}

/** Logs what a struct pt_regs holds and, if it is the kernel's, the stack, the calls and the code bytes. */
export function show_registers(address: number): void {
  const regs = pt_regs.at(address);
  const in_user = user_mode(regs);
  const esp = in_user ? regs.esp : (address + pt_regs.offset("esp")) >>> 0;
  header(regs.eip, regs.xcs, regs.eflags);
  general_registers(regs, esp);
  const p = current();
  printk(
    `${KERN_EMERG}ds: ${hex4(regs.xds)}   es: ${hex4(regs.xes)}   ss: ${hex4(in_user ? regs.xss : cpu().segSelector(2))}\n`,
  );
  printk(`${KERN_EMERG}Process ${p.comm} (pid: ${p.pid}, stackpage=${hex8(p.address)})\n`);
  if (in_user) return;
  stack_dump(esp);
  call_trace(regs.eip, regs.ebp);
  const m = memory();
  let code = "Code:";
  for (let i = 0; i < CODE_BYTES; i++)
    code += ` ${m
      .read8((regs.eip + i) >>> 0)
      .toString(16)
      .padStart(2, "0")}`;
  printk(`${KERN_EMERG}${code}\n`);
}

/** The same for the core as it is now, where no exception has saved the registers. */
export function show_registers_of_core(): void {
  const { r } = cpu();
  const [eax, ecx, edx, ebx, esp, ebp, esi, edi] = r;
  const eip = cpu().eip >>> 0;
  header(eip, cpu().segSelector(1), cpu().getEflags());
  general_registers({ eax, ebx, ecx, edx, esi, edi, ebp }, esp);
  stack_dump(esp);
  call_trace(eip, ebp);
}
