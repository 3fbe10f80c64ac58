/** From the first call to the first process (init/main.c). */

import { init_IRQ } from "../arch/i386/kernel/irqinit.ts";
import { cpu_idle, kernel_thread } from "../arch/i386/kernel/process.ts";
import { max_low_pfn, saved_command_line, setup_arch } from "../arch/i386/kernel/setup.ts";
import { time_init } from "../arch/i386/kernel/time.ts";
import { trap_init } from "../arch/i386/kernel/traps.ts";
import { mem_init, paging_init } from "../arch/i386/mm/init.ts";
import { chr_dev_init } from "../drivers/char/mem.ts";
import { serial_init } from "../drivers/char/serial.ts";
import { tty_init } from "../drivers/char/tty_io.ts";
import { files_init } from "../fs/file_table.ts";
import { populate_rootfs } from "../fs/initramfs.ts";
import { inode_init } from "../fs/inode.ts";
import { open_console } from "../fs/open.ts";
import { image } from "../host/context.ts";
import { asm_function, cstring, kernel_function, kernel_variable } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, chars, i32, pointer, u8, u32 } from "../host/types.ts";
import { COMMAND_LINE_SIZE } from "../include/asm/boot-params.ts";
import { local_irq_enable } from "../include/asm/system.ts";
import { PATH_LENGTH } from "../include/linux/fs.ts";
import { current } from "../include/linux/sched.ts";
import { fork_init, init_task_fields, proc_caches_init } from "../kernel/fork.ts";
import { futex_init } from "../kernel/futex.ts";
import { panic } from "../kernel/panic.ts";
import { KERN_INFO, printk } from "../kernel/printk.ts";
import { sched_init } from "../kernel/sched.ts";
import { UTS_RELEASE } from "../kernel/sys.ts";
import { init_mm } from "../mm/init_mm.ts";
import { vma_init } from "../mm/mmap.ts";
import { kmem_cache_init } from "../mm/slab.ts";

const execve = asm_function("execve", [pointer("char"), u32, u32], i32);

const MAX_INIT_ARGS = 64;
/** Path of the first program: `init=` on the command line, /init without it. */
const execute_command = kernel_variable("execute_command", chars(PATH_LENGTH));
const DEFAULT_INIT = "/init";
const default_environment = ["HOME=/", "TERM=linux", "PATH=/bin"].map((text) => cstring(text));
const argv_init = kernel_variable("argv_init", array(pointer("char"), MAX_INIT_ARGS + 2));
const envp_init = kernel_variable("envp_init", array(pointer("char"), default_environment.length + 1));
const init_arguments = kernel_variable("init_arguments", array(u8, COMMAND_LINE_SIZE));

/**
 * Everything on the command line behind `--` goes to init as its arguments: words split at spaces, with "double quotes"
 * and backslashes as a shell has them.
 */
function parse_init_arguments(command_line: string): string[] {
  const behind = / -- (.*)$/s.exec(` ${command_line}`)?.[1] ?? "";
  const words: string[] = [];
  for (const [, quoted, bare] of behind.matchAll(/"((?:\\.|[^"\\])*)"|((?:\\.|[^\s"\\])+)/gs)) {
    words.push((quoted ?? bare).replace(/\\(.)/gs, "$1"));
  }
  return words;
}

/** What init is called, and with what: argv_init, envp_init and execute_command. */
function prepare_init_arguments(): void {
  const m = memory();
  let at = init_arguments.address;
  const [kernel_options] = ` ${saved_command_line.value}`.split(" -- ", 1);
  execute_command.value = / init=(\S+)/.exec(kernel_options)?.[1] ?? DEFAULT_INIT;
  argv_init.value.set(0, execute_command.address);
  const words = parse_init_arguments(saved_command_line.value).slice(0, MAX_INIT_ARGS);
  words.forEach((word, i) => {
    argv_init.value.set(i + 1, at);
    for (const character of `${word}\0`) m.write8(at++, character.charCodeAt(0));
  });
  argv_init.value.set(words.length + 1, 0);
  for (const [i, text] of default_environment.entries()) envp_init.value.set(i, text.address);
}

/** pid 1, still a kernel thread: drivers, the root file system, then /init. */
const init = kernel_function("init", [u32], i32, function* (_unused) {
  yield* chr_dev_init();
  yield* tty_init();
  yield* serial_init();
  yield* populate_rootfs();
  yield* open_console();
  prepare_init_arguments();
  current().comm = "init";
  const error = yield* execve(execute_command.address, argv_init.address, envp_init.address);
  if (error < 0) yield* panic(`No init found: execve of ${execute_command.value} failed with error ${-error}.`);
  return 0;
});

/** Starts pid 1, with files and signals of its own, and becomes the idle task. */
const rest_init = kernel_function("rest_init", [], undefined, function* () {
  yield* kernel_thread(init.address, 0, 0);
  current().need_resched = 1; // let init run before the first halt
  yield* cpu_idle();
});

/** What head.S calls, on init_task's stack, with paging on and interrupts off. Never returns. */
export const start_kernel = kernel_function("start_kernel", [], undefined, function* () {
  init_mm.value.pgd = image().symbol("swapper_pg_dir");
  init_mm.value.mm_users = 2;
  init_mm.value.mm_count = 2; // its own, and the idle task's active_mm
  init_task_fields(init_mm.address);
  printk(`${KERN_INFO}Linux version ${UTS_RELEASE} (i386, TypeScript)\n`);
  yield* setup_arch();
  printk(`${KERN_INFO}Kernel command line: ${saved_command_line.value}\n`);
  yield* paging_init();
  yield* trap_init();
  yield* init_IRQ();
  yield* sched_init();
  yield* time_init();
  yield* mem_init();
  yield* kmem_cache_init();
  local_irq_enable();
  yield* fork_init(max_low_pfn.value);
  futex_init();
  yield* proc_caches_init();
  yield* vma_init();
  yield* files_init();
  yield* inode_init();
  yield* rest_init();
});
