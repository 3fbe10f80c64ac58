// biome-ignore-all lint: forms that nobody would write are what is tested
// biome-ignore-all assist: as above
/** Little functions, one for every form of control flow and of expressions, for differential.test.ts. Each takes (a, b, c). */
import {
  asm_function,
  call_pointer,
  kernel_function,
  kernel_table,
  kernel_variable,
  local,
  type Steps,
} from "../../../kernel/host/declarations.ts";
import { memory } from "../../../kernel/host/memory.ts";
import { array, i8, i16, i32, pointer, struct, u8, u16, u32, type ViewOf } from "../../../kernel/host/types.ts";

const log = kernel_variable("log", array(u32, 256));
const log_length = kernel_variable("log_length", u32);

function note(value: number): number {
  log.value.set(log_length.value, value);
  log_length.value += 1;
  return value;
}

const inner = struct("inner", { first: i32, second: u16 });
const node = struct("node", {
  next: pointer("node"),
  value: i32,
  small: i8,
  byte: u8,
  half: i16,
  inner,
  unsigned: u32,
});
const nodes = kernel_variable("nodes", array(node, 8));
/** Fields that are called as those of a kernel variable are, in a struct within a struct. */
const named = struct("named", { before: u16, value: inner, type: u32 });
const outer_named = struct("outer_named", { first: i32, value: i32, type: u32, named });
const names = kernel_variable("names", outer_named);
const counter = kernel_variable("counter", i32);
const unsigned = kernel_variable("unsigned", u32);
const head = kernel_variable("head", pointer("node"));

export const fields_named_as_of_variables = kernel_function(
  "fields_named_as_of_variables",
  [i32, i32, i32],
  i32,
  function* (a, b, c) {
    const all = names.value;
    const within = all.named;
    all.value = a;
    all.type = b >>> 0;
    within.value.first = c;
    within.value.second = a & 0xffff;
    outer_named.at(all.address).named.type = (b ^ c) >>> 0;
    note(within.value.address - all.address);
    note(names.value.value + (yield* loud(within.value.first)));
    names.value.named.value.first++;
    return all.value + names.value.named.value.second + within.value.first + (named.at(within.address).type | 0);
  },
);

const other_names = kernel_variable("other_names", outer_named);
const both_names = [names, other_names] as const;
const reversed = struct("reversed", { value: i32, first: i32 });
function type_for(n: number): typeof outer_named | typeof reversed {
  return counter.value === n ? outer_named : reversed;
}
export const chosen_structs = kernel_function("chosen_structs", [i32, i32, i32], i32, function* (a, b, c) {
  counter.value = b;
  (a > 3 ? names : other_names).value.first = a;
  both_names[b & 1].value.value = c;
  names.value.first += yield* loud(type_for(c).at(names.address).first);
  note((a > 3 ? outer_named : reversed).at(names.address).value);
  note(both_names[a & 1].value.first + type_for(b).at(other_names.address).value);
  return names.value.first + other_names.value.first;
});

/** A call on the guest stack that tells that it was made. */
const loud = kernel_function("loud", [i32], i32, function* (value) {
  note(value);
  return value;
});
const twice = asm_function("twice", [i32], i32);

function node_at(i: number): ViewOf<typeof node> {
  return node.at(nodes.value.address_of(i));
}

/** A list of n nodes with values 1…n. */
function* make_list(n: i32): Steps<void> {
  head.value = 0;
  for (let i = n; i > 0; i--) {
    const made = node_at(i - 1);
    made.next = head.value;
    made.value = i;
    head.value = made.address;
  }
}

function* for_each_node(): Generator<ViewOf<typeof node>, void, undefined> {
  let at = head.value;
  while (at !== 0) {
    const here = node.at(at);
    at = here.next;
    yield here;
  }
}

function* range(from: number, to: number, step = 1): Generator<number, void, undefined> {
  for (let i = from; i < to; i += step) yield i;
}

