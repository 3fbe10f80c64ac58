// Sessions of the debugger: steps, watchpoints, the way back, back-traces.

const SESSION = "test/debug/session";
const FORWARD = `${SESSION}/forward.test.ts`;
const REVERSE = `${SESSION}/reverse.test.ts`;
const KERNEL = `${SESSION}/kernel.test.ts`;
const HISTORY = `${SESSION}/history.test.ts`;
const BACKTRACE = "test/debug/repl/backtrace.test.ts";
const SOURCE = "test/debug/repl/kernel-source.test.ts";
const PROGRAM = "test/debug/repl/program.test.ts";
const COMPILED = "test/debug/repl/compiled.test.ts";
const STUBS = "test/debug/repl/stubs.test.ts";

export default [
  {
    name: "a watchpoint on changes stops at every write",
    file: "debug/session/watcher.ts",
    old: 'on === "change" && access.write && access.before !== access.after',
    new: 'on === "change" && access.write',
    tests: [FORWARD],
  },
  {
    name: "a watchpoint on reads stops at writes",
    file: "debug/session/watcher.ts",
    old: '(on === "read" && !access.write)',
    new: 'on === "read"',
    tests: [FORWARD],
  },
  {
    name: "a breakpoint of one core stops the others",
    file: "debug/session/watcher.ts",
    old: "    if (record.request.core !== undefined && record.request.core !== core.id) return false;\n",
    new: "",
    tests: [FORWARD],
  },
  {
    name: "an ignored hit is counted down twice",
    file: "debug/session/commands.ts",
    old: "        record.ignore--;\n        return false;",
    new: "        record.ignore = Math.max(0, record.ignore - 2);\n        return false;",
    tests: [FORWARD],
  },
  {
    name: "a temporary breakpoint stays",
    file: "debug/session/commands.ts",
    old: "      if (watcher.hit.record.request.temporary) this.#host.breakpoints.remove(watcher.hit.record.number);\n",
    new: "",
    tests: [FORWARD],
  },
  {
    name: "continue stops at the breakpoint that it stands on",
    file: "debug/session/commands.ts",
    old: "    this.#core.passedBreakpoint = this.#core.instructions;\n    const orders",
    new: "    const orders",
    tests: [FORWARD],
  },
  {
    name: "a watchpoint outlives its scope",
    file: "debug/session/commands.ts",
    old: "      this.#host.breakpoints.remove(left.record.number);\n",
    new: "",
    tests: [PROGRAM, FORWARD],
  },
  {
    name: "reverse-continue finds what happens now",
    file: "debug/session/commands.ts",
    old: "      isNowToo ? cycle : cycle - 1,",
    new: "      cycle,",
    tests: [REVERSE],
  },
  {
    name: "reverse-continue stops at the first hit of a stretch",
    file: "debug/session/commands.ts",
    old: "          last = { cycle: this.#timeline.cycle, hit };\n          return false;",
    new: "          last ??= { cycle: this.#timeline.cycle, hit };\n          return false;",
    tests: [REVERSE],
  },
  {
    name: "reverse-finish stops behind the call",
    file: "debug/session/commands.ts",
    old: 'return stop.reason === "step" ? yield* this.#backTo(id, this.#core.instructions - 1) : stop;',
    new: "return stop;",
    tests: [REVERSE],
  },
  {
    name: "reverse-next takes the first call that returned here",
    file: "debug/session/commands.ts",
    old: "      const entry = entries.pop();",
    new: "      const entry = entries.shift();",
    tests: [REVERSE],
  },
  {
    name: "what was done in the past leaves the future as it was",
    file: "debug/session/timeline.ts",
    old: "      this.#horizon = cycle;\n      this.#history.forgetAfter(cycle);",
    new: "      this.#horizon = cycle;",
    tests: [REVERSE, HISTORY],
  },
  {
    name: "the past is heard again",
    file: "debug/session/timeline.ts",
    old: "    this.muted = behind;\n",
    new: "",
    tests: [REVERSE],
  },
  {
    name: "input is forgotten on the way back",
    file: "debug/session/timeline.ts",
    old: "    this.#journal.rewind(done);\n",
    new: "",
    tests: [REVERSE, HISTORY],
  },
  {
    name: "a step by lines stops in the middle of a line",
    file: "debug/session/line-steps.ts",
    old: "    if (isOther && line.address === eip && line.isStatement) return",
    new: "    if (isOther && line.isStatement) return",
    tests: [SOURCE, COMPILED, PROGRAM],
  },
  {
    name: "a step ends where a function returns to the line it was called from",
    file: "debug/session/line-steps.ts",
    old: '    return isOther && !before.isOnSameStack(core) ? "stop" : "new line";',
    new: '    return isOther ? "stop" : "new line";',
    tests: [SOURCE, COMPILED, PROGRAM],
  },
  {
    name: "a handler's frame is looked for at its function's first words alone",
    file: "debug/session/return-place.ts",
    old: "slot <= first + MOST_ENTRY_BYTES; slot += 4",
    new: "slot <= first; slot += 4",
    tests: [KERNEL, FORWARD],
  },
  {
    name: "a back-trace ends at the interrupt that it has come to",
    file: "debug/frames/frame-walk.ts",
    old: "      interrupted = step.interrupts;\n",
    new: "      interrupted = step.interrupts;\n      if (interrupted) break;\n",
    tests: [BACKTRACE, STUBS],
  },
  {
    name: "entry code and the interrupt it returns from are two frames",
    file: "debug/frames/frame-walk.ts",
    old: "    if (first?.caller === undefined || !isInterruptReturn(guest, first.caller.pc)) return first;\n",
    new: "    if (first !== undefined) return first;\n",
    and: [
      {
        file: "debug/frames/frame-walk.ts",
        old: "    const second = followRules(guest, first.caller, false, task);\n    return second?.frame.entryFrame === undefined ? first : second;",
        new: "    return undefined;",
      },
    ],
    tests: [STUBS, BACKTRACE],
  },
  {
    name: "a caller is looked up at its return address",
    file: "debug/frames/frame-walk.ts",
    old: "startsBefore(isExact ? at.pc : at.pc - 1);",
    new: "startsBefore(at.pc);",
    and: [
      {
        file: "debug/frames/frame-walk.ts",
        old: "guest.session.programs.at(isExact ? at.pc : at.pc - 1);\n  const rules: FrameRules | undefined = information?.callFrames.rules(at.pc, !isExact);",
        new: "guest.session.programs.at(at.pc);\n  const rules: FrameRules | undefined = information?.callFrames.rules(at.pc, false);",
      },
    ],
    tests: [BACKTRACE, STUBS, SOURCE],
  },
  {
    name: "a task in the middle of a switch is where it was the last time",
    file: "debug/frames/frame-walk.ts",
    old: "const pc = isLeaving(guest, task) ? resume! : guest",
    new: "const pc = guest",
    and: [
      {
        file: "debug/frames/frame-walk.ts",
        old: "/** Whether a core is in the middle of switch_to, on its way from a task to another. */\n",
        new: "/** @public */\nexport ",
      },
    ],
    tests: [STUBS, BACKTRACE, "test/testing/kernel.test.ts"],
  },
];
