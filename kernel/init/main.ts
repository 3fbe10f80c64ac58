/** From the first call to the first process (init/main.c). */

import { init_IRQ } from "../arch/i386/kernel/irqinit.ts";
import { cpu_idle, kernel_thread } from "../arch/i386/kernel/process.ts";
import { max_low_pfn, read_boot_params, saved_command_line, setup_arch } from "../arch/i386/kernel/setup.ts";
import { time_init } from "../arch/i386/kernel/time.ts";
import { trap_init } from "../arch/i386/kernel/traps.ts";
import { mem_init, paging_init } from "../arch/i386/mm/init.ts";
import { chr_dev_init } from "../drivers/char/mem.ts";
import { serial_init } from "../drivers/char/serial.ts";
import { tty_init } from "../drivers/char/tty_io.ts";
import { files_init } from "../fs/file_table.ts";
import { default_rootfs, populate_rootfs } from "../fs/initramfs.ts";
import { inode_init } from "../fs/inode.ts";
import { open_console } from "../fs/open.ts";
import { image } from "../host/context.ts";
import { asm_function, cstring, kernel_function, kernel_variable, type Steps } from "../host/declarations.ts";
import { memory } from "../host/memory.ts";
import { array, chars, i32, pointer, u8, u32 } from "../host/types.ts";
import { COMMAND_LINE_SIZE } from "../include/asm/boot-params.ts";
import { lock_kernel, unlock_kernel } from "../include/asm/smplock.ts";
import { spin_lock_init } from "../include/asm/spinlock.ts";
import { strlcpy } from "../include/asm/string.ts";
import { local_irq_enable } from "../include/asm/system.ts";
import { PATH_LENGTH } from "../include/linux/fs.ts";
import { init_rwsem } from "../include/linux/rwsem.ts";
import { current } from "../include/linux/sched.ts";
import { smp_init } from "../include/linux/smp.ts";
import { fork_init, init_task_fields, proc_caches_init } from "../kernel/fork.ts";
import { futex_init } from "../kernel/futex.ts";
import { panic } from "../kernel/panic.ts";
import { KERN_INFO, printk } from "../kernel/printk.ts";
import { migration_init, sched_init } from "../kernel/sched.ts";
import { UTS_RELEASE } from "../kernel/sys.ts";
import { wait_bit_init } from "../kernel/wait-bit.ts";
import { init_mm } from "../mm/init_mm.ts";
import { kmem_cache_init } from "../mm/slab.ts";
import { vma_init } from "../mm/vma.ts";

const execve = asm_function("execve", [pointer("char"), u32, u32], i32);

const MAX_INIT_ARGS = 64;
/** Path of the first program: `init=` on the command line, /init without it. */
const execute_command = kernel_variable("execute_command", chars(PATH_LENGTH));
const DEFAULT_INIT = "/init";
const default_environment = ["HOME=/", "TERM=linux", "PATH=/bin"].map((text) => cstring(text));
const argv_init = kernel_variable("argv_init", array(pointer("char"), MAX_INIT_ARGS + 2));
const envp_init = kernel_variable("envp_init", array(pointer("char"), default_environment.length + 1));
const init_arguments = kernel_variable("init_arguments", array(u8, COMMAND_LINE_SIZE));

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** " -- " and "init" as words of memory, and what stands behind the latter. */
const SEPARATOR = 0x202d2d20;
const INIT_WORD = 0x74696e69;
const EQUALS = 0x3d;

/** Where the kernel's own options end on the command line: at " -- ", or at its end. */
function* end_of_options(): Steps<u32> {
  let at: u32 = saved_command_line.address;
  while (memory().read8(at) !== 0 && memory().read32(at) !== SEPARATOR) at++;
  return at;
}

/** Copies the path behind `init=`, if it is among the options. */
function* find_init(end: u32): Steps<void> {
  execute_command.value = DEFAULT_INIT;
  for (let at: u32 = saved_command_line.address; at < end; at++) {
    const is_word = at === saved_command_line.address || memory().read8(at - 1) === SPACE;
    if (!is_word || memory().read32(at) !== INIT_WORD || memory().read8(at + 4) !== EQUALS) continue;
    const path: u32 = at + 5;
    let length: i32 = 0;
    while (path + length < end && memory().read8(path + length) !== SPACE) length++;
    if (length > 0) yield* strlcpy(execute_command.address, path, Math.min(length + 1, PATH_LENGTH));
    return;
  }
}