function* odd_values(): Generator<number, void, undefined> {
  for (const each of for_each_node()) {
    if (each.value % 2 === 0) continue;
    if (each.value > 6) return;
    yield each.value;
  }
}

// ---- Branches ----

export const if_else = kernel_function("if_else", [i32, i32, i32], i32, function* (a, b, c) {
  let result: i32 = 0;
  if (a < b) result = 1;
  else if (a === b) {
    result = 2;
    if (c > 0) result = yield* loud(3);
  } else {
    result = 4;
  }
  if ((yield* loud(a)) > (yield* loud(b))) note(100);
  if (!(yield* loud(c))) note(101);
  return result;
});

export const early_return = kernel_function("early_return", [i32, i32, i32], i32, function* (a, b, c) {
  if (a > 5) return -1;
  for (let i = 0; i < 10; i++) {
    if (i === b) return yield* loud(i);
    while (c > 0) {
      c--;
      if (c === 2) return 77;
    }
  }
  return 0;
});

export const no_braces = kernel_function("no_braces", [i32, i32, i32], i32, function* (a, b, c) {
  let n = 0;
  if (a)
    if (b) n = 1;
    else n = 2;
  for (;;) if (n++ > c) break;
  do n--;
  while (n > a);
  return n;
});

export const switches = kernel_function("switches", [i32, i32, i32], i32, function* (a, b) {
  let seen = 0;
  switch (yield* loud(a)) {
    // @ts-expect-error: it falls through
    case 0:
      seen += 1;
    case 1:
      seen += 10;
      break;
    // @ts-expect-error: it falls through
    default:
      seen += 100;
    // @ts-expect-error: it falls through
    case 2:
      seen += 1000;
      if (b === 1) break;
      seen += 10000;
    case 3: {
      const more = yield* loud(5);
      seen += more;
    }
  }
  switch (b) {
    case 1:
      return seen;
  }
  for (let i = 0; i < 3; i++) {
    switch (i) {
      case 1:
        continue;
      case 2:
        seen++;
        break;
      default:
        seen += 2;
    }
    note(i);
  }
  switch (b + 1) {
    case counter.value + 3:
      note(55);
      break;
    case a:
      note(56);
  }
  return seen;
});

export const empty_switch = kernel_function("empty_switch", [i32, i32, i32], i32, function* (a) {
  switch (yield* loud(a)) {
    default:
  }
  switch (a) {
    case 1:
    case 2:
      return 5;
    default:
      break;
  }
  return 6;
});

// ---- Loops ----

export const loops = kernel_function("loops", [i32, i32, i32], i32, function* (a, b, c) {
  let n = 0;
  while ((yield* loud(n)) < a) n++;
  do {
    n += 10;
    if (n > 100) break;
    if (n % 3 === 0) continue;
    note(n);
  } while (n < b * 10);
  for (let i = 0, j = c; i < j; i++, j--) n += i * j;
  for (let i = yield* loud(0); i < (yield* loud(3)); i += yield* loud(1)) note(i + 50);
  return n;
});

export const labels = kernel_function("labels", [i32, i32, i32], i32, function* (a, b, c) {
  let n = 0;
  outer: for (let i = 0; i < 5; i++) {
    inner: for (let j = 0; j < 5; j++) {
      n++;
      if (j === a) continue outer;
      if (i === b) break outer;
      if (j === c) break inner;
      switch (j) {
        case 3:
          continue inner;
        case 4:
          break;
      }
      n += 10;
    }
    n += 100;
  }
  block: {
    n += 1000;
    if (a === 1) break block;
    n += 2000;
  }
  first: second: while (n > 0) {
    n -= 7;
    if (n % 5 === 0) break first;
    if (n % 3 === 0) continue second;
    note(n & 0xff);
    if (n < 2900) break second;
  }
  return n;
});

