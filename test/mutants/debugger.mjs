// Sessions of the debugger: steps, watchpoints, the way back, back-traces.

const SESSION = "test/debug/session";
const FORWARD = `${SESSION}/forward.test.ts`;
const REPL = "test/debug/repl/repl.test.ts";
const REVERSE = `${SESSION}/reverse.test.ts`;

export default [
  {
    name: "of several breakpoints at a place one is met",
    file: "debug/session/watcher.ts",
    old: "if (this.#meets({ record, core: core.id })) stops = true;",
    new: "if (this.#meets({ record, core: core.id })) return true;",
    tests: [REPL],
  },
  {
    name: "a signal's frame has the registers of its handler",
    file: "debug/frames/signal-return.ts",
    old: "return offset === 0 ? esp + WORD : esp;",
    new: "return esp;",
    tests: ["test/debug/repl/signal-frames.test.ts"],
  },
  {
    name: "an INT is no call: its frame is where it goes on",
    file: "debug/frames/frame-walk.ts",
    old: "isExact = interrupted && !hasCalledByInt(guest, { ...at, isExact }, step, task);",
    new: "isExact = interrupted;",
    tests: ["test/debug/repl/int-frames.test.ts"],
  },
  {
    name: "a signal's handler is taken for the end of what lies before it",
    file: "debug/frames/entry.ts",
    old: "&& !isElsewhere(guest, entry.nr, returnsTo)",
    new: "",
    tests: ["test/debug/repl/int-frames.test.ts"],
  },
  {
    name: "a back-trace ends at a return address behind a function's end",
    file: "debug/frames/frame-walk.ts",
    old: "isCode(guest, rules.isSignalFrame ? pc : pc - 1)",
    new: "isCode(guest, pc)",
    tests: ["test/debug/repl/stubs.test.ts"],
  },
  {
    name: "a watchpoint on changes stops at every write",
    file: "debug/session/watcher.ts",
    old: 'on === "change" && access.write && access.before !== access.after',
    new: 'on === "change" && access.write',
    tests: [FORWARD],
  },
  {
    name: "a temporary breakpoint stays",
    file: "debug/session/runs.ts",
    old: "      if (record.request.temporary) this.host.breakpoints.remove(record.number);\n",
    new: "",
    tests: [FORWARD],
  },
  {
    name: "reverse-finish stops behind the call",
    file: "debug/session/backward-commands.ts",
    old: 'return stop.reason === "step" ? yield* this.#runs.backTo(id, this.core.instructions - 1) : stop;',
    new: "return stop;",
    tests: [REVERSE],
  },
  {
    name: "a future that another has replaced is not forgotten",
    file: "debug/session/timeline.ts",
    old: "      this.#history.forgetAfter(cycle);\n",
    new: "",
    tests: ["test/debug/session/history.test.ts"],
  },
  {
    name: "list names the first line that it would show",
    file: "debug/repl/commands/listing.ts",
    old: "first + LINES - 1, found.line);",
    new: "first + LINES - 1);",
    tests: [REPL],
  },
  {
    name: "addresses of tasks are decimal where an event is caught",
    file: "debug/repl/format/event.ts",
    old: "/^(address|task|timer|",
    new: "/^(address|timer|",
    tests: [REPL],
  },
  {
    name: "a number of instructions is no limit of a run",
    file: "emulator/run-limits.ts",
    old: 'if (typeof limits === "object" && limits !== null) return;',
    new: 'if (typeof limits !== "string" && limits !== null) return;',
    tests: ["test/emulator/machine.test.ts"],
  },
];
