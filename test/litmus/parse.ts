/**
 * Litmus tests in the format of herd and litmus (Alglave, Maranget: http://diy.inria.fr/doc/), for X86: a header, information
 * and a comment, initial values, a column of instructions for each processor, and a condition on the final state.
 */

export type Register = "EAX" | "EBX" | "ECX" | "EDX" | "ESI" | "EDI";
export const REGISTERS: readonly Register[] = ["EAX", "EBX", "ECX", "EDX", "ESI", "EDI"];

/** A register, or a constant. */
export type Value = Register | number;

/** What one instruction does. Locations are 32 bits wide. */
export type Instruction =
  | { readonly kind: "load"; readonly register: Register; readonly location: string }
  | { readonly kind: "store"; readonly location: string; readonly value: Value }
  | { readonly kind: "move"; readonly register: Register; readonly value: Value }
  | { readonly kind: "fence"; readonly name: "MFENCE" | "LFENCE" | "SFENCE" }
  | {
      readonly kind: "modify";
      readonly name: "XCHG" | "XADD" | "CMPXCHG" | "ADD" | "INC";
      readonly locked: boolean;
      readonly location: string;
      /** The other operand; 1 for INC. */
      readonly value: Value;
    };

/** Conditions on a final state, which maps `1:EAX` and `x` to values. */
export type State = Readonly<Record<string, number>>;

export interface LitmusTest {
  readonly name: string;
  readonly comment: string;
  /** By processor. */
  readonly threads: readonly (readonly Instruction[])[];
  /** Of registers (`0:EAX`) and locations; all others are 0. */
  readonly initial: State;
  readonly locations: readonly string[];
  /** Whether the file says that a state with `condition` can be: `exists`, else `~exists`. */
  readonly allowed: boolean;
  readonly condition: (state: State) => boolean;
}

/** @throws SyntaxError that says where */
export function parseLitmus(text: string, file: string): LitmusTest {
  const fail = (what: string): never => {
    throw new SyntaxError(`${file}: ${what}`);
  };
  const [, name, rest] = /^X86\s+(\S+)\s*\n([\s\S]*)$/.exec(text) ?? fail("expected `X86 NAME` in the first line");
  const [, head, init, body] = /^([^{]*)\{([^}]*)\}([\s\S]*)$/.exec(rest) ?? fail("expected initial values in { }");
  const [, table, negated, conditions] =
    /^([\s\S]*?)(~?)exists\s*\(([\s\S]*)\)\s*$/.exec(body) ?? fail("expected `exists (…)` or `~exists (…)` at the end");
  const rows = table.split(";").map((row) => row.split("|").map((cell) => cell.trim()));
  const [header, ...lines] = rows.filter((row) => row.some((cell) => cell !== ""));
  if (header === undefined || !header.every((cell, i) => cell === `P${i}`)) fail("expected a row P0 | P1 … ;");
  for (const line of lines)
    if (line.length !== header.length) fail(`expected ${header.length} columns: ${line.join(" | ")}`);
  const threads = header.map((_, i) =>
    lines.flatMap((line) => (line[i] === "" ? [] : [instruction(line[i]) ?? fail(`no instruction: ${line[i]}`)])),
  );
  const initial = Object.fromEntries(equations(init, /;/).map((text) => equation(text) ?? fail(`no value: ${text}`)));
  const wanted = equations(conditions, /\/\\/).map((text) => equation(text) ?? fail(`no condition: ${text}`));
  const named = [
    ...threads.flat().flatMap((each) => ("location" in each ? [each.location] : [])),
    ...[...Object.keys(initial), ...wanted.map(([key]) => key)].filter((key) => !key.includes(":")),
  ];
  return {
    name,
    comment: /"([^"]*)"/.exec(head)?.[1] ?? "",
    threads,
    initial,
    locations: [...new Set(named)].sort(),
    allowed: negated === "",
    condition: (state) => wanted.every(([key, value]) => state[key] === value),
  };
}

function equations(text: string, separator: RegExp): string[] {
  return text
    .split(separator)
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** `0:EAX=1`, `x=1`, `[x]=1`. */
function equation(text: string): [string, number] | undefined {
  const [, thread = "", bracketed, plain, value] = /^(\d+:)?(?:\[(\w+)\]|(\w+))\s*=\s*(\d+)$/.exec(text) ?? [];
  const key = bracketed ?? plain;
  return key === undefined ? undefined : [`${thread}${key}`, Number(value)];
}

function isRegister(text: string): text is Register {
  return (REGISTERS as readonly string[]).includes(text);
}

/** `[x]` is a location, `$1` a constant. */
function operand(text: string): { location: string } | { value: Value } | undefined {
  const location = /^\[(\w+)\]$/.exec(text)?.[1];
  if (location !== undefined) return { location };
  if (isRegister(text)) return { value: text };
  return /^\$\d+$/.test(text) ? { value: Number(text.slice(1)) } : undefined;
}

function instruction(text: string): Instruction | undefined {
  const [, lock, name, rest] = /^(LOCK\s+)?(\w+)\s*(.*)$/.exec(text) ?? [];
  const operands = rest === "" ? [] : rest.split(",").map((each) => operand(each.trim()));
  const [first, second] = operands;
  if (operands.includes(undefined)) return undefined;
  switch (name) {
    case "MFENCE":
    case "LFENCE":
    case "SFENCE":
      return { kind: "fence", name };
    case "MOV":
      if (first === undefined || second === undefined) return undefined;
      if ("location" in first) return "value" in second ? { kind: "store", ...first, ...second } : undefined;
      if (typeof first.value === "number") return undefined;
      return "location" in second
        ? { kind: "load", register: first.value, ...second }
        : { kind: "move", register: first.value, ...second };
    case "INC":
      if (first === undefined || !("location" in first) || second !== undefined) return undefined;
      return { kind: "modify", name, locked: lock !== undefined, location: first.location, value: 1 };
    case "XCHG":
    case "XADD":
    case "CMPXCHG":
    case "ADD": {
      if (first === undefined || second === undefined || !("location" in first) || !("value" in second))
        return undefined;
      if (name !== "ADD" && typeof second.value === "number") return undefined;
      return { kind: "modify", name, locked: lock !== undefined || name === "XCHG", ...first, ...second };
    }
  }
  return undefined;
}

/** What is told apart of final states: registers that instructions write, and all locations. */
export function observed({ threads, locations }: LitmusTest): string[] {
  const registers = threads.flatMap((thread, i) =>
    thread.flatMap((each) => written(each).map((name) => `${i}:${name}`)),
  );
  return [...new Set(registers), ...locations];
}

function written(instruction: Instruction): Register[] {
  switch (instruction.kind) {
    case "load":
    case "move":
      return [instruction.register];
    case "modify":
      if (instruction.name === "CMPXCHG") return ["EAX"];
      return typeof instruction.value === "string" && instruction.name !== "ADD" ? [instruction.value] : [];
    default:
      return [];
  }
}

/** A final state as text, in the order of `observed`. */
export function formatState(names: readonly string[], state: State): string {
  return names.map((name) => `${name}=${state[name] ?? 0};`).join(" ");
}
