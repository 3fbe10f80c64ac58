import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../../asm/index.ts";
import { bootRaw } from "../../../boot/index.ts";
import { Connection, type ConnectionEnd, type StubOptions } from "../../../debug/gdb/index.ts";
import { LONGEST_PACKET, PacketReader, packet, type Received, toHex } from "../../../debug/gdb/packet.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";

const ORIGIN = 0x8000;
/** Address of `counter`. */
const COUNTER = 0x9000;
const COUNT = `
	movl $3, %ecx
loop:
	incl 0x9000
	loop loop
forever:
	jmp forever
`;
/** Of `loop`, behind the movl. */
const LOOP = ORIGIN + 5;

function session(source = COUNT, cpus = 1): DebugSession {
  const bytes = assembleBinary(source, { file: "count.S", origin: ORIGIN });
  return DebugSession.forMachine(() => {
    const machine = new Machine({ memoryBytes: 1 << 20, cpus });
    bootRaw(machine, { images: [{ name: "count", bytes, address: ORIGIN }], mode: "protected" });
    return machine;
  });
}

/** GDB's side of a connection without a network. */
class Client {
  readonly sent: string[] = [];
  end: ConnectionEnd | undefined;
  isClosed = false;
  readonly connection: Connection;
  readonly #reader = new PacketReader();
  readonly #replies: string[] = [];
  #wake: () => void = () => {};

