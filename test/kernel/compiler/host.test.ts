// biome-ignore-all lint/suspicious/noTemplateCurlyInString: texts of programs
/** What hosted code may use of JavaScript, and what it may change: nothing of the host's. */
import { describe, expect, it } from "vitest";
import { type Project, Refusal } from "../../../kernel/compiler/index.ts";
import { CompiledRun, Loadable, PREAMBLE, path_of, project } from "./run.ts";

const before = PREAMBLE.split("\n").length - 1;
const compiler: Project = project();

/** What is said of a text, `LINE:COLUMN: why`. @param others texts that it imports, by their files' names */
function said_of(text: string, others: Readonly<Record<string, string>> = {}): string[] {
  for (const [name, other] of Object.entries(others)) compiler.give(path_of(name), PREAMBLE + other);
  try {
    compiler.compile(path_of("hosted.ts"), PREAMBLE + text);
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.places.map(({ line, column, why }) => `${line - before}:${column}: ${why}`);
  }
}

/** The same of a plain function's body, whose first line is line 1. */
function said_of_plain(body: string, also = ""): string[] {
  return said_of(
    `function plain(n: number, p: { n: number; m: { k: number } }, f: () => number): number {${body}\nreturn n; }
export const g = kernel_function("g", [i32], i32, function* (a) { return plain(a, { n: 1, m: { k: 1 } }, () => 1); });
${also}`,
  );
}

