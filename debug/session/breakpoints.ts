/** The breakpoints, watchpoints and catchpoints of a session. */
import type { Breakpoint, BreakpointRequest, Condition } from "./types.ts";

const ADDRESS_SPACE = 2 ** 32;

/** A breakpoint with the state that changes. */
export interface BreakpointRecord extends Breakpoint {
  request: BreakpointRequest;
  enabled: boolean;
  hits: number;
  ignore: number;
}

/** Numbered from 1 in the order they are added; numbers are not used again. */
export class Breakpoints {
  readonly #records = new Map<number, BreakpointRecord>();
  #last = 0;

  /** @throws RangeError when an address or a length is none */
  add(request: BreakpointRequest): Breakpoint {
    if (request.kind === "address") checkAddress(request.linear);
    if (request.kind === "watch") {
      const { address, length } = request;
      checkAddress(address);
      if (!Number.isInteger(length) || length < 1) throw new RangeError(`${length} bytes to watch: expected 1 or more`);
      if (address + length > ADDRESS_SPACE) {
        const left = ADDRESS_SPACE - address;
        const end = `addresses end at 0xffffffff, so that there are ${left}`;
        throw new RangeError(`${length} bytes to watch at 0x${address.toString(16).padStart(8, "0")}: ${end}`);
      }
    }
    const number = ++this.#last;
    const record: BreakpointRecord = { number, request, enabled: true, hits: 0, ignore: request.ignore ?? 0 };
    this.#records.set(number, record);
    return record;
  }

  /** @returns false when there is none of that number */
  remove(number: number): boolean {
    return this.#records.delete(number);
  }

  clear(): void {
    this.#records.clear();
  }

  /** @throws RangeError when there is none of that number; so do the others below */
  enable(number: number, enabled: boolean): void {
    this.#record(number).enabled = enabled;
  }

  /** Passes over the next `count` hits. */
  setIgnore(number: number, count: number): void {
    this.#record(number).ignore = count;
  }

  setCondition(number: number, condition: Condition | undefined): void {
    const record = this.#record(number);
    record.request = { ...record.request, condition };
  }

  get(number: number): Breakpoint | undefined {
    return this.#records.get(number);
  }

  /** By number. */
  list(): readonly Breakpoint[] {
    return [...this.#records.values()];
  }

  /** Those that can stop a run. */
  enabled(): readonly BreakpointRecord[] {
    return [...this.#records.values()].filter(({ enabled }) => enabled);
  }

  #record(number: number): BreakpointRecord {
    const record = this.#records.get(number);
    if (record === undefined) {
      const numbers = [...this.#records.keys()].join(", ");
      throw new RangeError(`no breakpoint ${number}; there are ${numbers === "" ? "none" : numbers}`);
    }
    return record;
  }
}

function checkAddress(address: number): void {
  if (!Number.isInteger(address) || address < 0 || address >= ADDRESS_SPACE) {
    throw new RangeError(`address ${address}: expected an integer from 0 to 2^32 - 1`);
  }
}
