/** The breakpoints and watchpoints that GDB has set in a session. */
import type { BreakpointRequest, DebugSession } from "../session/index.ts";

/** Types of `Z` packets. */
const SOFTWARE_BREAKPOINT = 0;
const HARDWARE_BREAKPOINT = 1;
const WATCHES = { 2: "change", 3: "read", 4: "access" } as const;

/** GDB sets and takes away its breakpoints at every stop; this bounds those of somebody who only sets them. */
const MOST = 4096;

export class GdbBreakpoints {
  /** Numbers in the session by what the packet said. */
  readonly #numbers = new Map<string, number>();
  readonly #hardware = new Set<number>();

  constructor(readonly session: DebugSession) {}

  /**
   * Sets one; what is set already stays.
   * @returns whether there are such; undefined for a type that is not known
   * @throws RangeError when the address or length is none
   */
  insert(type: number, address: number, length: number): boolean | undefined {
    const request = requestOf(type, address, length);
    if (request === undefined) return undefined;
    const key = `${type},${address},${length}`;
    if (this.#numbers.has(key)) return true;
    if (this.#numbers.size >= MOST) return false;
    const { number } = this.session.breakpoints.add(request);
    this.#numbers.set(key, number);
    if (type === HARDWARE_BREAKPOINT) this.#hardware.add(number);
    return true;
  }

  remove(type: number, address: number, length: number): void {
    const key = `${type},${address},${length}`;
    const number = this.#numbers.get(key);
    if (number === undefined) return;
    this.session.breakpoints.remove(number);
    this.#numbers.delete(key);
    this.#hardware.delete(number);
  }

  /** Removes all; those that others have set in the session stay. */
  clear(): void {
    for (const number of this.#numbers.values()) this.session.breakpoints.remove(number);
    this.#numbers.clear();
    this.#hardware.clear();
  }

  /** Whether a breakpoint of the session was set as one of hardware. */
  isHardware(number: number | undefined): boolean {
    return number !== undefined && this.#hardware.has(number);
  }
}

function requestOf(type: number, address: number, length: number): BreakpointRequest | undefined {
  if (type === SOFTWARE_BREAKPOINT || type === HARDWARE_BREAKPOINT) return { kind: "address", linear: address };
  if (type === 2 || type === 3 || type === 4)
    return { kind: "watch", space: "linear", address, length, on: WATCHES[type] };
  return undefined;
}
