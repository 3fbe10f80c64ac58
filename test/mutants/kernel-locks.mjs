// Locks, and what a scheduler for several CPUs has to mind.

const LOCKS = "test/kernel/arch/i386/lib/spinlock.test.ts";
const SMP_LOCKS = "test/kernel/smp/locks.test.ts";
const STRESS = "test/kernel/smp/stress.test.ts";
const MISUSE = "test/kernel/lockdep/misuse.test.ts";
const HOLDS = "test/kernel/lockdep/holds.test.ts";
const LOCK_IRQ = "test/kernel/lockdep/irq.test.ts";
const SPINLOCK = "kernel/arch/i386/lib/spinlock.S";
const SCHED = "kernel/kernel/sched.ts";
const GOODNESS = "kernel/kernel/sched_goodness.ts";
const EXIT = "kernel/kernel/exit.ts";
const FAULT = "kernel/arch/i386/mm/fault.ts";
const ATOMIC_TEST = "test/kernel/arch/i386/lib/atomic.test.ts";
const SEMAPHORES = "test/kernel/lib/semaphores.test.ts";
const NAMED = "test/kernel/smp/named-locks.test.ts";
const ATOMIC = "kernel/arch/i386/lib/atomic.S";
const BITOPS = "kernel/arch/i386/lib/bitops.S";
const RWSEM = "kernel/arch/i386/lib/rwsem.S";
const RWSEM_TS = "kernel/lib/rwsem.ts";
const SEMAPHORE_TS = "kernel/kernel/semaphore.ts";
const FILE_TABLE = "kernel/fs/file_table.ts";

/** The function `name` of a `.S` file without the LOCK of its instruction. */
const unlocked = (file, name, instruction, tests = [ATOMIC_TEST]) => ({
  name: `${name} without LOCK`,
  file,
  old: `FUNCTION ${name}\n${instruction}`,
  new: `FUNCTION ${name}\n${instruction.replace("LOCK ", "")}`,
  tests,
});