export const iterations = kernel_function("iterations", [i32, i32, i32], i32, function* (a, b, c) {
  yield* make_list(a & 7);
  let sum = 0;
  for (const each of for_each_node()) {
    if (each.value === b) continue;
    if (each.value === c) break;
    sum += each.value;
    each.value = yield* loud(each.value * 2);
  }
  for (const i of range(0, 4))
    for (const j of range(i, 4, 2)) {
      if (j === 3 && i === b) return sum * 1000;
      note(i * 10 + j);
    }
  for (const odd of odd_values()) note(odd);
  outer: for (const each of for_each_node()) {
    for (const other of for_each_node()) {
      if (other.value > each.value) continue outer;
      if (other.value * 2 === each.value) break outer;
      note(other.value + 200);
    }
  }
  for (let i of range(0, 3)) {
    i += 10;
    note(i);
  }
  return sum;
});

const numbers = [3, 1, 4, 1, 5] as const;
const pairs = [
  { key: 1, value: 10, tags: [7, 8] },
  { key: 2, value: -20, tags: [9, 10] },
] as const;
const tuples: readonly (readonly [number, number])[] = [
  [1, 2],
  [3, 4],
];

export const constant_tables = kernel_function("constant_tables", [i32, i32, i32], i32, function* (a) {
  let sum = 0;
  for (const n of numbers) {
    if (n === a) continue;
    sum += yield* loud(n);
  }
  for (const {
    key,
    value,
    tags: [first, second],
  } of pairs) {
    sum += key * value;
    note(first * 100 + second);
  }
  for (const [x, y] of tuples) {
    if (x === a) break;
    sum += yield* loud(x * 10 + y);
  }
  for (let n of numbers) {
    n++;
    sum += n;
  }
  return sum + numbers[(a & 3) as 0];
});

// ---- Expressions ----

export const evaluation_order = kernel_function("evaluation_order", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  const sum = x + (yield* loud(x++)) * (x + (yield* loud(x++))) + x;
  const assigned = x + (x = yield* loud(5)) + x;
  counter.value = 1;
  const guest = counter.value + (yield* bump(10)) + counter.value;
  const passed = yield* three(counter.value, yield* bump(100), counter.value);
  const plain = three_plain(counter.value, yield* bump(1000), counter.value);
  const order = yield* three(x, x++, x + (yield* loud(b)));
  note(sum);
  note(assigned);
  note(guest);
  note(passed);
  note(plain);
  note(order);
  return (yield* loud(1)) - (yield* loud(2)) - (yield* loud(c));
});

const bump = kernel_function("bump", [i32], i32, function* (by) {
  counter.value += by;
  return counter.value;
});
const three = kernel_function("three", [i32, i32, i32], i32, function* (a, b, c) {
  return a * 10007 + b * 101 + c;
});
function three_plain(a: number, b: number, c: number): number {
  return a * 10007 + b * 101 + c;
}

export const short_circuit = kernel_function("short_circuit", [i32, i32, i32], i32, function* (a, b, c) {
  const and = a && (yield* loud(b));
  const or = a || (yield* loud(b));
  const both = (a && (yield* loud(1))) || (yield* loud(c));
  const bools = a > 1 && (yield* loud(2)) > 1 && b > c;
  const not = !(a > 1 || (yield* loud(b)) === 2);
  if ((a > 0 && (yield* loud(3)) > 2) || !(b > 0 && (yield* loud(4)) > 3)) note(60);
  while (a > 0 && (yield* loud(a)) < 5) a++;
  a && (yield* loud(70));
  b || (yield* loud(71));
  (a || b) && (c || (yield* loud(72)));
  return and * 10000 + or * 100 + both + (bools ? 5 : 0) + (not ? 50 : 0);
});

export const conditional = kernel_function("conditional", [i32, i32, i32], i32, function* (a, b, c) {
  const one = a > b ? yield* loud(a) : -5;
  const two = (yield* loud(c)) ? b : yield* loud(6);
  const nested = a ? (b ? yield* loud(1) : 2) : c ? 3 : yield* loud(4);
  const flag = a > 0 ? (yield* loud(8)) > 7 : false;
  return one * 1000 + two * 100 + nested * 10 + +flag + (a < b ? 1 : yield* loud(9));
});

