/** sys_call_table (arch/i386/kernel/entry.S): guest pointers, in the order of the numbers. */
import { kernel_function, kernel_table } from "../../../host/declarations.ts";
import { i32 } from "../../../host/types.ts";
import { NR_syscalls, syscall_numbers } from "../../../include/asm/unistd.ts";
import { ENOSYS } from "../../../include/linux/errno.ts";

/** What every unassigned number does. */
export const sys_ni_syscall = kernel_function("sys_ni_syscall", [], i32, function* () {
  return -ENOSYS;
});

function table(): string[] {
  const entries = new Array<string>(NR_syscalls).fill(sys_ni_syscall.symbol);
  for (const [name, number] of Object.entries(syscall_numbers)) entries[number] = `sys_${name}`;
  return entries;
}

export const sys_call_table = kernel_table("sys_call_table", table());
