/**
 * Which final states x86-TSO allows, from its definition (Sewell and others, CACM 53, 2010, section 3.1), written down here a
 * second time so that the machine is compared with something: threads of reads, writes, fences and locked operations on a
 * memory, with a store buffer each; without buffers it is sequential consistency.
 */
import { formatState, type Instruction, type LitmusTest, observed, type Register, type Value } from "./parse.ts";

type Registers = Readonly<Partial<Record<Register, number>>>;
type Memory = Readonly<Record<string, number>>;

/** An action that happens at once, or a few of them in a row with others' in between. */
type Action =
  | {
      readonly kind: "read";
      readonly location: string;
      readonly after: (registers: Registers, value: number) => Registers;
    }
  | { readonly kind: "write"; readonly location: string; readonly value: (registers: Registers) => number }
  | { readonly kind: "registers"; readonly after: (registers: Registers) => Registers }
  | { readonly kind: "fence" }
  /** Both at once, with the buffer empty. */
  | {
      readonly kind: "locked";
      readonly location: string;
      readonly after: (registers: Registers, value: number) => { registers: Registers; stored: number };
    };

interface Thread {
  readonly at: number;
  readonly registers: Registers;
  /** The oldest first. */
  readonly buffer: readonly (readonly [location: string, value: number])[];
}

interface Configuration {
  readonly threads: readonly Thread[];
  readonly memory: Memory;
}

/** Register that no program has: what an instruction has read on its way to what it writes. */
const READ = "READ" as Register;

function resolved(value: Value, registers: Registers): number {
  return typeof value === "number" ? value : (registers[value] ?? 0);
}

/** What a read-modify-write leaves behind. */
function modify(
  { name, value }: Extract<Instruction, { kind: "modify" }>,
  registers: Registers,
  old: number,
): { registers: Registers; stored: number } {
  const other = resolved(value, registers);
  const replaced = typeof value === "string" ? { ...registers, [value]: old } : registers;
  switch (name) {
    case "XCHG":
      return { registers: replaced, stored: other };
    case "XADD":
      return { registers: replaced, stored: old + other };
    case "CMPXCHG":
      if ((registers.EAX ?? 0) === old) return { registers, stored: other };
      return { registers: { ...registers, EAX: old }, stored: old };
    default:
      return { registers, stored: old + other };
  }
}

function actions(instruction: Instruction): Action[] {
  switch (instruction.kind) {
    case "load": {
      const { register, location } = instruction;
      return [{ kind: "read", location, after: (registers, value) => ({ ...registers, [register]: value }) }];
    }
    case "store": {
      const { location, value } = instruction;
      return [{ kind: "write", location, value: (registers) => resolved(value, registers) }];
    }
    case "move": {
      const { register, value } = instruction;
      return [{ kind: "registers", after: (all) => ({ ...all, [register]: resolved(value, all) }) }];
    }
    case "fence":
      return instruction.name === "MFENCE" ? [{ kind: "fence" }] : [];
    case "modify": {
      const { location, locked } = instruction;
      if (locked) return [{ kind: "locked", location, after: (registers, old) => modify(instruction, registers, old) }];
      return [
        { kind: "read", location, after: (registers, value) => ({ ...registers, [READ]: value }) },
        { kind: "write", location, value: (registers) => modify(instruction, registers, registers[READ] ?? 0).stored },
        { kind: "registers", after: (registers) => modify(instruction, registers, registers[READ] ?? 0).registers },
      ];
    }
  }
}

/** What a thread reads: the youngest store of its buffer, else memory. */
function read({ buffer }: Thread, memory: Memory, location: string): number {
  return buffer.findLast(([stored]) => stored === location)?.[1] ?? memory[location] ?? 0;
}

function act(action: Action, thread: Thread, memory: Memory, buffered: boolean): [Thread, Memory] | undefined {
  const at = thread.at + 1;
  switch (action.kind) {
    case "read": {
      const value = read(thread, memory, action.location);
      return [{ ...thread, at, registers: action.after(thread.registers, value) }, memory];
    }
    case "write": {
      const value = action.value(thread.registers);
      if (!buffered)
        return [
          { ...thread, at },
          { ...memory, [action.location]: value },
        ];
      return [{ ...thread, at, buffer: [...thread.buffer, [action.location, value]] }, memory];
    }
    case "registers":
      return [{ ...thread, at, registers: action.after(thread.registers) }, memory];
    case "fence":
      return thread.buffer.length > 0 ? undefined : [{ ...thread, at }, memory];
    case "locked": {
      if (thread.buffer.length > 0) return undefined;
      const { registers, stored } = action.after(thread.registers, memory[action.location] ?? 0);
      return [
        { ...thread, at, registers },
        { ...memory, [action.location]: stored },
      ];
    }
  }
}

/** The final states that a memory model allows, as text. */
export function allowedStates(test: LitmusTest, model: "sc" | "tso"): Set<string> {
  const programs = test.threads.map((thread) => thread.flatMap(actions));
  const names = observed(test);
  const seen = new Set<string>();
  const results = new Set<string>();
  const initialOf = (thread: number): Registers =>
    Object.fromEntries(
      Object.entries(test.initial).flatMap(([key, value]) =>
        key.startsWith(`${thread}:`) ? [[key.slice(2), value]] : [],
      ),
    );
  const pending: Configuration[] = [
    {
      threads: programs.map((_, i) => ({ at: 0, registers: initialOf(i), buffer: [] })),
      memory: Object.fromEntries(test.locations.map((location) => [location, test.initial[location] ?? 0])),
    },
  ];
  for (let now = pending.pop(); now !== undefined; now = pending.pop()) {
    const key = JSON.stringify(now);
    if (seen.has(key)) continue;
    seen.add(key);
    const { threads, memory } = now;
    const go = (i: number, thread: Thread, to: Memory) =>
      pending.push({ threads: threads.with(i, thread), memory: to });
    let isFinal = true;
    for (const [i, thread] of threads.entries()) {
      const [oldest, ...younger] = thread.buffer;
      if (oldest !== undefined) go(i, { ...thread, buffer: younger }, { ...memory, [oldest[0]]: oldest[1] });
      const next = programs[i][thread.at];
      const after = next === undefined ? undefined : act(next, thread, memory, model === "tso");
      if (after !== undefined) go(i, ...after);
      isFinal &&= oldest === undefined && next === undefined;
    }
    if (!isFinal) continue;
    const registers = threads.flatMap((thread, i) =>
      Object.entries(thread.registers).map(([name, value]) => [`${i}:${name}`, value] as const),
    );
    results.add(formatState(names, { ...memory, ...Object.fromEntries(registers) }));
  }
  return results;
}