/**
 * Everything on the command line behind `--` goes to init as its arguments: words split at spaces, with "double quotes"
 * and backslashes as a shell has them. Fills in argv_init from its second entry on.
 */
function* parse_init_arguments(from: u32): Steps<void> {
  let at = from;
  let to: u32 = init_arguments.address;
  let count: i32 = 1;
  while (count <= MAX_INIT_ARGS) {
    while (memory().read8(at) === SPACE) at++;
    if (memory().read8(at) === 0) break;
    argv_init.value.set(count, to);
    count++;
    const quoted = memory().read8(at) === QUOTE;
    if (quoted) at++;
    for (;;) {
      let byte = memory().read8(at);
      if (byte === 0 || byte === QUOTE || (byte === SPACE && !quoted)) break;
      if (byte === BACKSLASH) {
        at++;
        byte = memory().read8(at);
        if (byte === 0) break;
      }
      memory().write8(to, byte);
      to++;
      at++;
    }
    if (quoted && memory().read8(at) === QUOTE) at++;
    memory().write8(to, 0);
    to++;
  }
  argv_init.value.set(count, 0);
}

/** What init is called, and with what: argv_init, envp_init and execute_command. */
function* prepare_init_arguments(): Steps<void> {
  const end = yield* end_of_options();
  yield* find_init(end);
  argv_init.value.set(0, execute_command.address);
  yield* parse_init_arguments(memory().read8(end) === 0 ? end : end + 4);
  let entry: i32 = 0;
  for (const text of default_environment) {
    envp_init.value.set(entry, text.address);
    entry++;
  }
}

/** pid 1, still a kernel thread: drivers, the root file system, then /init. @context might_sleep */
const init = kernel_function("init", [u32], i32, function* (_unused) {
  yield* lock_kernel();
  yield* chr_dev_init();
  yield* tty_init();
  yield* serial_init();
  yield* default_rootfs();
  yield* read_boot_params();
  yield* populate_rootfs();
  yield* open_console();
  yield* prepare_init_arguments();
  current().comm = "init";
  yield* unlock_kernel();
  const error = yield* execve(execute_command.address, argv_init.address, envp_init.address);
  if (error < 0) yield* panic(`No init found: execve of ${execute_command.value} failed with error ${-error}.`);
  return 0;
});

/** Starts pid 1, with files and signals of its own, and becomes the idle task. @context might_sleep */
const rest_init = kernel_function("rest_init", [], undefined, function* () {
  yield* migration_init();
  yield* kernel_thread(init.address, 0, 0);
  current().need_resched = 1; // let init run before the first halt
  yield* cpu_idle();
});

/** 1 until interrupts are enabled for the first time: those who need them on do not insist before (init/main.c). */
export const early_boot_irqs_disabled = kernel_variable("early_boot_irqs_disabled", u32, 1);

/** What head.S calls, on init_task's stack, with paging on and interrupts off. Never returns. @context irqs_disabled */
export const start_kernel = kernel_function("start_kernel", [], undefined, function* () {
  init_mm.value.pgd = image().symbol("swapper_pg_dir");
  init_mm.value.mm_users = 2;
  init_mm.value.mm_count = 2; // its own, and the idle task's active_mm
  init_rwsem(init_mm.value.mmap_sem.address);
  spin_lock_init(init_mm.value.page_table_lock.address);
  init_task_fields(init_mm.address);
  printk(`${KERN_INFO}Linux version ${UTS_RELEASE} (i386, TypeScript)\n`);
  yield* setup_arch();
  yield* paging_init();
  yield* trap_init();
  yield* init_IRQ();
  yield* sched_init();
  yield* time_init();
  yield* mem_init();
  yield* kmem_cache_init();
  early_boot_irqs_disabled.value = 0;
  local_irq_enable();
  yield* fork_init(max_low_pfn.value);
  futex_init();
  wait_bit_init();
  yield* proc_caches_init();
  yield* vma_init();
  yield* files_init();
  yield* inode_init();
  yield* smp_init();
  yield* rest_init();
});