function maybe(i: number): ViewOf<typeof node> | undefined {
  return i > 0 && i < 8 ? node_at(i) : undefined;
}

export const nullable = kernel_function("nullable", [i32, i32, i32], i32, function* (a, b) {
  let found = maybe(a);
  note(found === undefined ? 1 : 2);
  const other = maybe(b) ?? node_at(7);
  other.value = 40;
  const third = found ?? (yield* find(b));
  note(third === undefined ? 3 : third.value);
  let late: ViewOf<typeof node> | undefined;
  if (a > 2) late = node_at(a & 7);
  note(late === undefined ? 4 : 5);
  found = late ?? found;
  if (found !== undefined) {
    found.value = 9;
    note(found.value);
  }
  note(found?.value ?? -3);
  for (let i = 0; i < 2; i++) {
    let fresh: ViewOf<typeof node> | undefined;
    if (fresh === undefined) note(6);
    fresh = node_at(i);
    note(fresh.inner.second);
  }
  note((yield* describe(undefined)) + (yield* describe(other)));
  return (yield* find(b))?.value ?? 12;
});

function* find(i: i32): Steps<ViewOf<typeof node> | undefined> {
  note(i);
  if (i === 3) return undefined;
  return maybe(i);
}

function* describe(which: ViewOf<typeof node> | undefined): Steps<i32> {
  return which === undefined ? -1 : which.value;
}

export const templates = kernel_function("templates", [i32, i32, i32], i32, function* (a, b) {
  note_text(`${a}+${b}=${a + b}`);
  note_text(`<${yield* loud(a)}|${a}|${yield* loud(b)}>`);
  note_text(a > 0 ? "more" : "less");
  return `${a}`.length;
});

/** @bounded by the length of a short text */
function note_text(text: string): void {
  for (let i = 0; i < text.length; i++) note(text.charCodeAt(i));
}

export const compound = kernel_function("compound", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  x += yield* loud(b);
  x -= 3;
  x *= (yield* loud(2)) + 1;
  x |= 1;
  x <<= 2;
  x ^= yield* loud(c);
  x &= 0xffff;
  x >>= 1;
  x %= 1000;
  const here = node_at(1);
  here.value = 5;
  here.value += yield* loud(b);
  here.value *= 2;
  here.value |= 0x100;
  here.value ^= here.value >> 2;
  node_at(a & 3).value -= yield* loud(c);
  counter.value = 7;
  counter.value += counter.value + (yield* bump(3));
  const after = (counter.value += 2);
  const returned = (here.value -= yield* loud(1)) + here.value;
  unsigned.value = 0xfffffff0;
  unsigned.value += 0x20;
  unsigned.value >>>= 1;
  here.small = 100;
  here.small += 100;
  here.byte = 250;
  here.byte += 10;
  here.half = -0x7fff;
  here.half -= 5;
  here.inner.second = 3;
  here.inner.second <<= 14;
  note(after);
  note(returned);
  note(unsigned.value);
  note(here.small);
  note(here.byte);
  note(here.half);
  note(here.inner.second);
  return x + here.value;
});

export const logical_assignment = kernel_function("logical_assignment", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  x ||= yield* loud(b);
  x &&= yield* loud(c);
  x ||= 3;
  const here = node_at(2);
  here.value = a;
  here.value ||= yield* loud(b);
  here.value &&= c + 1;
  here.value ||= 17;
  let found = maybe(a);
  found ??= yield* find(b);
  found ??= node_at(0);
  note(found.value);
  return x * 100 + here.value;
});