describe("what is different on every host, in every run or outside of the guest is refused", () => {
  it.each([
    ["Math.random", "n = Math.random();", /^1:\d+: `Math.random` in hosted code: .*seed.*kernel_variable/],
    [
      "what Math has by another name",
      "const { random } = Math; n = random();",
      /^1:\d+: `Math.random` in hosted code: .*seed/,
    ],
    ["what Math has by a text", 'n = Math["random"]();', /^1:\d+: `Math.random` in hosted code/m],
    ["Math by another name", "const other = Math; n = other.floor(n);", /^1:\d+: `Math` as a value/],
    ["the last digits of a sine", "n = Math.sin(n);", /^1:\d+: `Math.sin` in hosted code: hosts differ/],
    ["Date", "n = Date.now();", /^1:\d+: `Date` in hosted code: .*jiffies/],
    ["new Date", "n = new Date().getTime();", /^1:\d+: `Date` in hosted code: .*jiffies/],
    ["performance", "n = performance.now();", /^1:\d+: `performance` in hosted code: .*jiffies/],
    ["process", "process.exit(1);", /^1:\d+: `process` in hosted code: .*current\(\)/],
    ["setTimeout", "setTimeout(f, 1);", /^1:\d+: `setTimeout` in hosted code: .*add_timer/],
    ["fetch", 'fetch("/");', /^1:\d+: `fetch` in hosted code: .*nothing but the guest/],
    ["crypto", "n = crypto.getRandomValues(n);", /^1:\d+: `crypto` in hosted code: .*seed/],
    ["globalThis", "n = (globalThis as any).Math.random();", /^1:\d+: `globalThis` is the host's/],
    ["require", 'require("fs");', /^1:\d+: `require` in hosted code/],
    ["import()", 'import("fs");', /^1:\d+: `import\(\)` in hosted code; import at the top/],
    ["import.meta", "n = import.meta.url.length;", /^1:\d+: `import.meta` in hosted code/],
    ["eval", 'eval("1");', /^1:\d+: `eval` in hosted code: .*compiled before it runs/],
    ["Function", 'new Function("return 1");', /^1:\d+: `Function` in hosted code: .*compiled before/],
    [
      "a constructor's constructor",
      'n = (f as any).constructor("return 1")();',
      /^1:\d+: `constructor` in hosted code/m,
    ],
    ["what is of any type", "n = (p as any).go();", /^1:\d+: what this does cannot be seen here/],
    ["the host's locale", "n = `${n}`.localeCompare('a');", /^1:\d+: `localeCompare` in hosted code/],
  ])("%s", (_, body, why) => {
    expect(said_of_plain(body).join("\n")).toMatch(why);
  });

  it("in statements, in macros and in what other files have, too, and nowhere else", () => {
    const said = said_of(
      `import { far, unused } from "./far.ts";
function* macro(body: () => boolean): Steps<void> { if (body()) Math.random(); }
export const g = kernel_function("g", [i32], i32, function* (a) { yield* macro(() => Date.now() > 1); return far(a) + Math.random(); });
export const made = Math.random() + unused();`,
      {
        "far.ts":
          "export function far(n: number): number { return Math.random(); }\nexport function unused(): number { return Math.random(); }",
      },
    );
    expect(said.map((line) => line.replace(/ in hosted code.*/, ""))).toEqual([
      "1:54: `Math.random`",
      "2:70: `Math.random`",
      "3:86: `Date`",
      "3:124: `Math.random`",
    ]);
  });
});

describe("what may not end is refused", () => {
  it.each([
    ["lists of any length", "n = Array.from({ length: 4e9 }).length;", /^1:\d+: `Array` in hosted code: .*push/],
    ["new Array", "n = new Array(4e9).fill(0).length;", /^1:\d+: `Array` in hosted code/],
    [
      "texts of any length",
      'n = "x".repeat(2 ** 29).length;',
      /^1:\d+: `repeat` in hosted code takes a constant of at most 4,096/,
    ],
    [
      "texts of a length that is not known",
      'n = "x".padStart(n).length;',
      /^1:\d+: `padStart` in hosted code takes a constant/,
    ],
    ["lists that double", "let list = [n]; list = [...list, ...list];", /^1:\d+: `\.\.\.` in a list/],
    ["concat", "n = [n].concat([n]).length;", /^1:\d+: `concat` in hosted code: a list is written out/],
    ["copies of lists", "n = [n].slice().length;", /^1:\d+: `slice` in hosted code: a list is written out/],
    ["an iterator taken apart", "const [x] = endless(); n = x;", /^1:\d+: a pattern in `\[…\]` would run an iterator/],
    ["an iterator in a call", "n = Math.max(...endless());", /^1:\d+: `\.\.\.` of what is no list/],
    [
      "a loop over an iterator",
      "for (const x of iterable) n = x;",
      /^1:\d+: this loop would run an iterator of the host's/,
    ],
    [
      "a regular expression",
      'if (/(x+x+)+y/.test("xxxxx")) n = 1;',
      /^1:\d+: a regular expression in hosted code.*charCodeAt/,
    ],
    ["new RegExp", 'n = new RegExp("x").lastIndex;', /^1:\d+: `RegExp` in hosted code/],
    ["big integers", "n = Number(2n ** 400000000n);", /^1:\d+: `2n` in hosted code; .*53 bits/],
    ["branching recursion", "n = fib(n);", /^4:\d+: `fib` comes to be called by itself.*a `function\*`/],
    ["recursion by way of another", "n = even(n);", /^\d:\d+: `(even|odd)` comes to be called by itself/],
    [
      "recursion within",
      "const go = (x: number): number => (x > 0 ? go(x - 1) + go(x - 1) : 0); n = go(n);",
      /^1:\d+: `go` comes to be/,
    ],
    ["recursion of a generator", "for (const x of tree(n)) n += x;", /: `tree` comes to be called by itself/],
    ["a function that gets itself", "n = omega(omega);", /: what this does cannot be seen|: write the function out/],
    ["a function chosen by a number", "n = [fib, even][n](1);", /^1:\d+: what this does cannot be seen here.*switch/],
    [
      "a function by name for each element",
      "n = [n].map(twice)[0];",
      /^1:\d+: write the function out: `\(x\) => twice\(x\)`/,
    ],
    ["many calls, without a loop", "n = f16(n);", /: this comes to more than 10,000 calls .* within one statement/],
  ])("%s", (_, body, why) => {
    const doubling = Array.from(
      { length: 16 },
      (_, i) => `function f${i + 1}(n: number): number { return f${i}(n) + f${i}(n); }`,
    );
    const also = `function fib(n: number): number { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function even(n: number): boolean { return n === 0 || odd(n - 1); }
function odd(n: number): boolean { return n !== 0 && even(n - 1); }
interface Itself { (itself: Itself): number }
function omega(itself: Itself): number { return itself(itself); }
function twice(n: number): number { return 2 * n; }
function* endless(): Generator<number, void, undefined> { for (;;) yield 1; }
function* tree(n: number): Generator<number, void, undefined> { if (n > 0) { yield* tree(n - 1); yield* tree(n - 1); } }
const iterable: Iterable<number> = { [Symbol.iterator]: endless };
function f0(n: number): number { return n; }
${doubling.join("\n")}`;
    expect(said_of_plain(body, also)[0]).toMatch(why);
  });
});

describe("a change of what is on the host is refused", () => {
  const also = `class Counter { static n = 0; m = 0; inc(): number { return ++this.m; } static next(): number { return Counter.n++; } get read(): number { return ++this.m; } }
const counter = new Counter();
const list: number[] = [];
const table: { n: number; inner: number[] } = { n: 1, inner: [] };
const next = (() => { let n = 0; return () => n++; })();
const box = (() => { let n = 0; return { next() { return n++; } }; })();
const handed = { get next(): number { return table.n++; } };
const numbers = (function* () { for (let i = 0; ; i++) yield i; })();
const pattern = /a/g;
function named(): number { return 1; }
namespace named { export let count = 0; }
const text = { toString(): string { return String(table.n++); } };
const held = new Map<number, number>();
const guest = kernel_variable("guest", array(u32, 4));
async function later(): Promise<void> { await null; table.n++; }`;
  it.each([
    ["a static field", "Counter.n++;", /^1:\d+: `Counter` is a variable on the host/],
    ["a static method", "n = Counter.next();", /: `Counter` is a variable on the host/],
    ["a method that counts", "n = counter.inc();", /: `this` has no meaning in hosted code/],
    ["a getter that counts", "n = counter.read;", /: a property that runs code in hosted code; call a function/],
    ["a getter of a constant", "n = handed.next;", /: a property that runs code in hosted code/],
    ["a field of an instance", "counter.m = 1;", /^1:\d+: `counter` is a variable on the host/],
    ["an instance", "n = new Counter().inc();", /: `new Counter` in hosted code: .*use a struct/],
    ["a closure", "n = next();", /^1:\d+: what this does cannot be seen here/],
    ["a closure in an object", "n = box.next();", /: `n` is a variable on the host/],
    ["an iterator", "n = numbers.next().value!;", /^1:\d+: `next` in hosted code: .*`for … of`/],
    ["what a regular expression keeps", 'n = pattern.test("a") ? 1 : 0;', /^1:\d+: `test` in hosted code/],
    ["lastIndex", "pattern.lastIndex = n;", /^1:\d+: /],
    ["an object that a parameter is", "p.n++;", /^1:\d+: `p\.n` is in an object on the host/],
    ["an object within a parameter", "p.m.k = 1;", /^1:\d+: `p\.m\.k` is in an object on the host/],
    ["an object by another name", "const same = table; same.n = 1;", /^1:\d+: `same\.n` is in an object on the host/],
    ["a property of a function", "named.count++;", /^1:\d+: `named` is a variable on the host/],
    ["Object.assign", "Object.assign(table, { n: 2 });", /^1:\d+: `Object` in hosted code/],
    ["Reflect.set", 'Reflect.set(table, "n", 2);', /^1:\d+: `Reflect` in hosted code/],
    ["push in a callback", "[1].forEach(() => list.push(1));", /^1:\d+: `list` is a variable on the host/],
    ["push by another name", "const { push } = list; push(1);", /^1:\d+: `push` in hosted code/],
    [
      "push on what is not always the same",
      "let mine: number[] = []; mine = list; mine.push(1);",
      /^1:\d+: `push` in hosted code/,
    ],
    ["the length of a list", "list.length = 0;", /^1:\d+: `list` is a variable on the host/],
    [
      "the length of its own list",
      "const own = [n]; own.length = 4e9;",
      /^1:\d+: `own\.length`: a list of hosted code grows by `push`/,
    ],
    [
      "an element beyond its own list",
      "const own = [n]; own[4e8] = 1;",
      /^1:\d+: `own\[4e8\]`: a list of hosted code grows/,
    ],
    ["a map", "held.set(n, 1);", /^1:\d+: `held` is a variable on the host/],
    ["a map in a pattern", "[table.n] = [2];", /^1:\d+: `table` is a variable on the host/],
    ["a type said otherwise", "(table as { n: number }).n = 2;", /^1:\d+: `table` is a variable on the host/],
    ["a place whose type is said otherwise", "(table.n as number) = 2;", /^1:\d+: `table` is a variable on the host/],
    ["a place that is said to be there", "table.n!++;", /^1:\d+: `table` is a variable on the host/],
    ["a loop's variable", "for (table.n of [1, 2]) n++;", /^1:\d+: `table` is a variable on the host/],
    ["an object in a text", "n = `${text}`.length;", /^1:\d+: `text` is an object: a text is made of/],
    ["an object in a sum", 'n = ("" + text).length;', /^1:\d+: `text` is an object: arithmetic/],
    ["an object as a number", "n = +(table as never as { n: number });", /^1:\d+: .* is an object: arithmetic/],
    ["a method of a view", "guest.value.set = 1 as never;", /^1:\d+: `guest.value.set` is in an object on the host/],
    ["a control register", "cpu().cr2 = 1 as never;", /^1:\d+: `cpu\(\)\.cr2` is in an object on the host/],
    ["what the run loop counts", "n = cpu().retired;", /^1:\d+: the core has no `retired` that kernel code could see/],
    ["the run loop", "cpu().run(1);", /^1:\d+: the core has no `run` /],
    ["a part of the core by a text", 'n = cpu()["budget"];', /^1:\d+: a part of the core is named: /],
    ["a register that is none", "n = cpu().r[9];", /^1:\d+: the general registers are `r\[0\]` to `r\[7\]`/],
    ["a register by a number", "cpu().r[n] = 1;", /^1:\d+: the general registers are /],
    ["what goes on later", "later();", /: `async` in hosted code: .*wait queue/],
    ["what goes on later, within", "(async () => { await f(); })();", /^1:\d+: `async` in hosted code/],
    ["an object that is thrown", "throw text;", /^1:\d+: what is thrown is written as `new Error/],
  ])("%s", (_, body, why) => {
    expect(said_of_plain(body, also)[0]).toMatch(why);
  });
});

describe("what is hosted code's own is not", () => {
  it.each([
    ["variables, in closures too", "let sum = 0; [1, 2].forEach((x) => { sum += x; n++; }); n = sum;"],
    ["an object that it has made", "const own = { n: 1 }; own.n += n; n = own.n;"],
    ["a list that it has made", "const own: number[] = []; for (let i = 0; i < 3; i++) own.push(i); n = own.pop()!;"],
    ["arithmetic", "n = Math.max(...[n, 2]) + Math.imul(n, 3) + Number.parseInt('ff', 16) + Math.PI;"],
    ["texts", "n = `${n.toString(16).padStart(8, '0')}`.toUpperCase().slice(1).length + 'ab'.repeat(3).charCodeAt(1);"],
    ["functions as parameters", "n = f() + [1, 2].map((x) => x + f()).filter((x) => x > 1).length;"],
    ["views and variables of the guest", "const v = item.at(n); v.n++; v.list.set(0, 1); word.value = 1; [v.n] = [2];"],
    ["registers", "cpu().r[0] = cpu().cr2 | 0; cpu().eip += 4; n = cpu().r[7] + cpu().ports.read8(0x40);"],
    ["tables of the module", "n = table.inner[0] + (held.get(n) ?? 0) + table.run(n) + twice(n);"],
    ["errors", "if (n > 1) throw new RangeError(`${n} is too much`);"],
  ])("%s", (_, body) => {
    const also = `const item = struct("item", { n: i32, list: array(u8, 4) });
const word = kernel_variable("word", u32);
const table = { inner: [1, 2], run: (n: number) => n + 1 };
const twice = (n: number) => 2 * n;
const held = new Map([[1, 2]]);
for (let i = 0; i < 3; i++) { table.inner.push(i); held.set(i, i); }`;
    expect(said_of_plain(body, also)).toEqual([]);
  });
});

describe("what goes on for too long within one statement is an oops", () => {
  const run = (plain: string) => {
    const text = `${PREAMBLE}const counter = kernel_variable("counter", i32);
const numbers = Array.from({ length: 400 }, (_, i) => i);
${plain}
export const g = kernel_function("g", [i32], i32, function* (a) { return plain(a); });`;
    return new CompiledRun(new Loadable(compiler.compile(path_of("run.ts"), text)!.code)).call("g", 3);
  };

  it.each([
    [
      "callbacks within callbacks",
      "function plain(n: number): number { numbers.forEach(() => numbers.forEach(() => { n++; })); return n; }",
      /gone round its loops more than 100,000 times within one statement/,
    ],
    [
      "callbacks without a block",
      "function plain(n: number): number { return numbers.filter(() => numbers.every(() => n > 0)).length; }",
      /gone round its loops more than 100,000 times/,
    ],
    [
      "a text that doubles",
      'function plain(n: number): number { let all = "x"; for (let i = 0; i < 40; i++) all += all; return all.length + n; }',
      /made a text of more than 65,536 characters/,
    ],
    [
      "a text that doubles in a template",
      'function plain(n: number): number { let all = "x"; for (let i = 0; i < 40; i++) all = `${all}${all}`; return all.length + n; }',
      /made a text of more than 65,536 characters/,
    ],
  ])("%s", (_, plain, why) => {
    expect(() => run(plain)).toThrow(why);
  });

  it("and what does not is none", () => {
    expect(
      run(
        'function plain(n: number): number { let all = ""; for (let i = 0; i < 100; i++) all += `${i % 10}` + "x"; return all.length + numbers.map((x) => x + n).filter((x) => x < 10).length; }',
      ).result,
    ).toBe(207);
  });

  it("says what mends a part of an expression that does not fit", () => {
    const plain = `function plain(n: number): number { return n; }
const add = kernel_function("add", [i32], i32, function* (a) { counter.value = 0x7fffffff; return (counter.value += a) / 2; });
export const h = kernel_function("h", [i32], i32, function* (a) { return yield* add(a); });`;
    const text = `${PREAMBLE}const counter = kernel_variable("counter", i32);\n${plain}`;
    const compiled = new CompiledRun(new Loadable(compiler.compile(path_of("fits.ts"), text)!.code));
    expect(() => compiled.call("h", 1)).toThrow(
      /2147483648 does not fit an i32.*`let x: number = .*a part of an expression takes a variable of its own/,
    );
  });
});

describe("names", () => {
  const lib = {
    "lib.ts": `export function* each(n: number): Generator<number, void, undefined> { yield n; }
export function* helper(n: i32): Steps<i32> { return n; }
export function plain(n: number): number { return n; }
export const list = [1, 2];
const orig = struct("orig", { n: i32 });
function* steps(n: i32): Steps<i32> { return n; }
const hidden = kernel_function("hidden", [], i32, function* () { return 1; });
export function view(at: number): ViewOf<typeof orig> { return orig.at(at); }
export { orig as renamed, steps as other, hidden as seen };`,
  };

  it("behind a module imported as a whole are refused with the import that is right", () => {
    const body = [
      "for (const x of lib.each(a)) a = x;",
      "a = yield* lib.helper(a);",
      "a = lib.plain(a);",
      "for (const x of lib.list) a = x;",
    ];
    const said = said_of(
      `import * as lib from "./lib.ts";\nexport const g = kernel_function("g", [i32], i32, function* (a) {\n${body.join("\n")}\nreturn a; });`,
      lib,
    );
    const right = (line: number, column: number, name: string) =>
      `${line}:${column}: \`lib.${name}\` is not found behind \`import * as lib\`; import it by its name: \`import { ${name} } from "./lib.ts"\``;
    expect(said).toEqual([right(3, 17, "each"), right(4, 12, "helper"), right(5, 5, "plain"), right(6, 17, "list")]);
  });

  it("of exports are those that importers use, and what has them is seen by other objects", () => {
    for (const [name, text] of Object.entries(lib)) compiler.give(path_of(name), PREAMBLE + text);
    const user = `import { other, view } from "./lib.ts";
export const g = kernel_function("g", [i32], i32, function* (a) { const p = view(a); yield* other(a); return p.n; });`;
    const { code } = compiler.compile(path_of("user.ts"), PREAMBLE + user)!;
    expect(code).toMatch(/import \{ renamed as (\$\d_orig) \} from "\.\/lib\.ts"/);
    const made = compiler.compile(path_of("lib.ts"), PREAMBLE + lib["lib.ts"])!.code;
    expect(made).toMatch(/\$k\.module\("test\/kernel\/compiler\/lib\.ts", \[.*"steps","hidden"\]\)/);
  });

  it.each([
    ["a table of fields", 'const fields = { n: i32 };\nconst s = struct("s", fields);'],
    ["a struct in an object", 'const o = { s: struct("s", { n: i32 }) };\nconst s = o.s;'],
    ["a struct that a function makes", 'function make() { return struct("s", { n: i32 }); }\nconst s = make();'],
  ])("of structs are found in their declarations, and not by way of %s", (_, declared) => {
    const said = said_of(
      `${declared}\nexport const g = kernel_function("g", [i32], i32, function* (a) { const p = s.at(a); p.n += 1; return p.n; });`,
    );
    expect(said[0]).toMatch(
      /^3:73: `p` is a view of a struct whose declaration is not found from here; .* `const name = struct\("name", \{ … \}\)` at the top level/,
    );
  });
});

describe("a result type that is not declared", () => {
  it.each(["Stepz<void>", "Steps<Missing>"])("%s is said, and crashes nothing", (type) => {
    const text = `${PREAMBLE}function* put(c: u32): ${type} {}
export const g = kernel_function("g", [u32], u32, function* (n) { yield* put(n); return 1; });`;
    expect(() => compiler.check_and_compile(path_of("missing.ts"), text)).toThrow(/Cannot find name '(Stepz|Missing)'/);
  });
});
