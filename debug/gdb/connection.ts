/** One connection of GDB's: packets in, packets out, one at a time. */
import type { DebugSession } from "../session/index.ts";
import { PacketReader, packet } from "./packet.ts";
import { GdbStub, type StubOptions } from "./stub.ts";

/** Packets that may wait while the guest runs; GDB sends hardly one. */
const MOST_WAITING = 64;

/** What a connection is made over. Bytes are characters of code 0 to 255. */
export interface Link {
  write(text: string): void;
  close(): void;
}

/** How a connection ended. */
export type ConnectionEnd =
  /** GDB detached: the guest is to go on without it. */
  | "detached"
  | "killed"
  /** It was told that the guest has ended. */
  | "exited"
  /** Nobody knows: the guest stays where it is. */
  | "lost";

export class Connection {
  /** Called once. */
  onEnd: (end: ConnectionEnd) => void = () => {};
  /** Called with what nobody expected, before `onEnd`. */
  onError: (error: unknown) => void = () => {};
  readonly #reader = new PacketReader();
  readonly #stub: GdbStub;
  readonly #waiting: string[] = [];
  #acknowledges = true;
  #last = "";
  #working = false;
  #end: ConnectionEnd | undefined;

  constructor(
    session: DebugSession,
    options: StubOptions,
    readonly link: Link,
  ) {
    this.#stub = new GdbStub(session, options, (data) => this.#send(data));
  }

  /** Takes bytes from GDB. */
  receive(text: string): void {
    for (const received of this.#reader.push(text)) {
      if (this.#end !== undefined) return;
      switch (received.kind) {
        case "packet":
          if (this.#acknowledges) this.link.write("+");
          this.#waiting.push(received.data);
          break;
        case "damaged":
          if (this.#acknowledges) this.link.write("-");
          break;
        case "resend":
          if (this.#acknowledges && this.#last !== "") this.link.write(this.#last);
          break;
        case "interrupt":
          this.#stub.interrupt();
      }
    }
    if (this.#waiting.length > MOST_WAITING) this.#finish("lost");
    else if (!this.#working) void this.#work();
  }

  /** The other side is gone. */
  lost(): void {
    this.#finish("lost");
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let data = this.#waiting.shift(); data !== undefined; data = this.#waiting.shift()) {
        const reply = await this.#stub.handle(data);
        // The connection may have ended while the guest ran: its last words are for nobody.
        if (this.#end !== undefined) break;
        if (reply !== undefined) this.#send(reply);
        this.#take(reply);
      }
    } catch (error) {
      this.onError(error);
      this.#finish("lost");
    } finally {
      this.#working = false;
      this.#conclude();
    }
  }

  #take(reply: string | undefined): void {
    const { outcome } = this.#stub;
    this.#stub.outcome = undefined;
    if (outcome === "no-ack") this.#acknowledges = false;
    else if (outcome !== undefined) this.#finish(outcome);
    else if (reply?.startsWith("W")) this.#finish("exited");
  }

  #send(data: string): void {
    this.#last = packet(data);
    this.link.write(this.#last);
  }

  #finish(end: ConnectionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#waiting.length = 0;
    this.#stub.interrupt();
    if (!this.#working) this.#conclude();
  }

  /** Leaves the session to others, once nothing of this connection runs in it any more. */
  #conclude(): void {
    if (this.#end === undefined) return;
    this.#stub.breakpoints.clear();
    this.link.close();
    const { onEnd } = this;
    this.onEnd = () => {};
    onEnd(this.#end);
  }
}
