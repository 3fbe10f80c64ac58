/** Commands that move the guest, forwards and backwards. */
import { plainType } from "../../../asm/dwarf/reader/index.ts";
import type { StackFrame } from "../../frames/stack-frame.ts";
import { hex } from "../../numbers.ts";
import type { Stop } from "../../session/index.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import type { Value } from "../expression/value.ts";
import { frameLine } from "../format/frames.ts";
import { placeAddresses } from "../places.ts";
import { positionOf } from "../positions.ts";
import { reportPlace, reportStop } from "../stop-report.ts";
import { printValue } from "./printing.ts";

const ENDED: ReadonlySet<Stop["reason"]> = new Set(["exit", "power-off", "panic", "triple-fault"]);
const RPL = 3;
const WIDE = 8;

/** How often, for commands that take `[N]`. */
function count(console: Console, argument: string): number {
  if (argument === "") return 1;
  const number = console.number(argument);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new CommandError(`${argument}: how often? 1 or more is expected`);
  return number;
}

/** @throws CommandError when the guest can go no further */
function requireGoing({ session }: Console): void {
  if (ENDED.has(session.stop.reason)) {
    throw new CommandError("the guest has ended; reverse-step, reverse-continue and goto go back");
  }
}

async function go(console: Console, command: () => Promise<Stop>): Promise<void> {
  requireGoing(console);
  await reportStop(console, await command());
}

async function goBack(console: Console, command: () => Promise<Stop>): Promise<void> {
  await reportStop(console, await command());
}

/** Repeats until it is done or something else than a step stops it. */
async function repeat(times: number, command: () => Promise<Stop>): Promise<Stop> {
  let stop = await command();
  for (let done = 1; done < times && stop.reason === "step"; done++) stop = await command();
  return stop;
}

function noArgument(name: string, argument: string): void {
  if (argument !== "") throw new CommandError(`${name} takes no argument, but there is '${argument}'`);
}

/** Where a frame returns to; undefined when that is not known. */
function returnOf(console: Console, frame: StackFrame) {
  // The innermost frame is known before those around it are looked for, and what it returns to only then.
  const { walked } = console.frames()[frame.level] ?? frame;
  const caller = console.frames().find((each) => each.level > frame.level && each.walked !== walked)?.walked;
  if (caller === undefined) return undefined;
  if (walked.returnSlot !== undefined) return { linear: caller.pc, slot: walked.returnSlot };
  if (walked.entryFrame === undefined) return undefined;
  const cpl = console.guest.read32(walked.entryFrame + 4) & RPL;
  return { linear: caller.pc, slot: walked.entryFrame, cpl };
}

async function finish(console: Console): Promise<void> {
  requireGoing(console);
  const frame = console.frame();
  if (console.selectedTask !== undefined)
    throw new CommandError("the selected task does not run; thread selects another");
  if (frame.isInlined) return leaveInlined(console, frame);
  const place = returnOf(console, frame);
  if (place === undefined && frame.level > 0) {
    throw new CommandError('"finish" not meaningful in the outermost frame.');
  }
  const { type } = frame.function ?? {};
  console.print(`Run till exit from ${frameLine(console, frame)}`);
  await reportStop(console, await console.session.finish(place));
  if (console.session.stop.reason !== "step") return;
  const returned = type?.kind === "function" ? returnedValue(console, type.returns) : undefined;
  if (returned === null) return;
  const eax = console.guest.register("eax");
  if (returned === undefined) console.print(`eax = ${hex(eax)}, ${eax | 0}`);
  else printValue(console, returned, "Value returned is ");
}

/** Goes on by lines to behind a function that has been put into its caller. */
async function leaveInlined(console: Console, frame: StackFrame): Promise<void> {
  console.print(`Run till exit from ${frameLine(console, frame)}`);
  const scope = frame.function!;
  let stop: Stop;
  do {
    stop = await console.session.nextLine();
    console.forgetFrames();
  } while (stop.reason === "step" && console.frame().isIn(scope));
  await reportStop(console, stop);
}

/** What a function has returned, by its type; null for none, undefined when it is not where it can be seen. */
function returnedValue({ guest }: Console, type: Value["type"]): Value | null | undefined {
  const plain = plainType(type);
  const eax = guest.register("eax");
  switch (plain.kind) {
    case "void":
      return null;
    case "struct":
      return { type, address: eax };
    case "integer":
    case "enum":
    case "pointer": {
      const bytes = new Uint8Array(WIDE);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, eax, true);
      view.setUint32(4, guest.register("edx"), true);
      return { type, bytes: bytes.subarray(0, plain.size) };
    }
    default:
      return undefined;
  }
}

/** To a place, or out of the frame. */
function advance(console: Console, argument: string): Promise<void> {
  const places = placeAddresses(console, argument).map((linear) => ({ linear, accepts: () => true }));
  const frame = console.frame();
  const back = returnOf(console, frame);
  const leaves =
    back === undefined || back.cpl !== undefined
      ? []
      : [{ linear: back.linear, accepts: (core: { readonly r: Int32Array }) => core.r[4] >>> 0 > back.slot }];
  return go(console, () => console.session.runTo([...places, ...leaves]));
}

