/** `--gdb PORT`: the guest waits for GDB and then runs as GDB says. */
import { GdbServer, type GuestInput, replMonitor, waitsForInput } from "../debug/gdb/index.ts";
import type { SourceTexts } from "../debug/repl/index.ts";
import type { DebugSession, Stop } from "../debug/session/index.ts";
import { LiveFeed } from "./feed.ts";
import { type CommandIo, InputError } from "./io.ts";
import { wantedBytes } from "./machine-run.ts";
import type { Tape } from "./recording/tape.ts";
import type { RunHost } from "./run-host.ts";
import { type InputSource, LONGEST_LINE } from "./standard-input.ts";

/** How a session with GDB ended: where the guest stood, or by whom. */
export type GdbRunEnd = Stop | "killed" | "interrupted";

/** Bytes that the guest sends, passed on when the host has time. */
class Forward {
  readonly #bytes: number[] = [];
  #isDue = false;

  constructor(readonly write: (bytes: Uint8Array) => void) {}

  add(byte: number): void {
    this.#bytes.push(byte);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#isDue = false;
    if (this.#bytes.length > 0) this.write(Uint8Array.from(this.#bytes.splice(0)));
  }
}

/** Standard input: given when the guest waits for it, and while it runs if it wants some. */
class SessionInput implements GuestInput {
  readonly #feed: LiveFeed;

  constructor(session: DebugSession, source: InputSource | undefined) {
    const wanted = () => {
      const { kernel } = session;
      if (kernel === undefined) return wantedBytes(session.machine);
      return kernel.wants_input ? LONGEST_LINE : 0;
    };
    this.#feed = new LiveFeed(source, {
      wants: wanted,
      wantsAtRest: () => (session.kernel === undefined ? wanted() : LONGEST_LINE),
      takesLines: session.kernel !== undefined,
      perform: (action) => {
        // Where a machine rests its serial ports have sent what they held.
        if (session.kernel === undefined && session.stop.reason === "asleep") session.act({ kind: "drain" });
        session.act(action);
      },
    });
    session.onPause = () => this.#feed.look();
  }

  async wait(): Promise<void> {
    await this.#feed.wait();
  }

  give(): boolean {
    return this.#feed.give();
  }

  close(): void {
    this.#feed.close();
  }
}

/** What a session with GDB needs beside the guest. */
export interface GdbRunOptions {
  /** Shows the guest's log. */
  readonly showLog: boolean;
  /** For `monitor`. */
  readonly sources: SourceTexts;
  /** Records what is done to the guest, or does what was recorded before GDB comes. */
  readonly tape: Tape;
}

/** Serves GDB until the guest has ended or nobody wants it any more. @throws InputError when the port cannot be had */
export async function runWithGdb(
  session: DebugSession,
  port: number,
  { showLog, sources, tape }: GdbRunOptions,
  io: CommandIo,
  host: RunHost,
): Promise<GdbRunEnd> {
  const log = new TextDecoder();
  const output = new Forward((bytes) => host.writeOutput(bytes));
  const logged = new Forward((bytes) => io.stderr(log.decode(bytes, { stream: true })));
  session.onOutput(({ stream, byte }) => {
    if (stream === "serial1") output.add(byte);
    else if (stream === "log" && showLog) logged.add(byte);
  });
  await tape.follow(session);
  // GDB finds the guest at its start; what was recorded lies ahead of it.
  if (tape.replays !== undefined) await session.gotoCycle(0);
  const input = new SessionInput(session, tape.replays !== undefined ? undefined : host.stdin);
  const server = new GdbServer(session, {
    input,
    monitor: replMonitor(session, sources),
    onRefused: () => io.stderr("esp0: a GDB was turned away: another is connected already\n"),
  });
  let stopListening = () => {};
  const interrupted = new Promise<"interrupted">((resolve) => {
    stopListening = host.onInterrupt(() => {
      session.interrupt();
      resolve("interrupted");
    });
  });
  try {
    const actual = await listen(server, port);
    io.stderr(`esp0: waiting for GDB: target remote 127.0.0.1:${actual}\n`);
    const end = await Promise.race([server.ended, interrupted]);
    if (end === "killed" || end === "interrupted") return end;
    if (end === "exited") return session.stop;
    return await Promise.race([runAlone(session, input), interrupted]);
  } finally {
    stopListening();
    server.close();
    input.close();
    output.flush();
    logged.flush();
  }
}

async function listen(server: GdbServer, port: number): Promise<number> {
  try {
    return await server.listen(port);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "EADDRINUSE" ? "another program has it" : code === "EACCES" ? "permission denied" : code;
    throw new InputError(`esp0: port ${port} cannot be had (--gdb): ${reason}`);
  }
}

/** After GDB has detached. */
async function runAlone(session: DebugSession, input: GuestInput): Promise<Stop> {
  let stop = await session.continue();
  while (waitsForInput(stop, session)) {
    await input.wait();
    if (!input.give()) break;
    stop = await session.continue();
  }
  return stop;
}
