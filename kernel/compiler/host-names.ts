/** What hosted code may use of JavaScript: the same on every host, over soon, and without a memory of its own. */

/** Global names. */
export const allowed_globals: ReadonlySet<string> = new Set([
  ...["undefined", "NaN", "Infinity", "isNaN", "isFinite", "parseInt", "parseFloat"],
  ...["Math", "Number", "String", "Boolean", "JSON", "Error", "RangeError", "TypeError"],
]);
/** Those that may only be called, or asked for a member. */
export const namespaces: ReadonlySet<string> = new Set(["Math", "JSON"]);

const lists = [
  ...["at", "every", "filter", "find", "findIndex", "findLast", "findLastIndex", "forEach", "includes", "indexOf"],
  ...["join", "lastIndexOf", "length", "map", "reduce", "reduceRight", "some"],
];
/** Members by the interface of TypeScript's library that declares them. What makes a list calls a function, which is counted. */
export const allowed_members: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries({
    Math: [
      ...["abs", "ceil", "clz32", "floor", "fround", "imul", "max", "min", "round", "sign", "sqrt", "trunc"],
      ...["E", "LN10", "LN2", "LOG10E", "LOG2E", "PI", "SQRT1_2", "SQRT2"],
    ],
    NumberConstructor: [
      ...["EPSILON", "MAX_SAFE_INTEGER", "MAX_VALUE", "MIN_SAFE_INTEGER", "MIN_VALUE", "NaN", "NEGATIVE_INFINITY"],
      ...["POSITIVE_INFINITY", "isFinite", "isInteger", "isNaN", "isSafeInteger", "parseFloat", "parseInt"],
    ],
    Number: ["toString", "toFixed"],
    Boolean: [],
    StringConstructor: ["fromCharCode"],
    String: [
      ...["at", "charAt", "charCodeAt", "codePointAt", "endsWith", "includes", "indexOf", "lastIndexOf", "length"],
      ...["padEnd", "padStart", "repeat", "slice", "startsWith", "substring", "toLowerCase", "toString", "toUpperCase"],
      ...["trim", "trimEnd", "trimStart"],
    ],
    JSON: ["stringify"],
    Array: lists,
    ReadonlyArray: lists,
    Map: ["get", "has", "size"],
    ReadonlyMap: ["get", "has", "size"],
    Set: ["has", "size"],
    ReadonlySet: ["has", "size"],
    Error: ["message", "name"],
  }).map(([name, members]) => [name, new Set(members)]),
);

/** Methods that make a text as long as they are told. */
export const lengthening: ReadonlySet<string> = new Set(["padEnd", "padStart", "repeat"]);
export const LONGEST_TEXT = 4096;

/** Methods of a list that the function itself has made. */
export const list_changing: ReadonlySet<string> = new Set(["push", "pop"]);

/** Methods of lists, maps and sets that change them. */
export const changing_members: ReadonlySet<string> = new Set([
  ...["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin"],
  ...["set", "add", "delete", "clear"],
]);

const TIME = "time in the kernel is counted in ticks: `jiffies.value`";
const LATER = "a timer_list and add_timer() call a function later";
const NOTHING_OUTSIDE = "hosted code has nothing but the guest";
const NO_TEXT_AS_CODE = "what a kernel runs is compiled before it runs";
const WRITTEN_OUT = "a list is written out, `[a, b]`, and grows by `push` in the function that has made it";
const IN_GUEST_MEMORY = "what it holds belongs in guest memory: `kernel_variable` or `local` with `array(…)`";

/** What is said of names that are mistaken for something a kernel has. */
const instead: Readonly<Record<string, string>> = {
  console: "printk() writes to the kernel's log",
  process: "`current()` is the task that runs",
  Buffer: "bytes are in guest memory: `memory()`, `kernel_variable`",
  setTimeout: LATER,
  setInterval: LATER,
  setImmediate: LATER,
  queueMicrotask: LATER,
  Promise: "there is no event loop to wait in; sleep on a wait queue",
  Date: TIME,
  performance: TIME,
  Temporal: TIME,
  Intl: "what it gives is different on every host",
  fetch: NOTHING_OUTSIDE,
  require: NOTHING_OUTSIDE,
  WebAssembly: NOTHING_OUTSIDE,
  Worker: NOTHING_OUTSIDE,
  Atomics: "the kernel's locks and irq flags are in guest memory",
  crypto: "a kernel does the same in every run; keep the seed of a generator in a kernel_variable",
  eval: NO_TEXT_AS_CODE,
  Function: NO_TEXT_AS_CODE,
  Array: WRITTEN_OUT,
  Map: IN_GUEST_MEMORY,
  Set: IN_GUEST_MEMORY,
  WeakMap: IN_GUEST_MEMORY,
  WeakSet: IN_GUEST_MEMORY,
  ArrayBuffer: IN_GUEST_MEMORY,
  DataView: IN_GUEST_MEMORY,
  Object: "fields of structs are in guest memory; tables are made when the module is loaded",
  Reflect: "fields of structs are read and written by their names",
  Proxy: "fields of structs are read and written by their names",
  RegExp: "compare characters: `startsWith`, `includes`, `charCodeAt`",
  BigInt: "numbers of hosted code are integers of up to 53 bits",
  Symbol: "a number tells things apart, too",
};

/** What there is instead of a name of the host's; undefined for names that no host has. */
export function instead_of_global(name: string): string | undefined {
  if (Object.hasOwn(instead, name)) return instead[name];
  return /^(Big)?(Ui|I)nt\d+(Clamped)?Array$|^Float\d+Array$|^SharedArrayBuffer$/.test(name)
    ? IN_GUEST_MEMORY
    : undefined;
}

const instead_of_members: Readonly<Record<string, string>> = {
  "Math.random": "a kernel does the same in every run; keep the seed of a generator in a kernel_variable",
  "Math.log2": "`31 - Math.clz32(n)` is that of a whole number",
  "Math.pow": "`1 << n`, or multiply",
  "ArrayConstructor.from": WRITTEN_OUT,
  "String.replace": "compare and cut: `startsWith`, `indexOf`, `slice`",
  "String.replaceAll": "compare and cut: `startsWith`, `indexOf`, `slice`",
  "String.split": "compare and cut: `startsWith`, `indexOf`, `slice`",
  "String.concat": "texts are put together in templates or with `+`",
  "Function.call": "call the function by its name",
  "Function.apply": "call the function by its name",
  "Function.bind": "call the function by its name",
};

/** What there is instead of a member of the host's. */
export function instead_of_member(owner: string, name: string): string {
  const known = instead_of_members[`${owner.replace(/^Callable|^Newable|^Readonly/, "")}.${name}`];
  if (known !== undefined) return known;
  if (owner === "Math") return "hosts differ in its last digits; use whole numbers";
  if (/Iterator|Generator/.test(owner)) return "an iterator is on the host; loop over the `function*` with `for … of`";
  if (owner === "Array" || owner === "ReadonlyArray") return WRITTEN_OUT;
  if (/Array|Map|Set/.test(owner)) return IN_GUEST_MEMORY;
  return "docs/hosted-code.md says what of JavaScript there is";
}
