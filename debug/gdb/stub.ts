/** What answers GDB's packets: the commands of the remote serial protocol, carried out on a session. */
import { CS } from "../../emulator/index.ts";
import type { DebugSession, Stop } from "../session/index.ts";
import type { Conversation, Outcome } from "./conversation.ts";
import { BAD_PACKET, NO_MEMORY, NO_THREAD } from "./errors.ts";
import { GdbBreakpoints } from "./gdb-breakpoints.ts";
import { fromHex, LONGEST_PACKET, toHex } from "./packet.ts";
import { QUERIES } from "./queries.ts";
import { readAllRegisters, readRegister, writeAllRegisters, writeRegister } from "./register-access.ts";
import { resume } from "./resume.ts";
import { stopReply } from "./stop-reply.ts";

const OK = "OK";
/** GDB's words for "no such packet here". */
const UNKNOWN = "";

/** Bytes of memory in one packet: two digits each, with room for the rest of the packet. */
const MOST_MEMORY = LONGEST_PACKET / 2 - 32;

export interface StubOptions {
  /** Carries out a line that the user gave to `monitor`, and returns what it prints. */
  readonly monitor?: ((line: string) => string | Promise<string>) | undefined;
  /** Where input comes from when the guest waits for it. Without it that is a stop. */
  readonly input?: GuestInput | undefined;
}

/** Input for the guest. */
export interface GuestInput {
  /** Settles when there is something to give, or when there will be nothing more. */
  wait(): Promise<void>;
  /** Gives it to the session; false when there is nothing. */
  give(): boolean;
}

/** Whether input could change anything about a stop. */
export function waitsForInput(stop: Stop, session: DebugSession): boolean {
  return stop.reason === "input" || (stop.reason === "asleep" && session.kernel === undefined);
}

/** One conversation with GDB. */
export class GdbStub implements Conversation {
  readonly breakpoints: GdbBreakpoints;
  core: number;
  outcome: Outcome | undefined;
  #wasInterrupted = false;
  #onInterrupt: () => void = () => {};
  #reply: string;

  /** @param send sends a packet that is no reply */
  constructor(
    readonly session: DebugSession,
    readonly options: StubOptions,
    readonly send: (data: string) => void,
  ) {
    this.breakpoints = new GdbBreakpoints(session);
    this.core = session.core;
    this.#reply = this.#replyTo({ ...session.stop, core: session.core });
  }

  get monitor(): Conversation["monitor"] {
    return this.options.monitor;
  }

  /** Ends what runs. */
  interrupt(): void {
    this.#wasInterrupted = true;
    this.session.interrupt();
    this.#onInterrupt();
  }

  /** The answer to a packet; undefined for those that have none. Never throws for what GDB sends. */
  async handle(data: string): Promise<string | undefined> {
    try {
      return await this.#answer(data);
    } catch (error) {
      if (error instanceof RangeError) return BAD_PACKET;
      throw error;
    }
  }

  async run(run: () => Promise<Stop>, isBackward = false): Promise<string> {
    const { session, options } = this;
    this.#wasInterrupted = false;
    let stop = await run();
    while (options.input !== undefined && !isBackward && waitsForInput(stop, session)) {
      const interrupted = new Promise<void>((resolve) => {
        this.#onInterrupt = resolve;
      });
      await Promise.race([options.input.wait(), interrupted]);
      this.#onInterrupt = () => {};
      if (this.#wasInterrupted) stop = { ...stop, reason: "interrupted" };
      else if (options.input.give()) stop = await session.continue();
      else break;
    }
    this.core = stop.core;
    this.#reply = this.#replyTo(stop, isBackward);
    return this.#reply;
  }

  #replyTo(stop: Stop, isBackward = false): string {
    return stopReply(stop, {
      isHardware: this.breakpoints.isHardware(stop.breakpoint?.number),
      isBackward,
      isFlat: this.session.machine.cores[stop.core].segBase(CS) === 0,
    });
  }

  coreOf(thread: string): number | undefined {
    if (!/^(-1|[0-9a-fA-F]{1,8})$/.test(thread)) return undefined;
    const number = Number.parseInt(thread, 16);
    if (number <= 0) return this.core;
    return number <= this.session.machine.cores.length ? number - 1 : undefined;
  }

