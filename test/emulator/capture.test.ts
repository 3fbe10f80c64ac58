import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootMultiboot } from "../../boot/index.ts";
import {
  Capture,
  type Interleaver,
  Machine,
  RandomInterleaver,
  RoundRobin,
  ScriptedInterleaver,
  SnapshotError,
} from "../../emulator/index.ts";
import { DIST } from "../dist.ts";
import { busyMachine, OPTIONS, same } from "./busy-machine.ts";
import { buildGuest, guestPrograms } from "./guest-program.ts";
import { smpGuest } from "./smp/guest.ts";

const PAGE = 4096;

describe("a machine that is captured, set back, saved and forked at random", () => {
  type Step =
    | { readonly kind: "run"; readonly count: number }
    | { readonly kind: "capture" | "fork" | "reload" }
    | { readonly kind: "restore" | "restore bytes"; readonly which: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("run" as const), count: fc.nat(8000) }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constantFrom("capture" as const, "fork" as const, "reload" as const) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom("restore" as const, "restore bytes" as const),
        which: fc.nat(100),
      }),
    },
  );

  it("is always where a machine is that has only run", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 6, maxLength: 30 }), fc.integer(), (steps, seed) => {
        const fresh = () => busyMachine({ ...OPTIONS, interleaver: new RandomInterleaver(seed | 0) });
        let machine = fresh();
        let position = 0;
        const captures: [position: number, capture: Capture][] = [[0, machine.capture()]];
        for (const next of steps) {
          switch (next.kind) {
            case "run":
              machine.run({ maxInstructions: next.count });
              position += next.count;
              break;
            case "capture":
              captures.push([position, machine.capture()]);
              break;
            case "fork":
              machine = machine.fork();
              break;
            case "reload": {
              const interleaver = new RandomInterleaver(0);
              machine = Machine.restore(machine.save(), { disks: OPTIONS.disks!, interleaver });
              break;
            }
            default: {
              const [at, capture] = captures[next.which % captures.length];
              const base = captures[(next.which >> 2) % captures.length][1];
              if (next.kind === "restore") machine.restore(capture);
              else machine.restore(capture.encode(base), base);
              position = at;
            }
          }
        }
        const expected = fresh();
        expected.run({ maxInstructions: position });
        expect(machine.counters).toEqual(expected.counters);
        expect(same(machine.save(), expected.save())).toBe(true);
        machine.run({ maxInstructions: 2000 });
        expected.run({ maxInstructions: 2000 });
        expect(same(machine.save(), expected.save())).toBe(true);
      }),
      { numRuns: 12 },
    );
  });

  it("on 4 cores under a random interleaver, which is captured too", () => {
    const source = `
boot:	movl $3, %eax
	call start_others
work:	incl counter
	lock; addl $3, counter
	pushl %eax
	xchgl %eax, counter + 4
	popl %eax
	jmp work
.bss
counter: .space 8
`;
    fc.assert(
      fc.property(fc.array(fc.nat(2000), { minLength: 2, maxLength: 6 }), fc.integer(), (lengths, seed) => {
        const { machine } = smpGuest(source, { cpus: 4, interleaver: new RandomInterleaver(seed | 0, 9) });
        const captures = lengths.map((maxInstructions) => {
          machine.run({ maxInstructions });
          return { capture: machine.capture(), at: machine.instructions };
        });
        const end = machine.save();
        const length = machine.instructions;
        for (const { capture, at } of captures.reverse()) {
          machine.restore(capture);
          machine.run({ maxInstructions: length - at });
          expect(same(machine.save(), end)).toBe(true);
        }
      }),
      { numRuns: 10 },
    );
  });
});

describe("the guest programs that check the CPU", () => {
  it.each(guestPrograms)("%s ends the same from wherever it was captured", (name) => {
    const machine = new Machine({ memoryBytes: 32 << 20, cpuHz: 1_000_000 });
    let output = "";
    machine.onSerialOutput = (byte) => (output += String.fromCharCode(byte));
    bootMultiboot(machine, { kernel: buildGuest(name) });
    const captures: { readonly capture: Capture; readonly sent: number }[] = [];
    let stop = machine.run({ maxInstructions: 0 });
    for (let length = 50; stop.kind === "budget"; length = Math.ceil(length * 1.25)) {
      captures.push({ capture: machine.capture(), sent: output.length });
      stop = machine.run({ maxInstructions: length });
    }
    const end = machine.save();
    const all = output;
    for (const index of [0, 3, captures.length >> 1, captures.length - 1]) {
      const { capture, sent } = captures[index];
      machine.restore(capture);
      output = "";
      expect(machine.run()).toEqual(stop);
      expect(output).toBe(all.slice(sent));
      expect(same(machine.save(), end)).toBe(true);
    }
  });
});

