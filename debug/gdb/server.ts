/** Serving a session to GDB over TCP, on the loopback interface only. */
import { createServer, type Server, type Socket } from "node:net";
import type { DebugSession } from "../session/index.ts";
import { Connection, type ConnectionEnd } from "./connection.ts";
import type { StubOptions } from "./stub.ts";

const LOOPBACK = "127.0.0.1";

export type GdbServerOptions = StubOptions;

/** How serving ended: with what the last connection said of it. A lost connection does not end it. */
export type GdbServerEnd = Exclude<ConnectionEnd, "lost">;

/** Serves one connection at a time; others are turned away. After a lost one the next finds the guest where it was. */
export class GdbServer {
  /** Settles when GDB has detached or killed the guest, or the guest has ended; rejected when serving failed. */
  readonly ended: Promise<GdbServerEnd>;
  readonly #server: Server;
  #current: Connection | undefined;
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
    this.#current?.lost();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    if (this.#current !== undefined) {
      socket.destroy();
      return;
    }
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
      if (end === "lost") socket.destroy();
      else {
        this.#server.close();
        this.#end(end);
      }
    };
    socket.on("data", (text) => connection.receive(text as unknown as string));
    socket.on("error", () => connection.lost());
    socket.on("close", () => connection.lost());
  }
}
