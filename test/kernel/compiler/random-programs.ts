/** Random hosted functions over the whole language, as text. Their loops end, and their numbers stay small. */
import fc from "fast-check";

/** What they call and change. */
export const SURROUNDINGS = `
import { kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { array, i8, i16, i32, struct, u8, u16, u32, type ViewOf } from "../../../kernel/host/types.ts";
const log = kernel_variable("log", array(u32, 4096));
const log_length = kernel_variable("log_length", u32);
function note(value: number): number {
  if (log_length.value < 4000) {
    log.value.set(log_length.value, value);
    log_length.value = log_length.value + 1;
  }
  return value;
}
const inner = struct("inner", { half: i16, word: u16, large: u32 });
const cell = struct("cell", { value: i32, small: i8, byte: u8, inner });
const kept = kernel_variable("kept", cell);
const cells = kernel_variable("cells", array(cell, 4));
const counter = kernel_variable("counter", i32);
function cell_at(i: number): ViewOf<typeof cell> { return cell.at(cells.value.address_of(i & 3)); }
function maybe(i: number): ViewOf<typeof cell> | undefined { return i & 1 ? cell_at(i) : undefined; }
function plain(a: number, b: number): number { return (a * 3 + b) % 1009; }
const loud = kernel_function("loud", [i32], i32, function* (value) { note(value); return value; });
const bump = kernel_function("bump", [i32], i32, function* (by) { counter.value = (counter.value + by) % 5003; return counter.value; });
const three = kernel_function("three", [i32, i32, i32], i32, function* (a, b, c) { note(a); return (a * 7 + b * 5 + c) % 2003; });
function* helper(a: i32, flag: boolean, b: i32 = 3): Steps<i32> { if (flag) return yield* loud(a); return (a - b) % 3001; }
function* is_odd(a: i32): Steps<boolean> { return (a & 1) === 1; }
function* find(i: i32): Steps<ViewOf<typeof cell> | undefined> { return maybe(i); }
function* range(from: number, to: number): Generator<number, void, undefined> { for (let i = from; i < to; i++) yield i; }
function* evens(to: number): Generator<number, void, undefined> { for (const i of range(0, to)) { if (i % 2 === 1) continue; yield i; } }
function* until(condition: () => boolean): Steps<i32> { let turns = 0; while (!condition() && turns < 3) { turns++; yield* loud(turns); } return turns; }
function* steps_until(condition: () => Steps<boolean>): Steps<i32> { let turns = 0; for (;;) { if (yield* condition()) return turns; if (++turns > 2) break; } return -1; }
const table = [3, 1, 2] as const;
`;

const variables = ["v0", "v1", "v2", "a", "b", "c"];
const places = [
  ...["counter.value", "here.value", "here.small", "here.byte", "here.inner.half", "here.inner.word"],
  ...["other.value", "other.inner.half", "cell_at(v0).value", "cell_at(v1).inner.word"],
  ...["cell.at(here.address).small", "inner.at(other.inner.address).half", "kept.value.byte", "kept.value.inner.word"],
];
const number = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.constantFrom(0, 1, 2, 1000, -1000)).map(String);
const variable = fc.constantFrom(...variables);
const place = fc.constantFrom(...places);

const { expression, condition } = fc.letrec<{ expression: string; condition: string; leaf: string }>((tie) => ({
  leaf: fc.oneof(number, variable, variable, place),
  expression: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    tie("leaf"),
    fc
      .tuple(tie("expression"), fc.constantFrom("+", "-"), tie("expression"))
      .map(([a, o, b]) => `((${a} ${o} ${b}) % 10007)`),
    fc
      .tuple(tie("expression"), fc.constantFrom("&", "|", "^"), tie("expression"))
      .map(([a, o, b]) => `((${a} ${o} ${b}) % 10007)`),
    tie("expression").map((a) => `(yield* loud(${a}))`),
    tie("expression").map((a) => `(yield* bump(${a}))`),
    fc
      .tuple(tie("expression"), tie("expression"), tie("expression"))
      .map(([a, b, c]) => `(yield* three(${a}, ${b}, ${c}))`),
    fc.tuple(tie("expression"), tie("condition")).map(([a, b]) => `(yield* helper(${a}, ${b}))`),
    fc
      .tuple(tie("expression"), tie("condition"), tie("expression"))
      .map(([a, b, c]) => `(yield* helper(${a}, ${b}, ${c}))`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `plain(${a}, ${b})`),
    fc.tuple(tie("condition"), tie("expression"), tie("expression")).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie("expression"), fc.constantFrom("&&", "||"), tie("expression")).map(([a, o, b]) => `(${a} ${o} ${b})`),
    fc.tuple(variable, tie("expression")).map(([v, a]) => `(${v} = ${a} % 5003)`),
    fc
      .tuple(variable, fc.constantFrom("^=", "|=", "&="), tie("expression"))
      .map(([v, o, a]) => `((${v} ${o} ${a}) % 5003)`),
    fc
      .tuple(variable, fc.constantFrom("||=", "&&="), tie("expression"))
      .map(([v, o, a]) => `((${v} ${o} ${a}) % 5003)`),
    fc.tuple(place, fc.constantFrom("^=", "|="), tie("expression")).map(([v, o, a]) => `((${v} ${o} ${a}) % 5003)`),
    fc.tuple(variable, fc.constantFrom("++", "--")).map(([v, o]) => `(${v}${o})`),
    fc.tuple(place, fc.constantFrom("++", "--")).map(([v, o]) => `(${o}${v})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `(${a}, ${b})`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `\`\${${a}}|\${${b}}\`.length`),
    fc.tuple(tie("expression"), tie("expression")).map(([a, b]) => `[${a}, ${b}][1]`),
    tie("expression").map((a) => `((yield* find(${a}))?.value ?? 7)`),
    fc
      .tuple(tie("expression"), tie("expression"))
      .map(([a, b]) => `(maybe(${a}) ?? (yield* find(${b})) ?? cell_at(1)).value`),
    tie("expression").map((a) => `(- ${a})`),
    fc.tuple(tie("expression"), place).map(([a, p]) => `((other = cell_at(${a})), ${p})`),
    fc.constantFrom(
      "(here.inner.address - other.address)",
      "(here.inner.large % 977)",
      "(kept.value.inner.address - kept.address)",
    ),
    tie("condition").map((a) => `((yield* until(() => v0 > 3 || v1++ > 5)) * +(${a}))`),
    tie("condition").map((a) => `(yield* steps_until(function* () { v2++; return ${a}; }))`),
  ),
  condition: fc.oneof(
    { depthSize: "small", maxDepth: 3 },
    fc
      // Not "<": what stands between it and a ">(" behind it TypeScript takes for type arguments.
      .tuple(tie("expression"), fc.constantFrom(">=", ">", "===", "!==", "<="), tie("expression"))
      .map(([a, o, b]) => `${a} ${o} ${b}`)
      .map((a) => `(${a})`),
    tie("condition").map((a) => `!${a}`),
    fc.tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition")).map(([a, o, b]) => `(${a} ${o} ${b})`),
    tie("expression").map((a) => `(yield* is_odd(${a}))`),
  ),
}));