export const increments = kernel_function("increments", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  const before = x++ + ++x;
  const after = x-- - --x;
  const here = node_at(3);
  here.value = b;
  const loaded = here.value++ + ++here.value;
  const less = here.value-- * 2 + --here.value;
  counter.value = c;
  counter.value++;
  --counter.value;
  node_at(4).unsigned = 0;
  node_at(4).unsigned--;
  node_at(4).byte = 255;
  node_at(4).byte++;
  const passed = yield* three(x++, here.value++, x);
  note(before);
  note(after);
  note(loaded);
  note(less);
  note(passed);
  note(node_at(4).unsigned);
  note(node_at(4).byte);
  x = -x;
  return x + counter.value + -b;
});

export const destructuring = kernel_function("destructuring", [i32, i32, i32], i32, function* (a, b, c) {
  const here = node_at(5);
  here.value = a;
  here.unsigned = 0xffff_fff0;
  here.inner.first = b;
  const { value, unsigned: big, inner: nested, address } = here;
  here.value = 99;
  note(value);
  note(big);
  note(nested.first);
  note(address - nodes.value.address);
  let [x, y] = [a, b];
  note(x);
  [x, y] = [y, x];
  note(x * 10 + y);
  ({ value: x, unsigned: y } = here);
  y = (y | 0) + (yield* loud(c));
  const { first } = (yield* find(2))!.inner;
  return x + y + first;
});

export const shadowing = kernel_function("shadowing", [i32, i32, i32], i32, function* (a, b) {
  const x = a;
  let total = x;
  {
    const x = b;
    total += x * 10;
    {
      const x = yield* loud(3);
      const y = x + 1;
      total += y;
    }
    for (let x = 0; x < 2; x++) total += x;
    const y = x;
    total += y;
  }
  for (const x of range(5, 7)) total += x;
  note([1, 2].map((x) => x * total)[1]);
  note(sum_of([1, 2], (total) => total + x));
  return total + x;
});

function sum_of(values: readonly number[], map: (value: number) => number): number {
  return values.map(map).reduce((a, b) => a + b, 0);
}

export const captured = kernel_function("captured", [i32, i32, i32], i32, function* (a, b, c) {
  let total = 0;
  for_each([a, b, c], (value) => {
    total += value;
    a++;
  });
  const limit = b;
  note([1, 2, 3, 4].filter((x) => x > limit).length);
  note(((x: number) => x * total)(3));
  yield* loud(total);
  return total + a;
});

function for_each(values: readonly number[], each: (value: number) => void): void {
  for (const value of values) each(value);
}

// ---- Macros ----

function* until(condition: () => boolean, limit: number): Steps<i32> {
  let x = 0;
  while (!condition()) {
    if (x >= limit) return -1;
    x++;
    yield* loud(x);
  }
  return Math.max(x, 0);
}

function* wait_for(condition: () => Steps<boolean>): Steps<void> {
  for (;;) {
    if (yield* condition()) break;
    yield* loud(1);
  }
}

function* apply(times: number, body: (i: number) => Steps<number>, title: string): Steps<i32> {
  let total = 0;
  for (let i = 0; i < times; i++) total += yield* body(i);
  note(title.length);
  return total;
}

function any_of(values: readonly number[], test: (value: number) => boolean): boolean {
  return values.some((x) => test(x));
}

function* twice_over(test: (value: number) => boolean): Steps<boolean> {
  const total = 5;
  return [1, total].some((x) => test(x));
}

export const macros = kernel_function("macros", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  const turns = yield* until(() => x + counter.value > 3 || x++ > 10, 4);
  note(turns);
  note(x);
  yield* wait_for(function* () {
    x += 2;
    return (yield* loud(x)) > b;
  });
  const total = yield* apply(
    3,
    function* (i) {
      if (i === 1) return yield* loud(i * 100);
      return i + c;
    },
    "title",
  );
  note(+(yield* twice_over((value) => value > total)));
  note(+(yield* twice_over((y) => y === x)));
  note(+any_of([1, 2], (y) => y === x));
  if ((yield* until(() => x > 100, 2)) < 0 && (yield* until(() => true, 1)) === 0) note(88);
  return total;
});

