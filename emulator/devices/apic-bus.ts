import {
  type ApicMessenger,
  DELIVERY,
  deliveryMode,
  LEVEL_ASSERT,
  LEVEL_TRIGGERED,
  LOGICAL_DESTINATION,
} from "./apic-message.ts";
import type { LocalApic } from "./local-apic.ts";

/** Physical destination that means all local APICs; IDs have four bits on the bus of the P6 family. */
const PHYSICAL_BROADCAST = 15;
const PHYSICAL_ID_MASK = 15;
const NOBODY = -1;

/**
 * The APIC bus of the P6 family (Intel SDM 3A 10.6 and 10.7). It takes no time: a message has arrived when the
 * instruction that caused it ends.
 */
export class ApicBus implements ApicMessenger {
  /** The local APICs, by core number. */
  readonly #apics: LocalApic[] = [];
  /** Called with the vector when a local APIC finished a level triggered interrupt. */
  onEndOfInterrupt: ((vector: number) => void) | null = null;

  attach(apic: LocalApic): void {
    this.#apics.push(apic);
  }

  send(message: number, destination: number): boolean {
    let targets = 0;
    for (let i = 0; i < this.#apics.length; i++) {
      if (isAddressed(this.#apics[i], message, destination)) targets |= 1 << i;
    }
    return this.#deliver(message, targets);
  }

  broadcast(message: number, excluded: number): boolean {
    return this.#deliver(message, ((1 << this.#apics.length) - 1) & ~excluded);
  }

  endOfInterrupt(vector: number): void {
    this.onEndOfInterrupt?.(vector);
  }

  /** @param targets bit mask of local APICs */
  #deliver(message: number, targets: number): boolean {
    const mode = deliveryMode(message);
    if (mode === DELIVERY.INIT && (message & LEVEL_TRIGGERED) !== 0 && (message & LEVEL_ASSERT) === 0) {
      // INIT level de-assert is for everybody and interrupts nobody.
      for (const apic of this.#apics) apic.resetArbitrationId();
      return true;
    }
    if (mode === DELIVERY.LOWEST_PRIORITY) {
      const winner = this.#arbitrate(message, targets);
      return winner !== NOBODY && this.#apics[winner].receive(message);
    }
    let accepted = false;
    for (let i = 0; i < this.#apics.length; i++) {
      if ((targets & (1 << i)) !== 0 && this.#apics[i].receive(message)) accepted = true;
    }
    return accepted;
  }

  /**
   * Who takes a lowest-priority message (SDM 3A 10.6.2.4): the focus processor, which has that vector already, else
   * the lowest arbitration priority; among equals the highest arbitration ID, which then becomes the lowest.
   */
  #arbitrate(message: number, targets: number): number {
    let winner = NOBODY;
    let lowest = 0;
    let rank = 0;
    for (let i = 0; i < this.#apics.length; i++) {
      const apic = this.#apics[i];
      if ((targets & (1 << i)) === 0 || !apic.softwareEnabled) continue;
      if (apic.isFocusOf(message)) return i;
      const priority = apic.arbitrationPriority;
      const better = priority < lowest || (priority === lowest && apic.arbitrationId > rank);
      if (winner !== NOBODY && !better) continue;
      winner = i;
      lowest = priority;
      rank = apic.arbitrationId;
    }
    if (winner !== NOBODY) {
      for (const apic of this.#apics) {
        if (apic.arbitrationId < rank) apic.arbitrationId++;
      }
      this.#apics[winner].arbitrationId = 0;
    }
    return winner;
  }
}

function isAddressed(apic: LocalApic, message: number, destination: number): boolean {
  if ((message & LOGICAL_DESTINATION) !== 0) return apic.hasLogicalId(destination);
  const id = destination & PHYSICAL_ID_MASK;
  return id === PHYSICAL_BROADCAST || id === apic.id;
}
