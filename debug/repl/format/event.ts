/** A kernel event, interrupt or exception as one line. */
import { signal_constants, syscall_numbers } from "../../../kernel/inspect.ts";
import { describeErrorCode, EXCEPTIONS } from "../../exceptions.ts";
import { hex } from "../../numbers.ts";
import type { SessionEvent, SymbolTable } from "../../session/index.ts";

const syscallNames = new Map(Object.entries(syscall_numbers).map(([name, number]) => [number, name]));
const signalNames = new Map(
  Object.entries(signal_constants)
    .filter(([name, value]) => /^SIG[A-Z0-9]+$/.test(name) && typeof value === "number")
    .map(([name, value]) => [Number(value), name]),
);

/** `SIGSEGV` and the others. */
export const SIGNAL_NAMES: readonly string[] = [...signalNames.values()];

/** Signals go from 1 to this. */
export const LAST_SIGNAL: number = signal_constants._NSIG;

/** The name of a system call without `sys_`. */
export function syscallName(number: number): string | undefined {
  return syscallNames.get(number);
}

/** The number of a signal: `SIGSEGV`, `segv`, `11`; undefined when it is none. */
export function signalNumber(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= LAST_SIGNAL ? Number(text) : undefined;
  const name = text.toUpperCase().replace(/^(SIG)?/, "SIG");
  return [...signalNames].find(([, known]) => known === name)?.[0];
}

/** Fields that are addresses or flags. */
const IN_HEX = /^(address|task|timer|lock|start|(\w+_)?esp|(\w+_)?frame|clone_flags|cr3|code)$/;
const OF_CODE = /^((\w+_)?eip|handler)$/;
const OF_THE_RECORDER: ReadonlySet<string> = new Set(["event", "instruction", "cycle"]);

/** `cow pid=2 address=0x0804a000 old_frame=… copied=1`. */
export function describeEvent(event: SessionEvent, symbols: SymbolTable): string {
  const fields = Object.entries(event)
    .filter(([name]) => !OF_THE_RECORDER.has(name))
    .map(([name, value]) => `${name}=${describeField(event, name, value, symbols)}`);
  return [event.event, ...fields].join(" ");
}

function describeField(event: SessionEvent, name: string, value: number | string, symbols: SymbolTable): string {
  if (typeof value === "string") return value;
  if (OF_CODE.test(name)) return symbols.symbolize(value) === undefined ? hex(value) : symbols.format(value);
  if (IN_HEX.test(name)) return hex(value);
  if (name === "vector") {
    const exception = event.event === "exception" ? EXCEPTIONS[value] : undefined;
    return exception === undefined ? hex(value, 2) : `${value} (${exception})`;
  }
  if (name === "error_code" && event.event === "exception") {
    const meaning = describeErrorCode(Number(event["vector"]), value);
    return `${hex(value, 4)}${meaning === "" ? "" : ` (${meaning})`}`;
  }
  if (name === "nr" && event.event.startsWith("syscall")) return `${value} (${syscallName(value) ?? "unknown"})`;
  if (name === "sig") return `${value} (${signalNames.get(value) ?? "real-time"})`;
  return String(value);
}
