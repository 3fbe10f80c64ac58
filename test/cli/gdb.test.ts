/** `--gdb`: what happens around GDB; what GDB sees is tested in test/debug/gdb. */
import { connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { InputError } from "../../cli/io.ts";
import { type MachineCommandOptions, machineCommand } from "../../cli/machine.ts";
import { type RunOptions, runCommand } from "../../cli/run.ts";
import type { TimedHost } from "../../cli/run-host.ts";
import { packet } from "../../debug/gdb/packet.ts";
import { FakeIo } from "./fake-io.ts";
import { shell } from "./input-programs.ts";

const PROGRAM = `
.globl _start
_start:	movl $3, %eax			# read
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $100, %edx
	int $0x80
	movl %eax, %edx
	movl $4, %eax			# write
	movl $1, %ebx
	int $0x80
	movl $1, %eax			# exit
	movl $42, %ebx
	int $0x80
.bss
buffer:	.skip 100
`;

class Guest {
  readonly io: FakeIo;
  output = "";
  interrupt = (): void => {};
  readonly host: TimedHost;
  #wake: () => void = () => {};

  constructor(files: Readonly<Record<string, string | Uint8Array>>, input: readonly string[] = []) {
    this.io = new FakeIo(files);
    const { stderr } = this.io;
    Object.assign(this.io, {
      stderr: (text: string) => {
        stderr(text);
        this.#wake();
      },
    });
    this.host = {
      stdin: {
        chunks: async function* () {
          for (const chunk of input) yield new TextEncoder().encode(chunk);
        },
        release: () => {},
      },
      onInterrupt: (callback) => {
        this.interrupt = callback;
        return () => {};
      },
      now: () => 0,
      breathe: () => new Promise((resolve) => setImmediate(resolve)),
      sleep: async () => {},
      writeOutput: (bytes) => {
        this.output += new TextDecoder().decode(bytes);
        return true;
      },
    };
  }

  run(options: RunOptions = {}): Promise<number> {
    return runCommand("p.S", [], { quiet: true, memory: 8, gdb: 0, ...options }, this.io, this.host);
  }

  machine(options: MachineCommandOptions): Promise<number> {
    return machineCommand({ gdb: 0, ...options }, this.io, this.host);
  }

  /** The port, once it listens. */
  async port(): Promise<number> {
    for (;;) {
      const found = /waiting for GDB: target remote 127\.0\.0\.1:(\d+)\n/.exec(this.io.errors);
      if (found !== null) return Number(found[1]);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends packets, each after the reply to the one before, and then waits for the end of the connection. */
  async send(...packets: readonly string[]): Promise<string> {
    const socket = connect(await this.port(), "127.0.0.1");
    socket.setEncoding("latin1");
    let received = "";
    let left = [...packets];
    const next = () => {
      const [first, ...rest] = left;
      left = rest;
      if (first !== undefined) socket.write(packet(first), "latin1");
    };
    return await new Promise((resolve) => {
      socket.on("connect", next);
      socket.on("data", (text: string) => {
        received += text;
        for (const _ of text.matchAll(/#[0-9a-f]{2}/g)) next();
      });
      socket.on("close", () => resolve(received));
    });
  }
}

describe("esp0 run --gdb", () => {
  it("runs a program to its end, with its input and output, as GDB says", async () => {
    const guest = new Guest({ "p.S": PROGRAM }, ["hello\n"]);
    const status = guest.run();
    expect(await guest.send("?", "vCont;c")).toContain("$W2a#");
    expect([await status, guest.output]).toEqual([42, "hello\n"]);
  });

  it("runs on when GDB detaches", async () => {
    const guest = new Guest({ "p.S": PROGRAM }, ["hello\n"]);
    const status = guest.run();
    expect(await guest.send("D")).toContain("$OK#");
    expect([await status, guest.output]).toEqual([42, "hello\n"]);
  });

  it("ends when GDB kills it, and at Ctrl-C", async () => {
    const killed = new Guest({ "p.S": PROGRAM });
    const status = killed.run();
    await killed.send("k");
    expect([await status, killed.output]).toEqual([130, ""]);
    const interrupted = new Guest({ "p.S": PROGRAM });
    const other = interrupted.run();
    await interrupted.port();
    interrupted.interrupt();
    expect(await other).toBe(130);
  });

  it("has the debugger's commands", async () => {
    const guest = new Guest({ "p.S": PROGRAM });
    const status = guest.run();
    const reply = await guest.send(`qRcmd,${Buffer.from("help step").toString("hex")}`, "k");
    const [, text] = /\$O([0-9a-f]+)#/.exec(reply)!;
    expect(Buffer.from(text, "hex").toString()).toMatch(/^step/);
    await status;
  });

  it("refuses what does not go with it, and a port that is taken", async () => {
    await expect(new Guest({ "p.S": PROGRAM }).run({ stats: true })).rejects.toThrow(
      new InputError("esp0: --stats does not go with --gdb"),
    );
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, "127.0.0.1", () => resolve((taken.address() as { port: number }).port));
    });
    await expect(new Guest({ "p.S": PROGRAM }).run({ gdb: port })).rejects.toThrow(
      new InputError(`esp0: port ${port} cannot be had (--gdb): another program has it`),
    );
    taken.close();
  });
});

describe("a recording under GDB", () => {
  /** Exits with EDI, which is 0 unless GDB says otherwise, after it has sent back a line. */
  const program = PROGRAM.replace("movl $42, %ebx", "movl %edi, %ebx");
  const START = "Z0,8048000,1";

  async function recorded(): Promise<Uint8Array> {
    const guest = new Guest({ "p.S": program }, ["hello\n"]);
    const status = guest.run({ record: "r" });
    await guest.send(START, "vCont;c", "P7=2a000000", "z0,8048000,1", "vCont;c");
    expect([await status, guest.output]).toEqual([42, "hello\n"]);
    return guest.io.readFile("r");
  }

  it("has what GDB changed and what came from standard input, for a replay without GDB", async () => {
    const guest = new Guest({ r: await recorded() });
    const status = await runCommand(undefined, [], { quiet: true, replay: "r" }, guest.io, guest.host);
    expect([status, guest.output, guest.io.errors]).toEqual([42, "hello\n", ""]);
  });

  it("is found by GDB as a future that comes by itself", async () => {
    const guest = new Guest({ r: await recorded() });
    const status = guest.run({ replay: "r" });
    const reply = await guest.send("?", START, "vCont;c", "p7", "z0,8048000,1", "vCont;s:1", "p7", "vCont;c");
    expect(reply).toMatch(/\$2a000000#.*\$2a000000#.*\$W2a#/s);
    expect([await status, guest.output]).toEqual([42, "hello\n"]);
  });

  it("does not have what was taken back by going back in time", async () => {
    const guest = new Guest({ "p.S": program }, ["hello\n"]);
    const status = guest.run({ record: "r" });
    await guest.send(
      START,
      "vCont;c",
      "P7=2a000000",
      "vCont;s:1",
      "bs",
      "bs",
      "vCont;s:1",
      "P7=07000000",
      "z0,8048000,1",
      "c",
    );
    expect([await status, guest.output]).toEqual([7, "hello\n"]);
    const other = new Guest({ r: guest.io.readFile("r") });
    const replayed = await runCommand(undefined, [], { quiet: true, replay: "r" }, other.io, other.host);
    expect([replayed, other.output, other.io.errors]).toEqual([7, "hello\n", ""]);
  });
});

describe("input under GDB", () => {
  it("is given while a job computes in the background", async () => {
    const guest = new Guest({ "p.S": shell(1_000_000) }, ["one\ntwo\n"]);
    const status = guest.run();
    await guest.send("vCont;c");
    expect([await status, guest.output]).toEqual([7, "one\ntwo\ndone\n"]);
  });
});

describe("esp0 machine --gdb", () => {
  const image = assembleBinary("movb $5, %al\noutb %al, $0xf4\n", { file: "image.S", origin: 0x1000 });

  it("runs a machine as GDB says", async () => {
    const guest = new Guest({ image });
    const status = guest.machine({ load: [{ file: "image", address: 0x1000 }], mode: "protected" });
    const reply = await guest.send("vCont;s:1", "p8", "c");
    expect(reply).toContain("$02100000#");
    expect(await status).toBe(11);
  });

  it("refuses what does not go with it", async () => {
    const guest = new Guest({ image });
    const options = { load: [{ file: "image", address: 0x1000 }], serial: "out" };
    await expect(guest.machine(options)).rejects.toThrow(new InputError("esp0: --serial FILE does not go with --gdb"));
  });
});
