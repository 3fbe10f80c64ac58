/** What `catch` can catch, and how it is filtered. */
import { didYouMean, nearNames } from "../../../asm/index.ts";
import { syscall_numbers } from "../../../kernel/inspect.ts";
import { EXCEPTIONS } from "../../exceptions.ts";
import type { CatchKind, CatchRequest, SessionEvent } from "../../session/index.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { SIGNAL_NAMES, signalNumber } from "../format/event.ts";

type Filter = (event: SessionEvent) => boolean;

/** The filter that the words behind an event ask for; undefined when there are none. */
type FilterReader = (words: readonly string[], console: Console) => Filter | undefined;

/** A number in the one word there is; undefined without a word. */
function number(words: readonly string[], console: Console, field: string): Filter | undefined {
  if (words.length === 0) return undefined;
  const wanted = console.number(words.join(" "));
  return (event) => event[field] === wanted;
}

function exception(words: readonly string[], console: Console): Filter | undefined {
  const [name] = words;
  if (name === undefined) return undefined;
  const vector = EXCEPTIONS.findIndex(
    (known) => known?.split(" ")[0]?.toLowerCase() === `#${name.replace(/^#/, "").toLowerCase()}`,
  );
  return vector >= 0 ? (event) => event["vector"] === vector : number(words, console, "vector");
}

function syscall(words: readonly string[], console: Console): Filter | undefined {
  const [name] = words;
  if (name === undefined) return undefined;
  const plain = name.replace(/^sys_/, "");
  if (/^\d/.test(plain)) return number(words, console, "nr");
  if (!Object.hasOwn(syscall_numbers, plain)) {
    const near = nearNames(plain, Object.keys(syscall_numbers));
    throw new CommandError(`no system call ${plain}${didYouMean(near, ", ")}`);
  }
  return (event) => event["nr"] === syscall_numbers[plain];
}

/** `from PID`, `to PID` in any order. */
function pids(words: readonly string[], console: Console, fields: Readonly<Record<string, string>>): Filter {
  const wanted: [field: string, pid: number][] = [];
  for (let i = 0; i < words.length; i += 2) {
    const field = fields[words[i]];
    const pid = words[i + 1];
    if (field === undefined || pid === undefined) {
      throw new CommandError(
        `${Object.keys(fields)
          .map((word) => `${word} PID`)
          .join(", ")} is expected, not '${words.slice(i).join(" ")}'`,
      );
    }
    wanted.push([field, console.number(pid)]);
  }
  return (event) => wanted.every(([field, pid]) => event[field] === pid);
}

function signal(words: readonly string[], console: Console): Filter {
  const [name, ...others] = words;
  if (name === undefined || name === "to") return pids(words, console, { to: "pid" });
  const wanted = signalNumber(name);
  if (wanted === undefined) throw new CommandError(`no signal ${name}; names are like SIGSEGV`);
  const toPid = pids(others, console, { to: "pid" });
  return (event) => event["sig"] === wanted && toPid(event);
}

function nothing(words: readonly string[]): undefined {
  if (words.length > 0) throw new CommandError(`nothing is expected behind this event, not '${words.join(" ")}'`);
  return undefined;
}

const READERS: Readonly<Record<CatchKind, FilterReader>> = {
  exception,
  interrupt: (words, console) => number(words, console, "vector"),
  irq: (words, console) => number(words, console, "irq"),
  syscall,
  switch: (words, console) => pids(words, console, { from: "prev", to: "next" }),
  fork: nothing,
  exec: nothing,
  exit: nothing,
  cow: nothing,
  signal,
  softirq: (words, console) => number(words, console, "nr"),
  wakeup: (words, console) => pids(words, console, { of: "pid", by: "by" }),
};

/** Events that can be caught, by name. */
export const CATCHABLE: readonly string[] = Object.keys(READERS);

/** Words that may come next behind an event and what follows it, for completion. */
export function catchWords(text: string): readonly string[] {
  const [event = "", ...words] = text.trim().split(/\s+/);
  switch (event) {
    case "exception":
      return words.length > 0 ? [] : EXCEPTIONS.flatMap((name) => name?.split(" ")[0]?.slice(1).toLowerCase() ?? []);
    case "syscall":
      return words.length > 0 ? [] : Object.keys(syscall_numbers);
    case "signal":
      return words.length > 0 ? ["to"] : [...SIGNAL_NAMES, "to"];
    case "switch":
      return words.length % 2 === 0 ? ["from", "to"] : [];
    case "wakeup":
      return words.length % 2 === 0 ? ["of", "by"] : [];
    default:
      return [];
  }
}

/** @throws CommandError when there is no such event */
export function catchRequest(console: Console, text: string): CatchRequest {
  const [event = "", ...words] = text.split(/\s+/);
  if (!isCatchable(event)) {
    const near = nearNames(event, CATCHABLE);
    const hint = near.length > 0 ? `did you mean ${near.join(", ")}?` : `there are ${CATCHABLE.join(", ")}`;
    throw new CommandError(
      event === "" ? `catch what? There are ${CATCHABLE.join(", ")}` : `no event ${event}; ${hint}`,
    );
  }
  if (!["exception", "interrupt", "irq"].includes(event)) console.guest.kernel(`catch ${event}`);
  const filter = READERS[event](words, console);
  return { kind: "catch", event, ...(filter === undefined ? {} : { filter }) };
}

function isCatchable(name: string): name is CatchKind {
  return Object.hasOwn(READERS, name);
}