describe("a fork", () => {
  it("runs as the other does, and neither notices the other", () => {
    const machine = busyMachine();
    machine.run({ maxInstructions: 20_000 });
    machine.loadRom(Uint8Array.of(1, 2, 3), 0xe0000);
    const twin = machine.fork();
    const before = twin.save();
    machine.run({ maxInstructions: 20_000 });
    expect(same(twin.save(), before)).toBe(true);
    twin.run({ maxInstructions: 20_000 });
    expect(same(twin.save(), machine.save())).toBe(true);
    twin.writePhysical(0x3f0000, Uint8Array.of(7));
    twin.disks[0]!.write(5, new Uint8Array(512).fill(7));
    twin.com1.receive(Uint8Array.of(7));
    expect(machine.readPhysical(0x3f0000, 1)).not.toEqual(Uint8Array.of(7));
    expect(machine.disks[0]!.changes.has(5)).toBe(false);
    expect(same(twin.save(), machine.save())).toBe(false);
  });

  it("has an interleaver of its own, by the same rules", () => {
    const kinds: (() => Interleaver)[] = [
      () => new RoundRobin(7),
      () => new RandomInterleaver(5, 30),
      () => new ScriptedInterleaver([{ core: 1, instructions: 40 }], new RandomInterleaver(9)),
    ];
    for (const make of kinds) {
      const machine = busyMachine({ ...OPTIONS, interleaver: make() });
      machine.run({ maxInstructions: 10_000 });
      const twin = machine.fork();
      expect(twin.interleaver).not.toBe(machine.interleaver);
      machine.run({ maxInstructions: 10_000 });
      twin.run({ maxInstructions: 10_000 });
      expect(same(twin.save(), machine.save())).toBe(true);
    }
    const own: Interleaver = { quantum: 5, next: (runnable) => 31 - Math.clz32(runnable) };
    const machine = new Machine({ interleaver: own });
    expect(() => machine.fork()).toThrow("give the fork an interleaver of its own");
    expect(machine.fork(own).interleaver).toBe(own);
  });
});

describe("a machine with a bridge", () => {
  it("is captured as any other, and keeps its bridge", () => {
    const { machine, word, image } = smpGuest("boot: .byte 0x0f, 0x3f, 7, 0\n jmp boot\n.bss\nsum: .long 0\n");
    const sum = image.symbol("sum");
    machine.attachBridge((core, id) => core.write32(sum, core.read32(sum) + id));
    machine.run({ maxInstructions: 12 });
    const five = machine.capture();
    expect(word("sum")).toBe(35);
    machine.run({ maxInstructions: 10 });
    expect(word("sum")).toBe(70);
    machine.restore(five);
    expect(word("sum")).toBe(35);
    machine.run({ maxInstructions: 10 });
    expect(word("sum")).toBe(70);
    expect(Machine.restore(five).cores[0].hostcall).toBeNull();
  });
});

describe("memory that captures take", () => {
  it("is that of the pages written in between", () => {
    const machine = new Machine({ memoryBytes: 16 << 20 });
    const empty = machine.capture();
    expect(empty.bytesBeyond(null)).toBeLessThan(64 << 10);
    machine.writePhysical(0x100000, new Uint8Array(100 * PAGE).fill(1));
    const hundred = machine.capture();
    expect(hundred.bytesBeyond(empty)).toBe(hundred.state.length + 100 * PAGE);
    machine.writePhysical(0x100800, Uint8Array.of(2));
    const one = machine.capture();
    expect(one.bytesBeyond(hundred)).toBe(one.state.length + PAGE);
    machine.writePhysical(0x100000, new Uint8Array(100 * PAGE));
    const none = machine.capture();
    expect(none.bytesBeyond(one)).toBe(none.state.length);
    machine.restore(hundred);
    expect(machine.capture().bytesBeyond(hundred)).toBe(none.state.length);
  });
});

describe("captures as bytes", () => {
  const machine = busyMachine();
  machine.run({ maxInstructions: 20_000 });
  const base = machine.capture();
  machine.run({ maxInstructions: 3000 });
  const capture = machine.capture();

  it("leave out what a base has", () => {
    const whole = capture.encode();
    const part = capture.encode(base);
    expect(part.length).toBeLessThan(whole.length);
    expect(part.length).toBeLessThan(capture.bytesBeyond(base) + 64 + 4 * 1024);
    expect(same(Capture.decode(part, base).encode(), whole)).toBe(true);
    expect(same(Capture.decode(part, Capture.decode(base.encode())).encode(), whole)).toBe(true);
  });

  it("know the base that they need", () => {
    const part = capture.encode(base);
    expect(() => Capture.decode(part)).toThrow("needs the base with which it was saved, and none is given");
    expect(() => Capture.decode(part, capture)).toThrow("needs the base with which it was saved, and another is given");
    expect(() => Capture.decode(capture.encode(), base)).toThrow("was saved without a base, and one is given");
    expect(() => capture.encode(new Machine().capture())).toThrow(
      "a base of a machine with memoryBytes 33554432; the snapshot is of one with 4194304",
    );
    expect(() => machine.restore(part)).toThrow(SnapshotError);
  });

  it("are refused when they are cut or changed, whatever the place", () => {
    const bytes = capture.encode(base);
    const places = fc.nat(bytes.length - 1);
    fc.assert(
      fc.property(places, (length) => {
        expect(() => Capture.decode(bytes.subarray(0, length), base)).toThrow(SnapshotError);
      }),
    );
    fc.assert(
      fc.property(places, fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = bytes.slice();
        changed[at] ^= change;
        expect(() => Capture.decode(changed, base)).toThrow(SnapshotError);
      }),
    );
    expect(() => Capture.decode(Buffer.concat([bytes, Uint8Array.of(0)]), base)).toThrow(SnapshotError);
  });

  it("go on the same in another process", () => {
    const script = `
      import { createHash } from "node:crypto";
      import { readFileSync } from "node:fs";
      import { Machine } from ${JSON.stringify(pathToFileURL(`${DIST}/emulator.js`).href)};
      const image = Uint8Array.from({ length: 64 * 512 }, (_, index) => index * 7);
      const machine = Machine.restore(readFileSync(0), { disks: [{ image }] });
      machine.run({ maxInstructions: 30_000 });
      console.log(createHash("sha256").update(machine.save()).digest("hex"));
    `;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      input: capture.encode(),
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    machine.restore(capture);
    machine.run({ maxInstructions: 30_000 });
    expect(stdout.trim()).toBe(createHash("sha256").update(machine.save()).digest("hex"));
  });
});
