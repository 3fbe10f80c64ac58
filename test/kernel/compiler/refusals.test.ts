// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of programs
import { describe, expect, it } from "vitest";
import { Refusal } from "../../../kernel/compiler/index.ts";
import { PREAMBLE, path_of, project } from "./run.ts";

const shared = `${PREAMBLE}
const node = struct("node", { next: pointer("node"), value: i32, bytes: array(u8, 8) });
const nodes = kernel_variable("nodes", array(node, 8));
const counter = kernel_variable("counter", i32);
const f = kernel_function("f", [i32], i32, function* (a) { return a; });
function length(at: u32): number {
  let n = 0;
  for (let here = at; here !== 0; here = node.at(here).next) n++;
  return n;
}
function indirect(at: u32): number { return length(at) + 1; }
function recursive(at: u32): number { return at === 0 ? 0 : 1 + recursive(node.at(at).next); }
/** @bounded by eight elements */
function bounded(): number {
  let sum = 0;
  for (let i = 0; i < 8; i++) sum += node.at(nodes.value.address_of(i)).value;
  return sum;
}
function with_list(list: readonly number[]): void { list.forEach((at) => { node.at(at).value = 1; }); }
function* walk(at: u32): Generator<number, void, undefined> { for (let here = at; here !== 0; here = node.at(here).next) yield here; }
function counted(at: u32): number { let n = 0; for (const _ of walk(at)) n++; return n; }
function pure(n: number): number { let sum = 0; for (let i = 0; i < n; i++) sum += i; return sum; }
function host_list(): number[] { return [1, 2]; }
function* endless(body: () => Steps<number>): Steps<i32> { return yield* endless(body); }
declare function unknown_text(body: () => boolean): Steps<i32>;
let on_host = 1;
const kept: number[] = [];
const known = new Map<number, { times: number }>();
const table = { limit: 4, inner: [1, 2] };
function count(): number { return ++on_host; }
function remember(a: number): void { known.set(a, { times: 0 }); }
function* recording(at: u32): Generator<number, void, undefined> { kept.push(at); yield at; }
function* counting(body: () => boolean): Steps<i32> { on_host++; while (body()); return 0; }
function remember_deeper(a: number): void { remember(a); }
`;
const before = shared.split("\n").length - 1;
const compiler = project();

/** What is said of the statements of a hosted function: `LINE:COLUMN: why`, lines counted from the function's first. */
function refusals_of(body: string, { head = "function* (a, b)", also = "" } = {}): string[] {
  const text = `${shared}export const g = kernel_function("g", [i32, i32], i32, ${head} {\n${body}\nreturn 0;\n});\n${also}`;
  try {
    compiler.compile(path_of("refused.ts"), text);
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.places.map(({ file, line, column, why }) => {
      expect(file).toBe("test/kernel/compiler/refused.ts");
      return `${line - before - 1}:${column}: ${why}`;
    });
  }
}

