/** What `catch` can catch, and how it is filtered. */
import { didYouMean, nearNames } from "../../../asm/index.ts";
import { PID_MAX, syscall_numbers } from "../../../kernel/inspect.ts";
import { EXCEPTIONS } from "../../exceptions.ts";
import type { CatchKind, CatchRequest, SessionEvent } from "../../session/index.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";
import { LAST_SIGNAL, SIGNAL_NAMES, signalNumber } from "../format/event.ts";

type Filter = (event: SessionEvent) => boolean;

/** The filter that the words behind an event ask for; undefined when there are none. */
type FilterReader = (words: readonly string[], console: Console) => Filter | undefined;

/** The last of the CPU's own vectors, of all vectors, of the bottom halves, and of the pids. */
const LAST_EXCEPTION = 31;
const LAST_VECTOR = 255;
const LAST_BOTTOM_HALF = 31;
const LAST_PID = PID_MAX - 1;
const LAST_NUMBER = 2 ** 32 - 1;

/** A number up to `last` in what is said; undefined when nothing is. */
function number(
  words: readonly string[],
  console: Console,
  { field, last, what = field }: { field: string; last: number; what?: string },
): Filter | undefined {
  if (words.length === 0) return undefined;
  const wanted = console.integer(words.join(" "), what, 0, last);
  return (event) => event[field] === wanted;
}

const shortName = (name: string | undefined) => name?.split(" ")[0]?.replace(/^#/, "").toLowerCase();
/** By vector, of those that have a mnemonic. */
const EXCEPTION_NAMES = EXCEPTIONS.map((name) => (name?.startsWith("#") ? shortName(name) : undefined));
const KNOWN_EXCEPTIONS = EXCEPTION_NAMES.filter((name) => name !== undefined);

function exception(words: readonly string[], console: Console): Filter | undefined {
  const [name, ...others] = words;
  if (name === undefined) return undefined;
  const plain = shortName(name) ?? "";
  const vector = EXCEPTION_NAMES.indexOf(plain);
  if (vector >= 0) {
    nothing(others);
    return (event) => event["vector"] === vector;
  }
  const known = `there are ${KNOWN_EXCEPTIONS.join(", ")}, and vectors up to ${LAST_EXCEPTION}`;
  if (/^#?[a-z]\w*$/i.test(name)) {
    throw new CommandError(`no exception ${name}${didYouMean(nearNames(plain, KNOWN_EXCEPTIONS), ", ")}; ${known}`);
  }
  return number(words, console, { field: "vector", last: LAST_EXCEPTION, what: "vector of an exception" });
}

function irq(words: readonly string[], console: Console): Filter | undefined {
  const last = console.session.machine.ioApic.redirection.length - 1;
  return number(words, console, { field: "irq", last, what: "line" });
}

function syscall(words: readonly string[], console: Console): Filter | undefined {
  const [name, ...others] = words;
  if (name === undefined) return undefined;
  const plain = name.replace(/^sys_/, "");
  // Programs may use numbers that mean nothing.
  if (/^[\d$(]/.test(plain)) return number(words, console, { field: "nr", last: LAST_NUMBER, what: "system call" });
  if (!Object.hasOwn(syscall_numbers, plain)) {
    const near = nearNames(plain, Object.keys(syscall_numbers));
    throw new CommandError(`no system call ${plain}${didYouMean(near, ", ")}`);
  }
  nothing(others);
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
    wanted.push([field, console.integer(pid, "pid", 0, LAST_PID)]);
  }
  return (event) => wanted.every(([field, pid]) => event[field] === pid);
}

function signal(words: readonly string[], console: Console): Filter {
  const [name, ...others] = words;
  if (name === undefined || name === "to") return pids(words, console, { to: "pid" });
  const wanted = signalNumber(name);
  if (wanted === undefined) {
    const near = nearNames(name.toUpperCase().replace(/^(SIG)?/, "SIG"), SIGNAL_NAMES);
    const known = near.length > 0 ? didYouMean(near, ", ") : "; names are like SIGSEGV";
    throw new CommandError(`no signal ${name}${known}, numbers go from 1 to ${LAST_SIGNAL}`);
  }
  const toPid = pids(others, console, { to: "pid" });
  return (event) => event["sig"] === wanted && toPid(event);
}

function nothing(words: readonly string[]): undefined {
  if (words.length > 0) throw new CommandError(`nothing is expected behind this event, not '${words.join(" ")}'`);
  return undefined;
}

const READERS: Readonly<Record<CatchKind, FilterReader>> = {
  exception,
  interrupt: (words, console) => number(words, console, { field: "vector", last: LAST_VECTOR }),
  irq,
  syscall,
  switch: (words, console) => pids(words, console, { from: "prev", to: "next" }),
  fork: nothing,
  exec: nothing,
  exit: nothing,
  cow: nothing,
  signal,
  softirq: (words, console) => number(words, console, { field: "nr", last: LAST_BOTTOM_HALF, what: "bottom half" }),
  wakeup: (words, console) => pids(words, console, { of: "pid", by: "by" }),
};

/** Events that can be caught, by name. */
export const CATCHABLE: readonly string[] = Object.keys(READERS);

/** Words that may come next behind an event and what follows it, for completion. */
export function catchWords(text: string): readonly string[] {
  const [event = "", ...words] = text.trim().split(/\s+/);
  switch (event) {
    case "exception":
      return words.length > 0 ? [] : KNOWN_EXCEPTIONS;
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
