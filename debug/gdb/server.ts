/** Serving a session to GDB over TCP, on the loopback interface only. */
import { createServer, type Server, type Socket } from "node:net";
import type { DebugSession } from "../session/index.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import { packet } from "./packet.ts";
import type { StubOptions } from "./stub.ts";

const LOOPBACK = "127.0.0.1";

/** How long a connection waits for the one before to end, in milliseconds: GDB may have left and come back at once. */
const PATIENCE = 500;
/** And how long one that is refused may take to ask why. */
const LAST_WORDS = 1000;

export interface GdbServerOptions extends StubOptions {
  /** Called when somebody was turned away because a GDB is connected already. */
  readonly onRefused?: (() => void) | undefined;
}

/** How serving ended: with what the last connection said of it. A lost connection does not end it. */
export type GdbServerEnd = Exclude<ConnectionEnd, "lost">;

/**
 * Serves one connection at a time; others are told so and turned away. After a lost one the next finds the guest where it
 * was, also one that comes before the guest has stopped for the last.
 */
export class GdbServer {
  /** Settles when GDB has detached or killed the guest, or the guest has ended; rejected when serving failed. */
  readonly ended: Promise<GdbServerEnd>;
  readonly #server: Server;
  #current: Connection | undefined;
  /** Who comes next when the current one has left, and until when that may be. */
  #next: { readonly socket: Socket; readonly timer: NodeJS.Timeout } | undefined;
  #end: (end: GdbServerEnd) => void = () => {};
  #fail: (error: unknown) => void = () => {};

  constructor(
    readonly session: DebugSession,
    readonly options: GdbServerOptions = {},
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /**
   * @param port of TCP; 0 for any that is free
   * @returns the port
   * @throws Error of Node.js with its `code`, when it cannot be had
   */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, LOOPBACK, () => {
        this.#server.off("error", reject);
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Ends the connection and takes no more. */
  close(): void {
    this.#takeNext()?.destroy();
    this.#current?.lost();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    if (this.#current === undefined) this.#serve(socket);
    else if (this.#next !== undefined) this.#refuse(socket);
    else {
      // It is not read from meanwhile.
      socket.on("error", () => socket.destroy());
      const timer = setTimeout(() => {
        this.#next = undefined;
        this.#refuse(socket);
      }, PATIENCE);
      this.#next = { socket, timer };
    }
  }

  #takeNext(): Socket | undefined {
    const next = this.#next;
    this.#next = undefined;
    clearTimeout(next?.timer);
    return next?.socket;
  }

  /** Answers what GDB asks first with an error that it shows, and hangs up. */
  #refuse(socket: Socket): void {
    this.options.onRefused?.();
    socket.setTimeout(LAST_WORDS, () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end(`+${packet("E.another GDB is connected to this guest already")}`, "latin1"));
  }

  #serve(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    const connection = new Connection(this.session, this.options, {
      write: (text) => {
        if (socket.writable) socket.write(text, "latin1");
      },
      // What was written is sent before.
      close: () => socket.end(),
    });
    this.#current = connection;
    connection.onError = this.#fail;
    connection.onEnd = (end) => {
      this.#current = undefined;
      const next = this.#takeNext();
      if (end === "lost") {
        socket.destroy();
        if (next !== undefined && !next.destroyed) this.#serve(next);
        return;
      }
      next?.destroy();
      this.#server.close();
      this.#end(end);
    };
    socket.on("data", (text) => connection.receive(text as unknown as string));
    socket.on("error", () => connection.lost());
    socket.on("close", () => connection.lost());
  }
}