const { block } = fc.letrec<{ statement: string; block: string }>((tie) => {
  const body = tie("block").map((b) => `{ ${b} }`);
  return {
    statement: fc.oneof(
      { depthSize: "small", maxDepth: 3 },
      fc.tuple(variable, expression).map(([v, e]) => `${v} = ${e} % 5003;`),
      expression.map((e) => `note(${e});`),
      expression.map((e) => `${e};`),
      fc.tuple(place, fc.constantFrom("+=", "-=", "=", "||=", "&&="), expression).map(([p, o, e]) => `${p} ${o} ${e};`),
      fc.tuple(place, fc.constantFrom("++", "--")).map(([p, o]) => `${p}${o};`),
      fc.tuple(fc.constantFrom("here", "other", "kept.value"), expression).map(([p, e]) => `${p}.inner.large = ${e};`),
      fc.tuple(condition, body).map(([c, b]) => `if (${c}) ${b}`),
      fc.tuple(condition, body, body).map(([c, b, d]) => `if (${c}) ${b} else ${d}`),
      fc.tuple(condition, body).map(([c, b]) => `{ let turns = 0; while (turns++ < 3 && ${c}) ${b} }`),
      fc.tuple(condition, body).map(([c, b]) => `{ let turns = 0; do ${b} while (++turns < 3 && ${c}); }`),
      fc.tuple(expression, body).map(([e, b]) => `for (let i = 0, n = ${e}; i < (n & 3); i++) ${b}`),
      body.map(
        (b) =>
          `for (const v0 of range(1, 4)) { let v1 = v0; ${b.replaceAll(/(?<!let )\bv0( [\^|&]{1,2}=| =|\+\+|--)/g, "v1$1")} }`,
      ),
      body.map((b) => `for (const e of evens(4)) { note(e); ${b} }`),
      body.map((b) => `for (const e of table) { note(e); ${b} }`),
      fc
        .tuple(expression, body, body, body)
        .map(([e, x, y, z]) => `switch (${e} & 3) { case 0: ${x} default: ${y} break; case 2: ${z} }`),
      body.map((b) => `block: { ${b.replaceAll("block", "block_")} if (v0 > v1) break block; note(v2); }`),
      body.map((b) => `{ let v0 = v1; v0++; ${b} note(v0); }`),
      expression.map((e) => `if (v0 === v1) return ${e};`),
      fc.constantFrom("if (counter.value % 3 === 0) LEAVE;", "if (v1 % 3 === 0) LEAVE;"),
    ),
    block: fc.array(tie("statement"), { minLength: 1, maxLength: 4 }).map((all) => all.join("\n")),
  };
});

/** The text of a function `NAME(a, b, c)`. @param leave what the places say at which a loop may be left */
function written(name: string, body: string, leaves: readonly string[]): string {
  let n = 0;
  // Only what stands in a loop may leave it: everything does.
  const text = body.replaceAll("LEAVE", () => leaves[n++ % leaves.length]);
  return `export const ${name} = kernel_function("${name}", [i32, i32, i32], i32, function* (a, b, c) {
  let v0 = a, v1 = 1, v2 = -b;
  const here = cell_at(c);
  let other = cell_at(b);
  all: for (let round = 0; round < 2; round++) {
    ${text}
  }
  return (v0 + v1 * 3 + v2 * 5) % 10007;
});
`;
}

/** A module of functions `f0`, `f1`, …. */
export function random_module(seed: number, count: number): string {
  const bodies = fc.sample(fc.array(block, { minLength: 2, maxLength: 4 }), { seed, numRuns: count });
  return (
    SURROUNDINGS +
    bodies
      .map((parts, i) => written(`f${i}`, parts.join("\n"), ["break", "continue", "continue all", "break all"]))
      .join("\n")
  );
}