// ---- Calls ----

function* factorial(n: i32): Steps<i32> {
  return n <= 1 ? 1 : n * (yield* factorial(n - 1));
}
function* is_even(n: i32): Steps<boolean> {
  if (n === 0) return true;
  return yield* is_odd(n - 1);
}
function* is_odd(n: i32): Steps<boolean> {
  return n !== 0 && (yield* is_even(n - 1));
}
function* with_defaults(
  a: i32,
  b: i32 = 7,
  flag = false,
  where: ViewOf<typeof node> | undefined = undefined,
): Steps<i32> {
  return a * 100 + b * 10 + (flag ? 1 : 0) + (where === undefined ? 0 : where.value);
}

export const helpers = kernel_function("helpers", [i32, i32, i32], i32, function* (a, b, c) {
  node_at(1).value = 5000;
  note(yield* factorial(a & 7));
  note(+(yield* is_even(b & 15)));
  note(yield* with_defaults(a));
  note(yield* with_defaults(a, b));
  note(yield* with_defaults(a, b, c > 0));
  note(yield* with_defaults(a, b, (yield* loud(c)) > 0, node_at(1)));
  return (yield* is_odd(a & 7)) ? 1 : 2;
});

function* wide_sum(x: number, y: number): Steps<number> {
  const sum = x + y;
  note(sum / 0x1_0000);
  return sum;
}
function* unsigned_sum(x: u32, y: u32): Steps<u32> {
  return (x + y) >>> 0;
}

export const numbers_of_all_sizes = kernel_function("numbers_of_all_sizes", [i32, i32, i32], i32, function* (a, b, c) {
  const big = 2 ** 40 + a;
  const negative = -big;
  note(negative / 0x1_0000);
  let wide = yield* wide_sum(big, b);
  wide = yield* wide_sum(wide, -(2 ** 45));
  note(Math.floor(wide / 0x1_0000));
  const high: u32 = yield* unsigned_sum(0xffff_fff0, a >>> 0);
  note(high > 0x8000_0000 ? 1 : 0);
  let address = nodes.value.address;
  address += 4;
  note(address - nodes.value.address);
  const kib = 4096 * 1024 * 1024 + (c & 0xff);
  note(kib / 4096);
  const product: u32 = (a & 0xffff) * 0x10000;
  note(product);
  let low = -0x8000_0000;
  low += a & 1;
  note(low);
  const quotient = Math.trunc(a / 3) + Math.floor(b / 2);
  note(Math.max(a, b, -4) - Math.min(a, 0x7fff_ffff));
  return quotient + (wide < 0 ? 1 : 2) + (a % 7);
});

const narrow_result = kernel_function("narrow_result", [i32], i8, function* (x) {
  return x;
});
const narrow_unsigned = kernel_function("narrow_unsigned", [i8, u16, u8], u16, function* (x, y, z) {
  note(x);
  note(y);
  z += 1;
  return x + y + z;
});

export const narrow = kernel_function("narrow", [i32, i32, i32], i32, function* (a, b, c) {
  note(yield* narrow_result(a));
  note(yield* narrow_unsigned(a, b, 100));
  note((yield* narrow_unsigned(c, a, 3)) + (yield* narrow_result(b * 100)));
  return yield* twice(yield* twice(a));
});

const fast = kernel_function(
  "fast",
  [i32, u8, i32, i32, i32],
  i32,
  function* (a, b, c, d, e) {
    a += yield* loud(b);
    return a * 10000 + b * 1000 + c * 100 + d * 10 + e;
  },
  { fastcall: true },
);

export const fastcalls = kernel_function("fastcalls", [i32, i32, i32], i32, function* (a, b, c) {
  const first = yield* fast(a & 7, b, 3, 4, 5);
  return first + (yield* fast(yield* loud(1), 0x102, yield* loud(c & 7), c & 7, 0));
});

