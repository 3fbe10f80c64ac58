/** Commands that move the guest, forwards and backwards. */

import { hex } from "../../numbers.ts";
import type { Stop } from "../../session/index.ts";
import { type Command, CommandError } from "../command.ts";
import type { Console } from "../console.ts";
import { placeAddresses } from "../places.ts";
import { reportPlace, reportStop } from "../stop-report.ts";

const ENDED: ReadonlySet<Stop["reason"]> = new Set(["exit", "panic", "triple-fault"]);

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

/** Repeats until it is done or something else than a step stops it. */
async function repeat(times: number, command: () => Promise<Stop>): Promise<Stop> {
  let stop = await command();
  for (let done = 1; done < times && stop.reason === "step"; done++) stop = await command();
  return stop;
}

function noArgument(name: string, argument: string): void {
  if (argument !== "") throw new CommandError(`${name} takes no argument, but there is '${argument}'`);
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
      return go(console, () => console.session.stepLineAsync(n));
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
      return go(console, () => console.session.nextLineAsync(n));
    },
  },
  {
    names: ["stepi", "si"],
    group: "Going",
    usage: "[N] [alone]",
    summary: "execute one instruction, or N",
    help:
      "Instructions of the selected CPU; the others run meanwhile as they would. With `alone` only the selected CPU runs.\n" +
      "A step of a TypeScript function is one instruction.",
    completes: "expression",
    repeats: "same",
    run: (argument, console) => {
      const alone = /\s*\balone$/.test(argument);
      const n = count(console, argument.replace(/\s*\balone$/, ""));
      return go(console, () => console.session.stepAsync(n, alone ? { core: console.session.core } : {}));
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
      return go(console, () => repeat(n, () => console.session.nextAsync()));
    },
  },
  {
    names: ["finish", "fin"],
    group: "Going",
    usage: "",
    summary: "run to where the current function has returned",
    help: "Shows EAX, in which C functions return their value.",
    repeats: "same",
    run: async (argument, console) => {
      noArgument("finish", argument);
      await go(console, () => console.session.finishAsync());
      if (console.session.stop.reason === "step")
        console.print(`eax = ${hex(console.guest.register("eax"))}, ${console.guest.register("eax") | 0}`);
    },
  },
  {
    names: ["until", "advance"],
    group: "Going",
    usage: "PLACE",
    summary: "run to a place: symbol, address, file:line",
    completes: "symbol",
    run: (argument, console) => {
      if (argument === "") throw new CommandError("until where? A symbol, *ADDRESS or FILE:LINE is expected");
      const [address] = placeAddresses(console, argument);
      return go(console, () => console.session.untilAsync(address!));
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
      return go(console, () => console.session.continueAsync());
    },
  },
  {
    names: ["reverse-step", "reverse-stepi", "rs", "rsi"],
    group: "Going",
    usage: "[N]",
    summary: "go back one instruction, or N",
    help: "The guest is run again from its start, or from a snapshot, with the same input; it comes out the same.",
    completes: "expression",
    repeats: "same",
    run: async (argument, console) => {
      const n = count(console, argument);
      await reportStop(console, await console.session.reverseStepAsync(n));
    },
  },
  {
    names: ["reverse-next", "reverse-nexti", "rn", "rni"],
    group: "Going",
    usage: "[N]",
    summary: "go back one instruction, a call being one",
    completes: "expression",
    repeats: "same",
    run: async (argument, console) => {
      const n = count(console, argument);
      await reportStop(console, await repeat(n, () => console.session.reverseNextAsync()));
    },
  },
  {
    names: ["reverse-continue", "rc"],
    group: "Going",
    usage: "",
    summary: "go back to where continue would have stopped last",
    repeats: "same",
    run: async (argument, console) => {
      noArgument("reverse-continue", argument);
      await reportStop(console, await console.session.reverseContinueAsync());
    },
  },
  {
    names: ["goto"],
    group: "Going",
    usage: "POSITION",
    summary: "go to a moment, forwards or backwards",
    help: "Positions count the instructions of all CPUs since the reset; stops show them behind #. `goto 0` is the reset.",
    completes: "expression",
    run: async (argument, console) => {
      if (argument === "")
        throw new CommandError("goto which position? A number is expected, as stops show it behind #");
      const position = console.number(argument.replace(/^#/, "").replaceAll(",", ""));
      if (!Number.isSafeInteger(position) || position < 0) throw new CommandError(`${argument}: 0 or more is expected`);
      await reportStop(console, await console.session.gotoAsync(position));
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