  constructor(session: DebugSession, options: StubOptions = {}) {
    this.connection = new Connection(session, options, {
      write: (text) => {
        this.sent.push(text);
        for (const received of this.#reader.push(text))
          if (received.kind === "packet") this.#replies.push(received.data);
        this.#wake();
      },
      close: () => {
        this.isClosed = true;
      },
    });
    this.connection.onEnd = (end) => {
      this.end = end;
      this.#wake();
    };
  }

  /** The reply to a packet. */
  ask(data: string): Promise<string> {
    this.connection.receive(packet(data));
    return this.reply();
  }

  async reply(): Promise<string> {
    while (this.#replies.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#replies.shift()!;
  }
}

const word = (value: number): string => toHex(new Uint8Array(Uint32Array.of(value).buffer));
const text = (hex: string): string => Buffer.from(hex, "hex").toString();

describe("packets", () => {
  it("have a checksum, and escape what means something to the protocol", () => {
    expect(packet("OK")).toBe("$OK#9a");
    expect(packet("a#b")).toBe("$a}\x03b#43");
  });

  it("arrive whole, whatever they hold and however the stream is cut", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    const contents = fc.string({ unit: byte, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(contents, { maxLength: 5 }), fc.integer({ min: 1, max: 7 }), (packets, size) => {
        const stream = packets.map(packet).join("+");
        const reader = new PacketReader();
        const received: Received[] = [];
        for (let at = 0; at < stream.length; at += size) received.push(...reader.push(stream.slice(at, at + size)));
        expect(received).toEqual(packets.map((data) => ({ kind: "packet", data })));
      }),
    );
  });

  it("that are damaged or too long are refused, and the next one is understood", () => {
    const reader = new PacketReader();
    const long = packet("m".repeat(LONGEST_PACKET + 1));
    expect([...reader.push(`$g#00${long}\x03-$g#67`)]).toEqual([
      { kind: "damaged" },
      { kind: "damaged" },
      { kind: "interrupt" },
      { kind: "resend" },
      { kind: "packet", data: "g" },
    ]);
  });
});

describe("a connection", () => {
  it("acknowledges packets until it is told not to", async () => {
    const client = new Client(session());
    client.connection.receive("$qC#00");
    expect(client.sent).toEqual(["-"]);
    expect(await client.ask("qC")).toBe("QC1");
    expect(client.sent).toEqual(["-", "+", packet("QC1")]);
    client.connection.receive("-");
    expect(client.sent.at(-1)).toBe(packet("QC1"));
    await client.reply();
    expect(await client.ask("QStartNoAckMode")).toBe("OK");
    client.sent.length = 0;
    await client.ask("?");
    client.connection.receive("-");
    expect(client.sent).toEqual([packet("T05thread:1;")]);
  });

  it("says what it can, and nothing to what it does not know", async () => {
    const client = new Client(session());
    const features = (await client.ask("qSupported:swbreak+;hwbreak+")).split(";");
    expect(features).toEqual(
      expect.arrayContaining(["PacketSize=4000", "ReverseStep+", "ReverseContinue+", "swbreak+", "vContSupported+"]),
    );
    for (const unknown of [
      "vMustReplyEmpty",
      "qTStatus",
      "!",
      "vFile:open:x",
      "qXfer:auxv:read::0,10",
      "qSupportedX",
      "",
    ]) {
      expect(await client.ask(unknown)).toBe("");
    }
    expect(await client.ask("vCont?")).toBe("vCont;c;C;s;S");
  });

  it("describes the registers in pieces", async () => {
    const client = new Client(session());
    let description = "";
    for (let more = true; more; ) {
      const piece = await client.ask(`qXfer:features:read:target.xml:${description.length.toString(16)},100`);
      description += piece.slice(1);
      more = piece[0] === "m";
    }
    expect(description).toMatch(
      /<architecture>i386<\/architecture>[\s\S]*org\.gnu\.gdb\.i386\.core[\s\S]*<\/target>\s*$/,
    );
    const bits = [...description.matchAll(/<reg [^>]*bitsize="(\d+)"/g)].map(([, size]) => Number(size));
    expect((await client.ask("g")).length).toBe(bits.reduce((sum, size) => sum + size, 0) / 4);
  });

  it("reads and writes registers", async () => {
    const debugged = session();
    const client = new Client(debugged);
    expect((await client.ask("g")).slice(64, 72)).toBe(word(ORIGIN));
    expect(await client.ask("p8")).toBe(word(ORIGIN));
    expect(await client.ask(`P0=${word(0xdeadbeef)}`)).toBe("OK");
    expect(debugged.registers().eax).toBe(0xdeadbeef);
    const all = await client.ask("g");
    expect(await client.ask(`G${word(5)}${all.slice(8)}`)).toBe("OK");
    expect(debugged.registers().eax).toBe(5);
    for (const wrong of ["p99", "pzz", "P0=12", "P10=00000000", "Gxy"]) expect(await client.ask(wrong)).toBe("E22");
  });

  it("reads the x87's registers", async () => {
    const debugged = session("fninit\nfldpi\nfld1\nnop");
    const client = new Client(debugged);
    await debugged.step(3);
    expect(await client.ask("p10")).toBe("0000000000000080ff3f");
    expect(await client.ask("p11")).toBe("35c26821a2da0fc90040");
    expect(await client.ask("p18")).toBe(word(0x37f));
    expect(await client.ask("p1a")).toBe(word(0x0fff));
    expect(await client.ask("P10=0000000000000080ff3f")).toBe("E22");
  });

  it("reads and writes memory, as far as it is there", async () => {
    const debugged = session();
    const client = new Client(debugged);
    expect(await client.ask("M9000,4:01020304")).toBe("OK");
    expect(await client.ask("m9000,4")).toBe("01020304");
    expect(await client.ask("X9002,2:#\xff")).toBe("OK");
    expect(await client.ask("m9000,4")).toBe("010223ff");
    expect(await client.ask("m9000,ffffffff")).toHaveLength(LONGEST_PACKET - 64);
    expect(await client.ask("Mf0000000,1:00")).toBe("E14");
    for (const wrong of ["m", "mx,1", "M9000,2:00", "M9000,1:0"]) expect(await client.ask(wrong)).toBe("E22");
  });

  it("goes on to breakpoints and watchpoints, and back", async () => {
    const debugged = session();
    const client = new Client(debugged);
    expect(await client.ask(`Z0,${LOOP.toString(16)},1`)).toBe("OK");
    expect(await client.ask("vCont;c:-1")).toBe("T05swbreak:;thread:1;");
    expect(debugged.linearEip()).toBe(LOOP);
    expect(await client.ask(`z0,${LOOP.toString(16)},1`)).toBe("OK");
    expect(await client.ask(`Z2,${COUNTER.toString(16)},4`)).toBe("OK");
    expect(await client.ask("c")).toBe("T05watch:9000;thread:1;");
    expect(await client.ask("m9000,4")).toBe(word(1));
    expect(await client.ask("c")).toBe("T05watch:9000;thread:1;");
    expect(await client.ask("m9000,4")).toBe(word(2));
    expect(await client.ask("bc")).toBe("T05watch:9000;thread:1;");
    expect(await client.ask("m9000,4")).toBe(word(1));
    expect(await client.ask("bs")).toMatch(/^T05.*thread:1;$/);
    expect(debugged.linearEip()).toBe(LOOP);
    expect(await client.ask("bc")).toBe("T05replaylog:begin;thread:1;");
    expect(await client.ask("Z1,8000,1")).toBe("OK");
    expect(await client.ask("Z9,8000,1")).toBe("");
    expect(await client.ask("vCont;s:1;c")).toBe("T05thread:1;");
    expect(await client.ask("?")).toBe("T05thread:1;");
  });

  it("stops at Ctrl-C", async () => {
    const debugged = session();
    const client = new Client(debugged);
    const reply = client.ask("vCont;c");
    setTimeout(() => client.connection.receive("\x03"), 5);
    expect(await reply).toBe("T02thread:1;");
    expect(debugged.position).toBeGreaterThan(8);
  });

  it("shows cores as threads, of which one can go alone", async () => {
    const debugged = session("forever: jmp forever", 2);
    const client = new Client(debugged);
    expect(await client.ask("qfThreadInfo")).toBe("m1,2");
    expect(await client.ask("qsThreadInfo")).toBe("l");
    expect(await client.ask("qXfer:threads:read::0,1000")).toMatch(/^l[\s\S]*id="1" core="0"[\s\S]*id="2" core="1"/);
    expect(text(await client.ask("qThreadExtraInfo,1"))).toBe("CPU 0 stopped");
    expect([await client.ask("T2"), await client.ask("T3"), await client.ask("Hg9")]).toEqual(["OK", "E03", "E03"]);
    expect(await client.ask("Hg2")).toBe("OK");
    expect(await client.ask("qC")).toBe("QC2");
    expect(await client.ask("vCont;s:1")).toBe("T05thread:1;");
    const before = debugged.machine.cores.map(({ instructions }) => instructions);
    expect(before[1]).toBe(0);
  });

  it("passes monitor commands on, with what they print", async () => {
    const lines: string[] = [];
    const client = new Client(session(), {
      monitor: (line) => {
        lines.push(line);
        return "x".repeat(5000);
      },
    });
    client.connection.receive(packet(`qRcmd,${toHex(Buffer.from("ps"))}`));
    let printed = "";
    for (let reply = await client.reply(); reply !== "OK"; reply = await client.reply())
      printed += text(reply.slice(1));
    expect([lines, printed]).toEqual([["ps"], "x".repeat(5000)]);
    expect(await new Client(session()).ask("qRcmd,7073")).toBe("");
  });

  it("leaves the guest as it is when it is lost, without its breakpoints", async () => {
    const debugged = session();
    const client = new Client(debugged);
    await client.ask(`Z0,${LOOP.toString(16)},1`);
    await client.ask("c");
    client.connection.lost();
    expect([client.end, client.isClosed, debugged.linearEip()]).toEqual(["lost", true, LOOP]);
    expect(debugged.breakpoints.list()).toEqual([]);
    expect(await new Client(debugged).ask("p8")).toBe(word(LOOP));
  });

  it("that is lost while the guest runs stops it", async () => {
    const debugged = session();
    const client = new Client(debugged);
    client.connection.receive(packet("c"));
    client.connection.lost();
    while (client.end === undefined) await new Promise((resolve) => setImmediate(resolve));
    expect(await new Client(debugged).ask("?")).toBe("T02thread:1;");
  });

  it.each([
    ["D", "detached"],
    ["k", "killed"],
    ["vKill;1", "killed"],
  ])("ends with %s", (data, end) => {
    const client = new Client(session());
    client.connection.receive(packet(data));
    return expect(new Promise((resolve) => setImmediate(() => resolve(client.end)))).resolves.toBe(end);
  });

  it("survives what is no protocol at all", async () => {
    const letters = "?HTgGpPmMXZzbqQvD!R+-,;:#$}0123456789abcdefvContqSupportedqXfer".split("");
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...letters), maxLength: 40 }), async (data) => {
        fc.pre(!/^[DkcsCSb]|^v(Cont|Kill)|^Q?S/.test(data));
        const client = new Client(session());
        expect(typeof (await client.ask(data))).toBe("string");
      }),
      { numRuns: 60 },
    );
  });

  it("gives the guest the input that it waits for", async () => {
    const debugged = session("cli; hlt");
    let asked = 0;
    const client = new Client(debugged, { input: { wait: async () => {}, give: () => ++asked < 2 } });
    expect(await client.ask("c")).toBe("T11thread:1;");
    expect(asked).toBe(2);
  });
});