const operations = kernel_table("operations", ["loud", "bump", "nothing"]);
const nothing = kernel_function("nothing", [i32], undefined, function* (x) {
  if (x > 0) return;
  note(x);
});

export const pointers = kernel_function("pointers", [i32, i32, i32], i32, function* (a, b) {
  counter.value = 0;
  const m = memory();
  const address = m.read32(operations.address + 4 * (a & 1)) >>> 0;
  const first = yield* call_pointer(address, i32, b);
  const second = yield* call_pointer(m.read32(operations.address + 4 * (b & 1)), i8, yield* loud(300));
  yield* call_pointer(m.read32(operations.address + 8), undefined, a);
  yield* nothing(b);
  return first * 1000 + second;
});

// ---- Locals with addresses ----

function* fill(at: u32, value: i32): Steps<void> {
  memory().write32(at, value);
}

export const written_with_changes = kernel_function("written_with_changes", [i32, i32, i32], i32, function* (a, b, c) {
  counter.value = a;
  memory().write32(names.address, counter.value++);
  memory().write32(names.address + 4, yield* loud(b));
  counter.value = memory().read32(names.address) + (counter.value++ & (c | 1));
  return counter.value + memory().read32(names.address + (counter.value++ & 4));
});

export const through_types = kernel_function("through_types", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a & 0xff;
  (x as number)++;
  x! += b & 0xff;
  (<number>x) = (yield* loud(x) as Steps<number>) + <number>(yield* loud(c & 0xff));
  let y = (b satisfies number) & 7;
  if ((((yield* loud(y)) > 3) as boolean)! && (((yield* loud(c)) > 0) satisfies boolean))
    y = -((yield* loud(2)) as number);
  (yield* loud(y)) as unknown;
  (names.value as ViewOf<typeof outer_named>).first += (yield* loud(x)) as number;
  let z = c;
  const before = z + (((z as number) = b), yield* loud(1));
  return x + y + before + z + names.value.first;
});

export const addressed_locals = kernel_function("addressed_locals", [i32, i32, i32], i32, function* (a, b, c) {
  const made = local(node);
  const word = local(u32);
  const signed = local(i8);
  const bytes = local(array(u8, 6));
  made.value = a;
  made.inner.second = 70000;
  word.value = 1;
  word.value += b;
  signed.value = 200;
  for (let i = 0; i < 6; i++) bytes.value.set(i, i * c);
  yield* fill(word.address, yield* loud(c));
  yield* fill(made.inner.address, b);
  let sum = 0;
  for (let i = 0; i < bytes.value.length; i++) sum += bytes.value.get(i);
  {
    const made = local(inner);
    made.first = 4;
    sum += made.first;
  }
  note(word.value);
  note(signed.value);
  note(made.inner.second);
  return made.value + made.inner.first + sum;
});

export const booleans = kernel_function("booleans", [i32, i32, i32], i32, function* (a, b, c) {
  let flag = a > 0;
  const other = !flag;
  flag = flag && b > 0;
  let changed: boolean = (yield* loud(c)) > 1;
  if (other) changed = !changed;
  note_text(flag ? "yes" : "no");
  note(flag === changed ? 1 : 0);
  return (flag ? 1 : 0) + (other ? 10 : 0) + (changed ? 100 : 0) + +flag + Number(changed);
});

export const plain_body = kernel_function("plain_body", [i32, i32, i32], i32, (a, b, c) => a * 100 + b * 10 + c);
export const plain_block = kernel_function("plain_block", [i32, i32, i32], i32, (a, b, c) => {
  let n = a;
  while (n < b) n += Math.abs(c) | 1;
  return n;
});

/** Names of the language within what is written out where it is called. @inline */
function* least_of(a: i32, b: i32): Steps<i32> {
  const least: i32 = Math.min(a, b);
  return least;
}
export const written_out = kernel_function("written_out", [i32, i32, i32], i32, function* (a, b, c) {
  return (yield* least_of(a, b)) + (yield* least_of(b, c));
});