  async #answer(data: string): Promise<string | undefined> {
    const rest = data.slice(1);
    switch (data[0]) {
      case "?":
        return this.#reply;
      case "H":
        return this.#selectThread(rest);
      case "T":
        return this.coreOf(rest) === undefined ? NO_THREAD : OK;
      case "g":
        return readAllRegisters(this.session, this.core);
      case "G":
        return writeAllRegisters(this.session, this.core, rest) ? OK : BAD_PACKET;
      case "p":
        return readRegister(this.session, this.core, rest) ?? BAD_PACKET;
      case "P":
        return writeRegister(this.session, this.core, rest) ? OK : BAD_PACKET;
      case "m":
        return this.#readMemory(rest);
      case "M":
        return this.#writeMemory(rest, fromHex);
      case "X":
        return this.#writeMemory(rest, (text) => Uint8Array.from(text, (char) => char.charCodeAt(0)));
      case "Z":
      case "z":
        return this.#breakpoint(data[0], rest);
      case "c":
      case "s":
      case "C":
      case "S":
      case "b":
        return (await resume(this, data)) ?? UNKNOWN;
      case "D":
        this.outcome = "detached";
        return OK;
      case "k":
        this.outcome = "killed";
        return undefined;
      case "v":
        return this.#verbose(data);
      case "q":
      case "Q":
        return this.#query(data);
      default:
        return UNKNOWN;
    }
  }

  #selectThread(rest: string): string {
    const core = this.coreOf(rest.slice(1));
    if (core === undefined) return NO_THREAD;
    if (rest[0] === "g") this.core = core;
    return OK;
  }

  async #verbose(data: string): Promise<string | undefined> {
    if (data === "vCont?") return "vCont;c;C;s;S";
    if (data.startsWith("vCont;")) return (await resume(this, data)) ?? BAD_PACKET;
    if (data.startsWith("vKill")) {
      this.outcome = "killed";
      return OK;
    }
    return UNKNOWN;
  }

  #query(data: string): string | undefined | Promise<string | undefined> {
    const found = QUERIES.find(
      ([name]) => data.startsWith(name) && (/\W$/.test(name) || !/^\w/.test(data.slice(name.length))),
    );
    return found === undefined ? UNKNOWN : found[1](this, data.slice(found[0].length));
  }

  #readMemory(rest: string): string {
    const [, from, count] = /^([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,8})$/.exec(rest) ?? [];
    if (from === undefined || count === undefined) return BAD_PACKET;
    const address = Number.parseInt(from, 16);
    const length = Math.min(Number.parseInt(count, 16), MOST_MEMORY);
    return toHex(this.#readable(address, length)) || (length === 0 ? "" : NO_MEMORY);
  }

  /** As much as can be read from an address on. */
  #readable(address: number, length: number): Uint8Array {
    const pages: Uint8Array[] = [];
    for (let at = address, end = address + length; at < end && at < 2 ** 32; ) {
      const next = Math.min(end, 2 ** 32, (Math.floor(at / 4096) + 1) * 4096);
      try {
        pages.push(this.session.readLinear(at, next - at, { core: this.core }));
      } catch (error) {
        if (error instanceof RangeError) break;
        throw error;
      }
      at = next;
    }
    return Uint8Array.from(pages.flatMap((page) => [...page]));
  }

  #writeMemory(rest: string, decode: (text: string) => Uint8Array | undefined): string {
    const [, from, count, text] = /^([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,8}):([\s\S]*)$/.exec(rest) ?? [];
    const bytes = text === undefined ? undefined : decode(text);
    if (from === undefined || bytes === undefined || bytes.length !== Number.parseInt(count, 16)) return BAD_PACKET;
    if (bytes.length === 0) return OK;
    try {
      this.session.writeLinear(Number.parseInt(from, 16), bytes, { core: this.core });
      return OK;
    } catch (error) {
      if (error instanceof RangeError) return NO_MEMORY;
      throw error;
    }
  }

  #breakpoint(packet: "Z" | "z", rest: string): string {
    const [, type, address, length] = /^([0-9]),([0-9a-fA-F]{1,8}),([0-9a-fA-F]{1,8})(;|$)/.exec(rest) ?? [];
    if (type === undefined || address === undefined || length === undefined) return UNKNOWN;
    const place = [Number(type), Number.parseInt(address, 16), Number.parseInt(length, 16)] as const;
    if (packet === "z") {
      this.breakpoints.remove(...place);
      return OK;
    }
    const isSet = this.breakpoints.insert(...place);
    return isSet === undefined ? UNKNOWN : isSet ? OK : BAD_PACKET;
  }
}
