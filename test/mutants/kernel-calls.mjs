// Signals, pipes, futexes, files, terminals and time: what system calls do and answer.

const SCENARIOS = "test/kernel/scenarios";
const HANDLERS = `${SCENARIOS}/signal-handlers.test.ts`;
const ABI = `${SCENARIOS}/signal-abi.test.ts`;
const PIPES = `${SCENARIOS}/pipes.test.ts`;
const TLS = `${SCENARIOS}/tls.test.ts`;
const INITRAMFS = "test/kernel/fs/initramfs.test.ts";
const SERIAL = "test/kernel/drivers/char/serial.test.ts";
const SCHEDULING = `${SCENARIOS}/scheduling.test.ts`;
const FILES = `${SCENARIOS}/files.test.ts`;
const SIGNAL_TS = "kernel/kernel/signal.ts";
const DELIVERY = "kernel/arch/i386/kernel/signal.ts";
const FRAME = "kernel/arch/i386/kernel/sigframe.ts";

export default [
  {
    name: "signal 64 is none",
    file: "kernel/kernel/sigaction.ts",
    old: "sig > _NSIG ||",
    new: "sig >= _NSIG ||",
    tests: [ABI],
  },
  {
    name: "a terminal's signals come from whoever runs",
    file: "kernel/drivers/char/n_tty.ts",
    old: "kill_pg(tty.pgrp, sig, 1)",
    new: "kill_pg(tty.pgrp, sig, 0)",
    tests: [ABI],
  },
  {
    name: "SIGKILL can be blocked",
    file: SIGNAL_TS,
    old: "  self.blocked.sig.set(0, low & ~UNBLOCKABLE);",
    new: "  self.blocked.sig.set(0, low);",
    tests: [HANDLERS],
  },
  {
    name: "the highest signal comes first",
    file: SIGNAL_TS,
    old: "32 - Math.clz32(ready & -ready);",
    new: "32 - Math.clz32(ready);",
    tests: [HANDLERS],
  },
  {
    name: "signals above 32 are lost",
    file: SIGNAL_TS,
    old: "(ready_signals(p, 0) | ready_signals(p, 1)) !== 0",
    new: "ready_signals(p, 0) !== 0",
    tests: [ABI],
  },
  {
    name: "a handler's own signal is not blocked meanwhile",
    file: DELIVERY,
    old: "      sigaddset(self.blocked, sig);\n      recalc_sigpending",
    new: "      recalc_sigpending",
    tests: [HANDLERS],
  },
  {
    name: "SA_RESTART restarts nothing",
    file: DELIVERY,
    old: "(result === -ERESTARTSYS && action.sa_flags & SA_RESTART)",
    new: "result === -ERESTARTNOHAND",
    tests: [HANDLERS],
  },
  {
    name: "a forged frame gives a program I/O privilege",
    file: FRAME,
    old: "const FIX_EFLAGS = 0x40dd5;",
    new: "const FIX_EFLAGS = 0x43dd5;",
    tests: [HANDLERS],
  },
  {
    name: "a forged frame returns to ring 0",
    file: FRAME,
    old: "  regs.xcs = sc.cs | 3;",
    new: "  regs.xcs = sc.cs;",
    tests: [HANDLERS],
  },
  {
    name: "sigreturn leaves the handler's mask",
    file: FRAME,
    old: "  set_blocked(frame.sc.oldmask, frame.extramask);\n",
    new: "",
    tests: [HANDLERS],
  },
  {
    name: "a write of up to PIPE_BUF bytes is torn",
    file: "kernel/fs/pipe.ts",
    old: "    if (room < (count <= PIPE_BUF ? count : 1)) {",
    new: "    if (room < 1) {",
    tests: [PIPES],
  },
  {
    name: "the last writer's end wakes no reader",
    file: "kernel/fs/pipe.ts",
    old: "    else pipe.writers--;\n    yield* wake_up_interruptible(pipe.wait.address);\n",
    new: "    else pipe.writers--;\n",
    tests: [PIPES],
  },
  {
    name: "a pipe without readers kills nobody",
    file: "kernel/fs/pipe.ts",
    old: "      yield* send_sig(SIGPIPE, current().address, 0);\n",
    new: "",
    tests: [PIPES],
  },
  {
    name: "who sends a signal that is pending replaces what its handler is told",
    file: SIGNAL_TS,
    old: "    if (!sigismember(p.pending, sig)) set_siginfo(",
    new: "    set_siginfo(",
    tests: ["test/kernel/scenarios/signal-abi.test.ts"],
  },
  {
    name: "a futex sleeps though its word has changed",
    file: "kernel/kernel/futex.ts",
    old: "error === 0 && q.word === expected && !list_empty",
    new: "error === 0 && !list_empty",
    tests: [TLS],
  },
  {
    name: "links are followed for ever",
    file: "kernel/fs/namei.ts",
    old: "  if (nd.link_count > MAX_LINKS) return -ELOOP;\n",
    new: "",
    tests: [INITRAMFS],
  },
  {
    name: "an end of file is a byte of input",
    file: "kernel/drivers/char/n_tty.ts",
    old: "    const length: u32 = end_of_file ? end : consumed;",
    new: "    const length: u32 = consumed;",
    tests: [SERIAL],
  },
  {
    name: "a sleep may be a tick too short",
    file: "kernel/kernel/time.ts",
    old: " + (t.tv_sec !== 0 || t.tv_nsec !== 0 ? 1 : 0);",
    new: ";",
    tests: [SCHEDULING],
  },
  {
    name: "an interval timer goes off once",
    file: "kernel/kernel/itimer.ts",
    old: "  if (p.it_real_incr !== 0) yield* start(p, p.it_real_incr);\n",
    new: "",
    tests: [HANDLERS],
  },
  {
    name: "dup2 of a descriptor to itself closes it",
    file: "kernel/fs/fcntl.ts",
    old: "  if (error !== 0) return error;\n  if (replaced !== 0) yield* filp_close(replaced);",
    new: "  if (error < 0) return error;\n  if (error > 0) yield* close_fd(newfd);\n  if (replaced !== 0) yield* filp_close(replaced);",
    tests: [FILES],
  },
  {
    name: "dup2 of a descriptor to itself makes it outlive an exec",
    file: "kernel/fs/fcntl.ts",
    old: "  if (oldfd === newfd) return newfd;\n",
    new: "",
    tests: [FILES],
  },
  {
    name: "a short read moves on by what was asked for",
    file: "kernel/fs/read_write.ts",
    old: "filp.f_pos = position + bytes - left;",
    new: "filp.f_pos = position + count;",
    tests: [FILES],
  },
  {
    name: "a read that cannot be written moves on all the same",
    file: "kernel/fs/read_write.ts",
    old: "filp.f_pos = position + bytes - left;",
    new: "filp.f_pos = position + bytes;",
    tests: [FILES],
  },
];