export const going: readonly Command[] = [
  {
    names: ["step", "s"],
    group: "Going",
    usage: "[N]",
    summary: "go to another line of the source, or N, into functions that are called",
    help:
      "Functions without lines are passed over, and so are interrupts and page faults on the way; a system call is gone\n" +
      "into. Where no line is known, it goes to the end of the function.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return go(console, () => console.session.stepLine(n));
    },
  },
  {
    names: ["next", "n"],
    group: "Going",
    usage: "[N]",
    summary: "go to another line of the source, or N, over functions that are called",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return go(console, () => console.session.nextLine(n));
    },
  },
  {
    names: ["stepi", "si"],
    group: "Going",
    usage: "[N] [alone]",
    summary: "execute one instruction, or N",
    help:
      "Instructions of the selected CPU; the others run meanwhile as they would. With `alone` only the selected CPU runs.\n" +
      "A statement of a kernel function takes one, or some more.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const alone = /\s*\balone$/.test(argument);
      const n = count(console, argument.replace(/\s*\balone$/, ""));
      return go(console, () => console.session.step(n, alone ? { core: console.session.core } : {}));
    },
  },
  {
    names: ["nexti", "ni"],
    group: "Going",
    usage: "[N]",
    summary: "execute one instruction, over calls and interrupts",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return go(console, () => repeat(n, () => console.session.next()));
    },
  },
  {
    names: ["finish", "fin"],
    group: "Going",
    usage: "",
    summary: "run to where the selected frame has returned",
    help: "Shows what the function has returned: by its type or, where that is not known, EAX.",
    repeats: "same",
    run: (argument, console) => {
      noArgument("finish", argument);
      return finish(console);
    },
  },
  {
    names: ["until", "u"],
    group: "Going",
    usage: "[PLACE]",
    summary: "as next, but not back: to behind a loop; with a place, to there, or out of the function",
    completes: "place",
    repeats: "same",
    run: (argument, console) =>
      argument === "" ? go(console, () => console.session.untilLine()) : advance(console, argument),
  },
  {
    names: ["advance"],
    group: "Going",
    usage: "PLACE",
    summary: "run to a place: symbol, *ADDRESS, FILE:LINE; or out of the function",
    completes: "place",
    run: (argument, console) => {
      if (argument === "") throw new CommandError("advance to where? A symbol, *ADDRESS or FILE:LINE is expected");
      return advance(console, argument);
    },
  },
  {
    names: ["continue", "c", "run", "r"],
    group: "Going",
    usage: "[N]",
    summary: "run until something stops it",
    help: "With N, passes over the breakpoint it stands at N - 1 times. Ctrl-C interrupts.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      const { breakpoint } = console.session.stop;
      if (n > 1) {
        if (breakpoint === undefined) throw new CommandError("continue N: it does not stand at a breakpoint");
        console.session.breakpoints.setIgnore(breakpoint.number, n - 1);
      }
      return go(console, () => console.session.continue());
    },
  },
  {
    names: ["reverse-step", "rs"],
    group: "Going",
    usage: "[N]",
    summary: "go back to the beginning of the line before, or N, into functions that had been called",
    help: "Going back, the guest comes out as it was: it never does anything else the second time.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return goBack(console, () => console.session.reverseStepLine(n));
    },
  },
  {
    names: ["reverse-next", "rn"],
    group: "Going",
    usage: "[N]",
    summary: "the same, over functions that had been called",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return goBack(console, () => console.session.reverseNextLine(n));
    },
  },
  {
    names: ["reverse-stepi", "rsi"],
    group: "Going",
    usage: "[N]",
    summary: "go back one instruction, or N",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return goBack(console, () => console.session.reverseStep(n));
    },
  },
  {
    names: ["reverse-nexti", "rni"],
    group: "Going",
    usage: "[N]",
    summary: "go back one instruction, a call being one",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const n = count(console, argument);
      return goBack(console, () => repeat(n, () => console.session.reverseNext()));
    },
  },
  {
    names: ["reverse-finish"],
    group: "Going",
    usage: "",
    summary: "go back to where the current function was called",
    repeats: "same",
    run: (argument, console) => {
      noArgument("reverse-finish", argument);
      return goBack(console, () => console.session.reverseFinish());
    },
  },
  {
    names: ["reverse-continue", "rc"],
    group: "Going",
    usage: "",
    summary: "go back to where continue would have stopped last",
    repeats: "same",
    run: (argument, console) => {
      noArgument("reverse-continue", argument);
      return goBack(console, () => console.session.reverseContinue());
    },
  },
  {
    names: ["goto"],
    group: "Going",
    usage: "POSITION | -N",
    summary: "go to a moment, forwards or backwards",
    help:
      "Positions count the instructions of all CPUs since the reset; stops show them behind #. `goto 0` is the reset,\n" +
      "`goto -N` so many instructions before this one.",
    completes: "expression",
    run: async (argument, console) => {
      if (argument === "")
        throw new CommandError("goto which position? A number is expected, as stops show it behind #");
      await reportStop(console, await console.session.goto(positionOf(console, argument)));
    },
  },
  {
    names: ["input"],
    group: "Going",
    usage: "TEXT | --eof",
    summary: "give the guest a line of input on its serial port",
    help: "The line ends with a newline. --eof says that no more input will come. Going back and forth gives it again.",
    run: (argument, console) => {
      if (argument === "--eof") console.session.closeInput();
      else console.session.input(new TextEncoder().encode(`${argument}\n`));
    },
  },
  {
    names: ["cpu"],
    group: "Going",
    usage: "[N]",
    summary: "select a CPU, or list them",
    completes: "expression",
    run: async (argument, console) => {
      const { session, guest } = console;
      if (argument === "") {
        for (const core of session.machine.cores) {
          const task = guest.currentTask(core);
          const whose = task === undefined ? "" : `  pid ${task.pid} (${task.comm})`;
          const state = core.halted ? "  halted" : "";
          console.print(
            `${core.id === session.core ? "*" : " "} ${core.id}  ${console.place(session.linearEip(core.id))}${whose}${state}`,
          );
        }
        return;
      }
      session.core = console.number(argument);
      await reportPlace(console, session);
    },
  },
];