const refused: readonly (readonly [what: string, body: string, why: RegExp])[] = [
  [
    "a Set that lives across statements",
    "const seen = new Set<number>();\nseen.add(a);",
    /^1:7: `seen` is of type Set<number> and would have to live across statements/,
  ],
  ["an array", "const list = [a, b];", /^1:7: `list` is of type number\[\]/],
  ["a string", "const text = `${a}`;", /^1:7: `text` is of type string/],
  ["a closure", "const add = (x: number) => x + a;", /^1:7: `add` is of type \(x: number\) => number/],
  ["an ArrayView", "const bytes = node.at(a).bytes;", /^1:7: `bytes` is of type ArrayView<.*read it where it is used/],
  ["an ArrayView in a pattern", "const { bytes } = node.at(a);", /^1:9: `bytes` is of type ArrayView/],
  [
    "two kinds in one variable",
    "let x: number | boolean = a;\nx = a > 1;",
    /^1:5: `x` (holds values of two kinds|is of type)/,
  ],
  ["try", "try { counter.value = 1; } finally { counter.value = 2; }", /^1:1: `try` in hosted code.*check results/],
  [
    "a nested function",
    "function inner() { return 1; }",
    /^1:1: a function within a hosted function.*move it to module level/,
  ],
  ["a class", "class Inner {}", /^1:1: a class within/],
  ["this", "counter.value = (this as never as { x: number }).x;", /^1:18: `this` has no meaning/],
  ["for-in", "for (const key in { a }) counter.value = key.length;", /^1:1: `for \(… in …\)` in hosted code; count/],
  [
    "for-of over a host's list",
    "for (const x of host_list()) counter.value = x;",
    /^1:17: this loop would keep an iterator on the host; loop over a `function\*`/,
  ],
  ["var", "var x = a;", /^1:1: variables of hosted code are declared with `let` or `const`/],
  [
    "a plain function that loops over guest memory",
    "counter.value = length(a);",
    /^1:17: length is a plain function, and loops over guest memory \(test\/kernel\/compiler\/refused\.ts:\d+\).*make it a `function\*`/,
  ],
  ["one that calls such a function", "if (indirect(a) > 1) return 1;", /^1:5: indirect is a plain function/],
  [
    "one that calls itself",
    "counter.value = recursive(a);",
    /: `recursive` comes to be called by itself.*a `function\*`/,
  ],
  ["one that loops by forEach", "with_list([a]);", /^1:1: with_list is a plain function/],
  ["one that iterates over a generator", "counter.value = counted(a);", /^1:17: counted is a plain function/],
  [
    "a list walked within a statement",
    "counter.value = host_list().map((at) => node.at(at).value)[0];",
    /^1:17: this loops over guest memory within one statement/,
  ],
  [
    "a macro without end",
    "return yield* endless(function* () { return 1; });",
    /the expansion of endless \(.*:\d+\) has no end: it uses itself/,
  ],
  [
    "a macro whose text is unknown",
    "return yield* unknown_text(() => a > 1);",
    /^1:15: unknown_text is expanded where it is used, but only its type is known/,
  ],
  [
    "a call without yield*",
    "counter.value = f(a) as never;",
    /^1:17: f is a function in guest memory: call it with `yield\*`/,
  ],
  [
    "spread arguments",
    "return yield* f(...[a] as const);",
    /^1:17: `\.\.\.` in a call on the guest stack; write the arguments out/,
  ],
  [
    "yield* of something else",
    "yield* host_list() as never;",
    /^1:1: `yield\*` takes a call|^1:8: `yield\*` calls kernel functions/,
  ],
  ["an iteration called", "yield* walk(a) as never;", /yields values: iterate over it|`yield\*` takes/],
  ["a variable of the host", "on_host = a;", /^1:1: `on_host` is a variable on the host.*kernel_variable/],
  ["a list of the host that grows", "kept.push(a);", /^1:1: `kept` is a variable on the host.*kernel_variable/],
  ["an element of the host that changes", "table.inner[0] = a;", /^1:1: `table` is a variable on the host/],
  ["a property of the host that changes", "table.limit++;", /^1:1: `table` is a variable on the host/],
  ["a property of the host that goes", "delete (table as { limit?: number }).limit;", /^1:1: `table` is a variable/],
  [
    "what a map of the host holds",
    "known.get(a)!.times = 1;\nknown.clear();",
    /^1:1: `known` is a variable on the host/,
  ],
  ["a plain function that counts on the host", "counter.value = count();", /: `on_host` is a variable on the host/],
  ["a plain function that remembers on the host", "remember_deeper(a);", /: `known` is a variable on the host/],
  [
    "a generator that remembers on the host",
    "for (const at of recording(a)) counter.value = at;",
    /: `kept` is a variable on the host/,
  ],
  ["a macro that counts on the host", "yield* counting(() => a > 1);", /: `on_host` is a variable on the host/],
  ["the host's global object", "(globalThis as any).process.exit(7);", /^1:2: `globalThis` is the host's/],
  ["a call in a case", "switch (a) { case yield* f(1): return 1; }", /^1:19: a call in a `case`; use `if`/],
  [
    "a rest pattern",
    "const [x, ...more] = [a, b];\ncounter.value = x + more.length;",
    /^1:11: only plain names in this pattern/,
  ],
  ["a default in a pattern", "const { value = 3 } = node.at(a);\ncounter.value = value;", /^1:9: only plain names/],
  [
    "a value of the host that is needed behind a change",
    "counter.value = host_list()[counter.value++]!;",
    /^1:17: this value is of type number\[\] .* can: what is called or changed behind it in a statement before this one, keep/,
  ],
  [
    "a local that is assigned",
    "let word = local(node);\nword = node.at(a);",
    /^1:5: a local in the frame cannot be assigned to later/,
  ],
];

describe("the compiler refuses", () => {
  it.each(refused)("%s", (_, body, why) => {
    const said = refusals_of(body);
    expect(said.length).toBeGreaterThan(0);
    expect(said[0]).toMatch(why);
  });

  it("an async function", () => {
    expect(refusals_of("", { head: "async function* (a: number, b: number): any" })[0]).toMatch(
      /`async` in hosted code.*sleep on a wait queue/,
    );
  });

  it.each([
    [
      'export const again = kernel_function("again", [u32], u32, function* (n) { return n < 2 ? n : (yield* again(n - 1)) + 1; });',
      /`again` comes to call itself.*: `function\* \(n\): Steps<number>`$/,
    ],
    [
      'export const again = kernel_function("again", [u32], undefined, function* (n) { const m = yield* again(n); m; });',
      /`again` comes to call itself.*: `function\* \(n\): Steps<void>`$/,
    ],
    [
      "export function* deeper(n: u32) { return n < 2 ? n : (yield* deeper(n - 1)) + 1; }",
      /`deeper` comes to call itself.*: `function\* deeper\(…\): Steps<u32>`/,
    ],
    [
      "export function* odd(n: u32) { return n < 1 ? 0 : yield* even(n - 1); }\nfunction* even(n: u32) { return n < 1 ? 1 : yield* odd(n - 1); }",
      /`odd` comes to call itself/,
    ],
  ])("a recursive function without a declared result: %s", (also, why) => {
    expect(refusals_of("", { also })[0]).toMatch(why);
    const declared = also.replaceAll(
      /(function\*[^(]*\([^)]*\))/g,
      `$1: Steps<${also.includes("undefined") ? "void" : "number"}>`,
    );
    expect(refusals_of("", { also: declared.replace("const m = ", "").replace("; m;", ";") })).toEqual([]);
  });

  it("a function* that steps and is not at module level", () => {
    const also = "export const holder = { *steps(): Steps<number> { return yield* f(2); } };\n";
    const said = refusals_of("", { also });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(/this call is in a `function\*` that is not at module level/);
  });

  const h = 'export const h = kernel_function("h", [u32], i32, function* (flags) { return flags & 1; });\n';
  const fast = h.replace("});", "}, { fastcall: true });");
  it.each([
    [
      "misspelt",
      `/** Sleeps. @context might_slep */\n${h}`,
      /^4:22: `@context`: there is no might_slep; there is any, /,
    ],
    ["misspelt on a line of its own", `/**\n * @context any\n *   irqs_of\n */\n${h}`, /^6:6: .*there is no irqs_of;/],
    ["of nothing", `/** @context */\n${h}`, /^4:5: `@context` is followed by any, /],
    ["with prose behind it", `/** @context any of these */\n${h}`, /^4:18: `@context`: there is no of;/],
    ["said twice", `/**\n * @context any\n * @context in_task\n */\n${h}`, /^6:4: `@context` is .* once/],
    ["with half a condition", `/** @context in_irq if flags */\n${h}`, /^4:5: `@context` is followed by /],
    ["of no parameter", `/** @context in_irq if flag & 1 */\n${h}`, /^4:24: .*the function has no parameter flag/],
    ["of no constant", `/** @context in_irq if flags & MASK */\n${h}`, /^4:32: .*has a constant MASK/],
    ["of a parameter in a register", `/** @context in_irq if flags & 1 */\n${fast}`, /^4:5: .*flags is in a register/],
    [
      "of a macro",
      "/** @context in_task */\nfunction* m(body: () => boolean): Steps<void> { body(); }\n",
      /^4:5: .*no macro/,
    ],
    ["of an iteration", "/** @context in_task */\nfunction* it(): Generator<number> { yield 1; }\n", /^4:5: /],
    [
      "of a plain function, misspelt",
      "/** @context in_tsk */\nexport function plain(): number { return 1; }\n",
      /^4:14: /,
    ],
    [
      "of a plain function in another",
      "function outer(): number {\n/** @context any */\nfunction plain() { return 1; }\nreturn plain();\n}\nouter();\n",
      /^5:5: /,
    ],
    [
      "of no lock",
      `/** @context holds a_lock */\n${h}`,
      /^4:20: .*has a lock a_lock; one in a struct is STRUCT\.FIELD of PARAMETER/,
    ],
    ["of nothing held", `/** @context any holds */\n${h}`, /^4:5: `@context` is followed by /],
    [
      "of no struct",
      `/** @context holds thing.lock of flags */\n${h}`,
      /^4:20: .*has a struct or variable thing with a field lock/,
    ],
    [
      "of a struct without the field",
      `const thing = struct("thing", { word: u32 });\n/** @context holds thing.lock of flags */\n${h}`,
      /^5:20: .*thing with a field lock/,
    ],
    [
      "of a field of nothing",
      `const thing = struct("thing", { lock: u32 });\n/** @context holds thing.lock */\n${h}`,
      /^5:20: .*thing\.lock of which parameter\?/,
    ],
    [
      "of a field of what is no parameter",
      `const thing = struct("thing", { lock: u32 });\n/** @context holds thing.lock of flag */\n${h}`,
      /^5:34: .*no parameter flag/,
    ],
    [
      "of a variable",
      '/** @context in_task */\nexport const v = kernel_variable("v", i32);\n',
      /^4:5: .*nothing would check/,
    ],
  ])("a @context %s", (_, also, why) => {
    const said = refusals_of("", { also });
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(why);
  });

  it("what TypeScript reads otherwise than JavaScript, in TypeScript's words", () => {
    const said = refusals_of("counter.value = +((a + 1) < ((b > (yield* f(a))) ? b : a));");
    expect(said[0]).toMatch(/^1:\d+: '\)' expected/);
  });

  it("every place of a file in one pass, in order", () => {
    const said = refusals_of("const list = [a];\ncounter.value = length(a);\ntry {} finally {}\nconst text = `${b}`;");
    expect(said.map((line) => line.split(":")[0])).toEqual(["1", "2", "3", "4"]);
  });
});

describe("the compiler takes", () => {
  it.each([
    ["a bounded loop of a plain function", "counter.value = bounded();"],
    ["a loop of a plain function that touches no guest memory", "counter.value = pure(a);"],
    [
      "lists and closures within a statement",
      "counter.value = [a, b].map((x) => x + counter.value).filter((x) => x > 1).length;",
    ],
    [
      "a text that is passed on in the same statement",
      "counter.value = `${a}`.length + (yield* f(a));\ncounter.value = 'x'.length;",
    ],
  ])("%s", (_, body) => {
    expect(refusals_of(body)).toEqual([]);
  });

  it.each([
    '/** @context any */\nexport const h = kernel_function("h", [], i32, function* () { return 1; });\n',
    "/**\n * Steps. @context in_task\n *   irqs_enabled\n */\nexport function* h(a: u32): Steps<u32> { return a; }\n",
    "const MASK = 1 << 4;\n/** @context in_irq if a & MASK */\nexport function* h(a: u32): Steps<u32> { return a & MASK; }\n",
    "/** @context in_task irqs_enabled */\nexport function plain(): number { return 1; }\n",
    'const a_lock = kernel_variable("a_lock", u32);\n/** @context in_task holds a_lock for reading if a & 1 */\nexport function* h(a: u32): Steps<u32> { return a + a_lock.value; }\n',
    '/** @context in_irq if a & 0x10 */\nkernel_function("h", [u32], i32, function* (a) { return a & 1; });\n',
    "// a @context in an ordinary comment\nexport const text = '@context nonsense';\n",
  ])("%j", (also) => {
    expect(refusals_of("", { also })).toEqual([]);
  });
});
