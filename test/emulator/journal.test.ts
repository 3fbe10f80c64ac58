import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { bootRaw } from "../../boot/index.ts";
import { type Action, type Entry, Journal, Machine, perform, serialTarget } from "../../emulator/index.ts";

/** Adds up, for ever, what comes on COM1 and from the keyboard, a word of memory and EBX. */
const PROGRAM = assembleBinary(
  `
1:	movw $0x3fd, %dx
	inb %dx, %al
	testb $1, %al
	jz 2f
	movw $0x3f8, %dx
	inb %dx, %al
	movzbl %al, %eax
	addl %eax, %ecx
2:	inb $0x64, %al
	testb $1, %al
	jz 3f
	inb $0x60, %al
	movzbl %al, %eax
	addl %eax, %ecx
3:	movw $0x3fe, %dx
	inb %dx, %al
	movzbl %al, %eax
	addl %eax, %esi
	addl 0x8000, %ecx
	addl %ebx, %ecx
	jmp 1b
`,
  { file: "sum.S", origin: 0x10000 },
);

function machine(): Machine {
  const made = new Machine({ memoryBytes: 1 << 20 });
  bootRaw(made, { images: [{ name: "sum", bytes: PROGRAM, address: 0x10000 }], mode: "protected" });
  return made;
}

const ACTIONS: readonly Action[] = [
  { kind: "input", bytes: Uint8Array.of(1, 2, 255) },
  { kind: "key", name: "a", down: true },
  { kind: "register", name: "ebx", value: 3, core: 0 },
  { kind: "key", name: "a", down: false },
  { kind: "memory", physical: 0x8000, bytes: Uint8Array.of(7, 0, 0, 0) },
  { kind: "close-input" },
  { kind: "drain" },
];

/** Runs to the end, doing what the journal has. */
function replay(on: Machine, journal: Journal, end: number): Uint8Array {
  const target = serialTarget(on);
  journal.performDue(target);
  while (on.cycles < end) {
    on.run({ untilCycle: Math.min(end, journal.due) });
    journal.performDue(target);
  }
  return on.save();
}

describe("a journal", () => {
  const END = 600_000;

  /** What was done at uneven moments, and the state in the end. */
  function original(): { journal: Journal; end: Uint8Array } {
    const journal = new Journal();
    const on = machine();
    ACTIONS.forEach((action, i) => {
      on.run({ maxInstructions: 12_345 + i * 17_891 });
      perform(serialTarget(on), action);
      journal.add(on.cycles, action);
    });
    on.run({ untilCycle: END });
    return { journal, end: on.save() };
  }

  it("gives the same run again, bit for bit", () => {
    const { journal, end } = original();
    journal.rewind();
    expect(Buffer.from(replay(machine(), journal, END)).equals(end)).toBe(true);
  });

  it.each(ACTIONS.map((action, i) => [action.kind, i] as const).filter(([kind]) => kind !== "drain"))(
    "is another run without its %s (%i)",
    (_, left) => {
      const { journal, end } = original();
      const without = new Journal(journal.entries.filter((__, i) => i !== left));
      expect(Buffer.from(replay(machine(), without, END)).equals(end)).toBe(false);
    },
  );

  it("goes on from a state that was saved on the way", () => {
    const { journal, end } = original();
    const on = machine();
    journal.rewind();
    const middle = journal.entries[3].cycle;
    const saved = replay(on, journal, middle);
    replay(on, journal, END);
    on.restore(saved);
    journal.rewind(4);
    expect(journal.last).toBe(journal.entries[3]);
    expect(Buffer.from(replay(on, journal, END)).equals(end)).toBe(true);
  });

  it("forgets a future that will not be", () => {
    const entries: Entry[] = [10, 20, 20, 30].map((cycle) => ({ cycle, action: { kind: "drain" } }));
    const journal = new Journal(entries);
    journal.rewind(3);
    journal.add(25, { kind: "close-input" });
    expect(journal.entries).toEqual([...entries.slice(0, 3), { cycle: 25, action: { kind: "close-input" } }]);
    expect(journal.due).toBe(Number.POSITIVE_INFINITY);
    journal.rewind(1);
    expect(journal.due).toBe(20);
    journal.forget();
    expect(journal.entries).toEqual(entries.slice(0, 1));
  });
});
