/**
 * What comes into a machine from outside, each thing with the cycle at which it came. Nothing else can make two runs of
 * the same machine differ: one that is given its journal again repeats itself, bit for bit.
 */
import type { KeyName } from "./devices/keyboard-keys.ts";
import type { Machine } from "./machine.ts";
import type { RegisterName } from "./named-registers.ts";

/** Something done to a machine from outside. */
export type Action =
  /** Bytes for the first serial port. */
  | { readonly kind: "input"; readonly bytes: Uint8Array }
  /** No more of them will come. */
  | { readonly kind: "close-input" }
  /** The serial ports send what they hold, as they do at the end of a run. */
  | { readonly kind: "drain" }
  | { readonly kind: "key"; readonly name: KeyName; readonly down: boolean }
  /** A level of an IRQ line, as a device would drive it. */
  | { readonly kind: "irq"; readonly irq: number; readonly level: boolean }
  /** See `Machine.onlyCore`. */
  | { readonly kind: "only-core"; readonly core: number | null }
  | { readonly kind: "register"; readonly name: RegisterName; readonly value: number; readonly core: number }
  | { readonly kind: "memory"; readonly physical: number; readonly bytes: Uint8Array };

/** An action, and the cycle at which it was done: after the events of that cycle, before its instruction. */
export interface Entry {
  readonly cycle: number;
  readonly action: Action;
}

/** A machine, and what it means on it to have input and to have no more of it. */
export interface JournalTarget {
  readonly machine: Machine;
  input(bytes: Uint8Array): void;
  closeInput(): void;
}

/** A machine with nothing on it that its host knows: the end of input is a carrier that drops. */
export function serialTarget(machine: Machine): JournalTarget {
  return {
    machine,
    input: (bytes) => machine.com1.receive(bytes),
    closeInput: () => machine.com1.setCarrier(false),
  };
}

/** Does an action now. @throws RangeError for registers, cores, keys and memory that are not there */
export function perform(target: JournalTarget, action: Action): void {
  const { machine } = target;
  switch (action.kind) {
    case "input":
      target.input(action.bytes);
      break;
    case "close-input":
      target.closeInput();
      break;
    case "drain":
      machine.com1.drain();
      machine.com2.drain();
      break;
    case "key":
      if (action.down) machine.keyboard.press(action.name);
      else machine.keyboard.release(action.name);
      break;
    case "irq":
      machine.setIrq(action.irq, action.level);
      break;
    case "only-core":
      machine.onlyCore = action.core;
      break;
    case "register":
      machine.setRegister(action.name, action.value, action.core);
      break;
    case "memory":
      machine.writePhysical(action.physical, action.bytes);
      break;
  }
}

/** A list of entries in the order of their cycles, and how far it has been done. */
export class Journal {
  readonly #entries: Entry[];
  /** The first entry that has not been done yet. */
  #next = 0;

  /** @param entries in the order of their cycles; none of them done yet */
  constructor(entries: Iterable<Entry> = []) {
    this.#entries = [...entries];
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Cycle of the next entry, up to which the machine may run; Infinity when all are done. */
  get due(): number {
    return this.#entries[this.#next]?.cycle ?? Number.POSITIVE_INFINITY;
  }

  /** Number of entries that have been done. */
  get done(): number {
    return this.#next;
  }

  /** The entry that was done last. */
  get last(): Entry | undefined {
    return this.#entries[this.#next - 1];
  }

  /** Adds what has just been done. Entries that have not been done yet are forgotten: that future will not be. */
  add(cycle: number, action: Action): void {
    this.forget();
    this.#entries.push({ cycle, action });
    this.#next++;
  }

  /** Forgets what has not been done yet. */
  forget(): void {
    this.#entries.length = this.#next;
  }

  /** Does what is due at the cycle where the machine stands. */
  performDue(target: JournalTarget): void {
    while (this.due <= target.machine.cycles) perform(target, this.#entries[this.#next++].action);
  }

  /** The machine is as it was when this many entries had been done; with none, as it was made. */
  rewind(done = 0): void {
    this.#next = done;
  }
}