export default [
  {
    name: "a spinlock is taken without LOCK",
    file: SPINLOCK,
    old: "1:\tlock; decb \\word\n",
    new: "1:\tdecb \\word\n",
    tests: [LOCKS],
  },
  {
    name: "whoever finds a spinlock taken goes on",
    file: SPINLOCK,
    old: "2:\trep; nop\n\tcmpb $0, \\word\n\tjle 2b\n\tjmp 1b\n",
    new: "2:\tret\n",
    tests: [LOCKS],
  },
  {
    name: "a trylock takes a lock that is taken",
    file: SPINLOCK,
    old: "\tsetg %al\n",
    new: "\tmovb $1, %al\n",
    tests: [LOCKS],
  },
  {
    name: "a reader comes in while somebody writes",
    file: SPINLOCK,
    old: "1:\tlock; subl $1, (%eax)\n\tjs 2f\nread_lock_acquired:",
    new: "1:\tlock; subl $1, (%eax)\nread_lock_acquired:",
    tests: [LOCKS],
  },
  {
    name: "a writer comes in while somebody reads",
    file: SPINLOCK,
    old: "\tlock; subl $RW_LOCK_BIAS, (%eax)\n\tjnz 2f\n",
    new: "\tlock; subl $RW_LOCK_BIAS, (%eax)\n",
    tests: [LOCKS],
  },
  {
    name: "the big kernel lock is given up by the first unlock",
    file: SPINLOCK,
    old: "\tdecl task_struct_lock_depth(%ecx)\n\tjs 1f\n\tret\n",
    new: "\tdecl task_struct_lock_depth(%ecx)\n",
    tests: [LOCKS],
  },
  {
    name: "schedule() keeps the big kernel lock",
    file: SCHED,
    old: "    yield* release_kernel_lock(prev.address);\n",
    new: "",
    tests: [STRESS],
  },
  {
    name: "who has slept goes on without the big kernel lock",
    file: SCHED,
    old: "    yield* reacquire_kernel_lock(prev.address);\n",
    new: "",
    tests: [SMP_LOCKS],
  },
  {
    name: "schedule() chooses without runqueue_lock",
    file: SCHED,
    old: "    yield* spin_lock(queue_lock(smp_processor_id()));\n\n",
    new: "\n",
    tests: [STRESS],
  },
  {
    name: "a CPU takes a task that another has yet to leave",
    file: GOODNESS,
    old: "  return (p.cpus_runnable & p.cpus_allowed & (1 << cpu)) !== 0;",
    new: "  return (p.cpus_allowed & (1 << cpu)) !== 0;",
    tests: [STRESS],
  },
  {
    name: "a zombie is freed while it is still on its stack",
    file: EXIT,
    old: "  while (task_has_cpu(p)) cpu_relax(); // it has yet to leave its stack\n",
    new: "",
    tests: [STRESS],
  },
  {
    name: "a woken task's CPU is not told",
    file: GOODNESS,
    old: "    const told = reschedule_idle(task_struct.at(task));\n    yield* smp_send_reschedule(told);\n",
    new: "    reschedule_idle(task_struct.at(task));\n",
    tests: [SMP_LOCKS],
  },
  unlocked(ATOMIC, "atomic_add", "\tLOCK addl"),
  unlocked(ATOMIC, "atomic_inc", "\tLOCK incl"),
  unlocked(ATOMIC, "atomic_dec_and_test", "\tLOCK decl"),
  unlocked(ATOMIC, "atomic_add_negative", "\tLOCK addl"),
  unlocked(ATOMIC, "atomic_add_return", "\tmovl %eax, %ecx\n\tLOCK xaddl"),
  unlocked(ATOMIC, "atomic_set_mask", "\tLOCK orl"),
  unlocked(ATOMIC, "atomic_clear_mask", "\tnotl %eax\n\tLOCK andl"),
  unlocked(ATOMIC, "cmpxchg", "\txchgl %eax, %edx\n\tLOCK cmpxchgl"),
  unlocked(BITOPS, "set_bit", "\tLOCK btsl"),
  unlocked(BITOPS, "clear_bit", "\tLOCK btrl"),
  unlocked(BITOPS, "change_bit", "\tLOCK btcl"),
  unlocked(BITOPS, "test_and_set_bit", "\tLOCK btsl"),
  unlocked(BITOPS, "test_and_clear_bit", "\tLOCK btrl"),
  unlocked(BITOPS, "test_and_change_bit", "\tLOCK btcl"),
  unlocked(RWSEM, "down_read", "\tLOCK incl", [SEMAPHORES]),
  unlocked(RWSEM, "down_write", "\tmovl $RWSEM_ACTIVE_WRITE_BIAS, %edx\n\tLOCK xaddl", [SEMAPHORES]),
  {
    name: "a bit is looked for from the beginning of its word",
    file: BITOPS,
    old: "\tshrl %cl, %ebx\t\t\t# bits before the offset\n",
    new: "",
    tests: [ATOMIC_TEST],
  },
  {
    name: "the last reader wakes nobody",
    file: RWSEM,
    old: "1:\tdecw %dx\t\t\t# somebody waits: was this the last that was active?\n\tjz 2f\n\tret\n",
    new: "1:\tret\n",
    tests: [SEMAPHORES],
  },
  {
    name: "of readers that wait together one is let in",
    file: RWSEM_TS,
    old: "    readers++;\n    entry = list_next(entry);",
    new: "    readers = 1;\n    entry = list_next(entry);",
    tests: [SEMAPHORES],
  },
  {
    name: "a writer that becomes a reader lets the next writer in",
    file: RWSEM_TS,
    old: "    if (!downgrading) yield* grant(list_next(head));",
    new: "    yield* grant(list_next(head));",
    tests: [SEMAPHORES],
  },
  {
    name: "those who wait for a reader/writer semaphore have no lock for their list",
    file: RWSEM_TS,
    old: "  yield* spin_lock(sem.wait_lock.address);\n  list_add_tail",
    new: "  list_add_tail",
    and: [
      {
        file: RWSEM_TS,
        old: "  yield* spin_unlock(sem.wait_lock.address);\n  while (waiter",
        new: "  while (waiter",
      },
    ],
    tests: [SEMAPHORES],
  },
  {
    name: "a signal that ends the wait for a semaphore loses it for everybody",
    file: SEMAPHORE_TS,
    old: "      yield* atomic_add(sleepers, sem.address);\n",
    new: "",
    tests: [SEMAPHORES],
  },
  {
    name: "page faults do not take mmap_sem",
    file: FAULT,
    old: "  if (error_code & PF_USER) yield* down_read(mm + MMAP_SEM);\n  else if ((yield* down_read_trylock(mm + MMAP_SEM)) === 0) {\n    if ((yield* search_exception_table(regs.eip)) === 0) return false;\n    yield* down_read(mm + MMAP_SEM);\n  }\n",
    new: "",
    and: [
      { file: FAULT, old: "    yield* up_read(mm + MMAP_SEM);\n    if (error", new: "    if (error" },
      { file: FAULT, old: "  yield* up_read(mm + MMAP_SEM);\n  switch", new: "  switch" },
    ],
    tests: [NAMED],
  },
  {
    name: "munmap does not take mmap_sem",
    file: "kernel/mm/mmap.ts",
    old: "  yield* down_write(mm_struct.at(mm).mmap_sem.address);\n  const result = yield* do_munmap(mm, start, length);\n  yield* up_write(mm_struct.at(mm).mmap_sem.address);\n",
    new: "  const result = yield* do_munmap(mm, start, length);\n",
    tests: [NAMED],
  },
  {
    name: "a thread puts its page where another has just put one",
    file: "kernel/mm/memory.ts",
    old: "    yield* spin_lock(page_table_lock(mm_address));\n    const is_first = map_new_page(\n",
    new: "    const is_first = map_new_page(\n",
    and: [
      {
        file: "kernel/mm/memory.ts",
        old: "  if (!pte_none(m.read32(pte_address))) return false;\n",
        new: "",
      },
    ],
    tests: [SMP_LOCKS],
  },
  {
    name: "page tables come without page_table_lock",
    file: "kernel/mm/memory.ts",
    old: "      yield* spin_lock(page_table_lock(mm));\n      if (table === 0) return 0;",
    new: "      if (table === 0) return 0;",
    tests: [NAMED],
  },
  {
    name: "the page cache has no lock",
    file: "kernel/mm/filemap.ts",
    old: "  yield* spin_lock(pagecache_lock.address);\n  let there = yield* __find_page(host, index);",
    new: "  let there = yield* __find_page(host, index);",
    and: [
      {
        file: "kernel/mm/filemap.ts",
        old: "  yield* spin_unlock(pagecache_lock.address);\n  if (there",
        new: "  if (there",
      },
    ],
    tests: [NAMED],
  },
  {
    name: "descriptors are given away without file_lock",
    file: FILE_TABLE,
    old: "  yield* write_lock(file_lock());\n  const fd = locate_fd(first);\n  yield* write_unlock(file_lock());\n",
    new: "  const first_free = files_struct.at(current().files).open_fds;\n  const fd = locate_fd(first);\n  files_struct.at(current().files).open_fds = first_free | (1 << fd);\n",
    tests: [NAMED],
  },
  {
    name: "actions change without siglock",
    file: "kernel/kernel/sigaction.ts",
    old: "    yield* spin_lock(signals.siglock.address);\n",
    new: "",
    and: [
      {
        file: "kernel/kernel/sigaction.ts",
        old: "    yield* spin_unlock_irq(current().sigmask_lock.address);\n    yield* spin_unlock(signals.siglock.address);\n",
        new: "    yield* spin_unlock_irq(current().sigmask_lock.address);\n",
      },
    ],
    tests: [NAMED],
  },
  {
    name: "inodes get their numbers without inode_lock",
    file: "kernel/fs/inode.ts",
    old: "  yield* spin_lock(inode_lock.address);\n  last_ino",
    new: "  last_ino",
    and: [{ file: "kernel/fs/inode.ts", old: "  yield* spin_unlock(inode_lock.address);\n", new: "" }],
    tests: [NAMED],
  },
  {
    name: "pids are chosen without pidmap_lock",
    file: "kernel/kernel/pid.ts",
    old: "  yield* spin_lock(pidmap_lock.address);\n",
    new: "",
    and: [{ file: "kernel/kernel/pid.ts", old: "  yield* spin_unlock(pidmap_lock.address);\n", new: "" }],
    tests: [NAMED],
  },
  {
    name: "pipes are written to without their semaphore",
    file: "kernel/fs/pipe.ts",
    old: "    if ((yield* down_interruptible(semaphore_of(filp))) !== 0) return -ERESTARTSYS;\n    const result = yield* write_bytes(filp, pipe_of(filp), buffer, count);\n    yield* up(semaphore_of(filp));\n",
    new: "    const result = yield* write_bytes(filp, pipe_of(filp), buffer, count);\n",
    tests: [NAMED],
  },
  {
    name: "terminals are written to by several at a time",
    file: "kernel/drivers/char/tty_io.ts",
    old: "  } else if ((yield* down_interruptible(sem)) !== 0) return -ERESTARTSYS;\n",
    new: "  }\n",
    and: [{ file: "kernel/drivers/char/tty_io.ts", old: "  yield* up(sem);\n", new: "" }],
    tests: [NAMED],
  },
  {
    name: "lockdep takes any order of locks",
    file: "kernel/kernel/lockdep-graph.ts",
    old: "  if (found !== 0) {\n    yield* print_circular_bug(prev, next, found, frame);\n    return;\n  }\n",
    new: "",
    tests: [MISUSE],
  },
  {
    name: "lockdep looks for a circle of two only",
    file: "kernel/kernel/lockdep-search.ts",
    old: "  reach(backwards ? edge.from : edge.to, how, edge.address | (from & ONLY_RECURSIVE));\n",
    new: "  if (search_end.value === 1) reach(backwards ? edge.from : edge.to, how, edge.address | (from & ONLY_RECURSIVE));\n",
    tests: [MISUSE],
  },
  {
    name: "lockdep does not mind bottom halves",
    file: "kernel/kernel/lockdep-usage.ts",
    old: "    if (state & LOCK_IN_SOFTIRQ) usage |= USED_IN_HARDIRQ << SOFTIRQ_SHIFT;\n",
    new: "",
    tests: [MISUSE],
  },
  {
    name: "a trylock counts as one that waits",
    file: "kernel/kernel/lockdep.ts",
    old: "  if (debug_locks.value !== 0 && (held.state & LOCK_TRYLOCK) === 0) {\n",
    new: "  if (debug_locks.value !== 0) {\n",
    tests: [MISUSE],
  },
  {
    name: "a lock that somebody holds is enough for `holds`",
    file: "kernel/running/held-locks.ts",
    old: '  return "it is somebody else who holds it";\n',
    new: "  return undefined;\n",
    tests: [HOLDS],
  },
  {
    name: "plain functions' `@context` is not checked",
    file: "kernel/running/kernel.ts",
    old: "    this.entered = this.#debug ? plain_check(this.image) : undefined;\n",
    new: "    this.entered = undefined;\n",
    tests: [HOLDS],
  },
  {
    name: "nobody says that he has waited for a second",
    file: "kernel/kernel/spinlock-debug.ts",
    old: "    if (!is_over && waited >= CLOCK_TICK_RATE) yield* lockup(lock, frame);\n",
    new: "",
    tests: [LOCK_IRQ],
  },
  {
    name: "sigreturn changes the mask without sigmask_lock",
    file: "kernel/arch/i386/kernel/sigframe.ts",
    old: "  yield* spin_lock_irq(current().sigmask_lock.address);\n  set_blocked(frame.sc.oldmask, frame.extramask);\n  yield* spin_unlock_irq(current().sigmask_lock.address);\n",
    new: "  set_blocked(frame.sc.oldmask, frame.extramask);\n",
    tests: [SMP_LOCKS],
  },
];
