/** Hosted functions that hosted.test.ts runs on a bare machine. */
import { back_trace } from "../../kernel/arch/i386/kernel/back-trace.ts";
import { cpu, image } from "../../kernel/host/context.ts";
import {
  asm_function,
  by_value,
  call_pointer,
  type KernelFunction,
  kernel_function,
  kernel_variable,
  local,
} from "../../kernel/host/declarations.ts";
import { memory } from "../../kernel/host/memory.ts";
import { array, i8, i32, type ScalarType, struct, u8, u32 } from "../../kernel/host/types.ts";

export const log = kernel_variable("log", array(u32, 64));
export const log_length = kernel_variable("log_length", u32);

function note(value: number): void {
  log.value.set(log_length.value, value);
  log_length.value = log_length.value + 1;
}

kernel_function("add", [i32, i32], i32, function* (a, b) {
  return a + b;
});
kernel_function(
  "add_fast",
  [i32, i32, i32, i32],
  i32,
  function* (a, b, c, d) {
    return a * 1000 + b * 100 + c * 10 + d;
  },
  { fastcall: true },
);
kernel_function("narrow", [i8, u8], i32, function* (a, b) {
  return a * 1000 + b;
});
const pair = struct("test_pair", { first: i32, second: i32 });
kernel_function("difference", [by_value(pair), i32], i32, function* (p, scale) {
  return (p.first - p.second) * scale;
});

export const factorial: KernelFunction<[number], number, ScalarType<"u32">> = kernel_function(
  "factorial",
  [u32],
  u32,
  function* (n) {
    return n <= 1 ? 1 : n * (yield* factorial(n - 1));
  },
);

/** Moves EBP down, and back, between statements. Returns what its variable is then. */
kernel_function("move_frame", [], u32, function* () {
  let x = 1;
  cpu().r[5] -= 64;
  x = 5;
  cpu().r[5] += 64;
  return x;
});

kernel_function("wide_product", [u32], u32, function* (n) {
  const wide: number = n * 0x10000;
  log_length.value = 0;
  return wide / 0x10000;
});

/** Makes more accesses than one statement may. */
kernel_function("long_walk", [], u32, function* () {
  let i = 0;
  for (; i < 1000; i++) memory().read32(log.address);
  return i;
});

kernel_function("spin_until_two_ticks", [], u32, function* () {
  let steps = 0;
  while (memory().read32(image().symbol("ticks")) < 2) steps++;
  return steps;
});

const switch_stacks = asm_function("switch_stacks", [], undefined);
kernel_function("worker", [u32], undefined, function* (id) {
  for (let round = 0; round < 3; round++) {
    note(id * 10 + round);
    yield* switch_stacks();
  }
});

/** @bounded by the deepest trace */
function note_frames(): void {
  for (const { address } of back_trace(memory(), image(), cpu().eip, cpu().r[5], 0x1000)) note(address);
}

const innermost = kernel_function("innermost", [], undefined, function* () {
  note_frames();
});
const asm_middle = asm_function("asm_middle", [u32], undefined);
kernel_function("outermost", [], undefined, function* () {
  yield* asm_middle(innermost.address);
});

kernel_function("throws", [], undefined, function* () {
  throw new TypeError("a cow is not a pig");
});

/** @bounded by nothing: what the limit on a statement is for */
function endless(): void {
  for (let at = log.address; ; at = log.address) memory().read32(at);
}
kernel_function("loops_in_a_statement", [], undefined, function* () {
  endless();
});
function spins(): void {
  let turns = 0;
  while (turns >= 0) turns = (turns + 1) % 7;
}
kernel_function("spins_in_a_statement", [], undefined, function* () {
  spins();
});
kernel_function("spins_in_an_arrow", [], i32, function* () {
  return [1, 2].map((n) => {
    for (;;) if (n > 2) return n;
  })[0];
});
kernel_function("counts_far", [], i32, function* () {
  return count_to(90_000);
});
function count_to(n: number): i32 {
  let turns = 0;
  do turns++;
  while (turns < n);
  return turns;
}
kernel_function("follows_null", [], i32, function* () {
  return memory().read32(0x10);
});

kernel_function("abandoned", [u32], u32, function* (value) {
  if (value === 1) yield* call_pointer(image().symbol("escape"), undefined);
  return value;
});

kernel_function("has_locals", [], u32, function* () {
  const words = local(array(u32, 4));
  for (let i = 0; i < 4; i++) words.value.set(i, 0x11 * (i + 1));
  yield* call_pointer(image().symbol("clobber_below"), undefined);
  let sum = 0;
  for (let i = 0; i < 4; i++) sum += words.value.get(i);
  return sum;
});

function write_both(first: number, second: number, value: number): void {
  memory().write32(first, value);
  memory().write32(second, value);
}
kernel_function("write_two", [u32, u32, u32], undefined, function* (first, second, value) {
  write_both(first, second, value);
});

const calls_unbalanced = asm_function("unbalanced", [u32], undefined);
kernel_function("trusting", [], undefined, function* () {
  yield* calls_unbalanced(1);
});
