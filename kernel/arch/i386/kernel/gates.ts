/** Gates of the IDT (arch/i386/kernel/traps.c; Intel SDM vol. 3, 6.11). */
import { __KERNEL_CS } from "../../../include/asm/segment.ts";
import { idt_table } from "./setup.ts";

const INTERRUPT_GATE = 14;
const TRAP_GATE = 15;
const TASK_GATE = 5;

function set_gate(vector: number, type: number, dpl: number, selector: number, offset: number): void {
  const gate = idt_table.value.get(vector);
  gate.a = ((selector << 16) | (offset & 0xffff)) >>> 0;
  gate.b = ((offset & 0xffff0000) | 0x8000 | (dpl << 13) | (type << 8)) >>> 0;
}

/** Enters with interrupts off. */
export function set_intr_gate(vector: number, handler: number): void {
  set_gate(vector, INTERRUPT_GATE, 0, __KERNEL_CS, handler);
}

/** Enters with the interrupt flag as it was. */
export function set_trap_gate(vector: number, handler: number): void {
  set_gate(vector, TRAP_GATE, 0, __KERNEL_CS, handler);
}

/** A trap gate that ring 3 may call with INT. */
export function set_system_gate(vector: number, handler: number): void {
  set_gate(vector, TRAP_GATE, 3, __KERNEL_CS, handler);
}

/** Switches to the task of a TSS. */
export function set_task_gate(vector: number, selector: number): void {
  set_gate(vector, TASK_GATE, 0, selector, 0);
}
