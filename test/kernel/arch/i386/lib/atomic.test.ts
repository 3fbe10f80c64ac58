/** Atomic operations and bit operations: what each does, and that the locked ones are whole for other CPUs. */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../../../emulator/index.ts";
import { headers, sources } from "../../../../../kernel/arch/i386/sources.ts";
import type { Steps } from "../../../../../kernel/host/declarations.ts";
import { memory } from "../../../../../kernel/host/memory.ts";
import * as atomic from "../../../../../kernel/include/asm/atomic.ts";
import * as bits from "../../../../../kernel/include/asm/bitops.ts";
import * as locals from "../../../../../kernel/include/asm/local.ts";
import { kernel_image } from "../../../../../kernel/link.ts";
import { smpGuest } from "../../../../emulator/smp/guest.ts";
import { Harness } from "../../../harness.ts";

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const RUNS = { numRuns: 12 };

describe.each(["one CPU", "several"])("atomic operations and bits of a kernel for %s", (cpus) => {
  let harness: Harness;
  let at: number;
  beforeAll(() => {
    harness = new Harness(1024, "kmem_cache_init", kernel_image({ smp: cpus !== "one CPU" }));
    at = harness.image.symbol("empty_zero_page");
  });

  /** Runs an operation on a word; what the word is then, and what it returned. */
  function on(before: number, operation: () => Steps<unknown>): [after: number, result: number | undefined] {
    harness.inspect(() => memory().write32(at, before));
    const result = harness.run(operation);
    return [harness.inspect(() => memory().read32(at)) | 0, typeof result === "number" ? result | 0 : undefined];
  }

  it("atomic_read, atomic_set", () => {
    harness.inspect(() => atomic.atomic_set(at, -7));
    expect(harness.inspect(() => atomic.atomic_read(at))).toBe(-7);
    harness.inspect(() => locals.local_set(at, 9));
    expect(harness.inspect(() => locals.local_read(at))).toBe(9);
  });

  it("counts", () => {
    fc.assert(
      fc.property(word, fc.oneof(word, fc.constant("same" as const)), (v, other) => {
        const i = other === "same" ? v : other;
        const sum = (v + i) | 0;
        const difference = (v - i) | 0;
        const flag = (whether: boolean) => (whether ? 1 : 0);
        expect(on(v, () => atomic.atomic_add(i, at))).toEqual([sum, undefined]);
        expect(on(v, () => atomic.atomic_sub(i, at))).toEqual([difference, undefined]);
        expect(on(v, () => atomic.atomic_inc(at))).toEqual([(v + 1) | 0, undefined]);
        expect(on(v, () => atomic.atomic_dec(at))).toEqual([(v - 1) | 0, undefined]);
        expect(on(v, () => atomic.atomic_sub_and_test(i, at))).toEqual([difference, flag(difference === 0)]);
        expect(on(v, () => atomic.atomic_add_negative(i, at))).toEqual([sum, flag(sum < 0)]);
        expect(on(v, () => atomic.atomic_add_return(i, at))).toEqual([sum, sum]);
        expect(on(v, () => atomic.atomic_sub_return(i, at))).toEqual([difference, difference]);
        expect(on(v, () => atomic.atomic_inc_return(at))).toEqual([(v + 1) | 0, (v + 1) | 0]);
        expect(on(v, () => atomic.atomic_dec_return(at))).toEqual([(v - 1) | 0, (v - 1) | 0]);
        expect(on(v, () => atomic.atomic_add_unless(at, 5, i))).toEqual(v === i ? [v, 0] : [(v + 5) | 0, 1]);
        expect(on(v, () => atomic.atomic_set_mask(i, at))).toEqual([v | i, undefined]);
        expect(on(v, () => atomic.atomic_clear_mask(i, at))).toEqual([v & ~i, undefined]);
        expect(on(v, () => atomic.xchg(at, i))).toEqual([i, v]);
        expect(on(v, () => atomic.cmpxchg(at, i, 77))).toEqual([v === i ? 77 : v, v]);
        expect(on(v, () => locals.local_add(i, at))).toEqual([sum, undefined]);
        expect(on(v, () => locals.local_sub(i, at))).toEqual([difference, undefined]);
        expect(on(v, () => locals.local_inc(at))).toEqual([(v + 1) | 0, undefined]);
        expect(on(v, () => locals.local_dec(at))).toEqual([(v - 1) | 0, undefined]);
      }),
      RUNS,
    );
    for (const v of [-1, 0, 1]) {
      expect(on(v, () => atomic.atomic_dec_and_test(at))).toEqual([v - 1, v === 1 ? 1 : 0]);
      expect(on(v, () => atomic.atomic_inc_and_test(at))).toEqual([v + 1, v === -1 ? 1 : 0]);
      expect(on(v, () => atomic.atomic_inc_not_zero(at))).toEqual(v === 0 ? [0, 0] : [v + 1, 1]);
    }
  });

  it("bits", () => {
    fc.assert(
      fc.property(word, fc.nat(31), (v, nr) => {
        const bit = 1 << nr;
        const was = (v >>> nr) & 1;
        for (const [set, clear, change] of [
          [bits.set_bit, bits.clear_bit, bits.change_bit],
          [bits.__set_bit, bits.__clear_bit, bits.__change_bit],
        ]) {
          expect(on(v, () => set(nr, at))).toEqual([v | bit, undefined]);
          expect(on(v, () => clear(nr, at))).toEqual([v & ~bit, undefined]);
          expect(on(v, () => change(nr, at))).toEqual([v ^ bit, undefined]);
        }
        for (const [set, clear, change] of [
          [bits.test_and_set_bit, bits.test_and_clear_bit, bits.test_and_change_bit],
          [bits.__test_and_set_bit, bits.__test_and_clear_bit, bits.__test_and_change_bit],
        ]) {
          expect(on(v, () => set(nr, at))).toEqual([v | bit, was]);
          expect(on(v, () => clear(nr, at))).toEqual([v & ~bit, was]);
          expect(on(v, () => change(nr, at))).toEqual([v ^ bit, was]);
        }
        expect(harness.inspect(() => bits.test_bit(nr, at))).toBe(((v ^ bit) & bit) !== 0);
      }),
      RUNS,
    );
  });

  it("bits of the words behind", () => {
    harness.inspect(() => memory().write32(at + 8, 0));
    harness.run(() => bits.set_bit(70, at));
    expect(harness.inspect(() => [memory().read32(at + 8), bits.test_bit(70, at)])).toEqual([1 << 6, true]);
    expect([bits.BIT_WORD(70), bits.BIT_MASK(70), bits.BITS_TO_LONGS(65)]).toEqual([2, 64, 3]);
    expect(bits.BIT_MASK(31)).toBe(0x80000000);
  });

  it("the first bit of a word", () => {
    fc.assert(
      fc.property(word, (v) => {
        const lowest = 31 - Math.clz32(v & -v);
        expect(harness.run(() => bits.ffs(v))).toBe(lowest + 1);
        expect(harness.run(() => bits.fls(v))).toBe(32 - Math.clz32(v));
        if (v !== 0) expect(harness.run(() => bits.__ffs(v))).toBe(lowest);
        if (v !== -1) expect(harness.run(() => bits.ffz(v))).toBe(31 - Math.clz32(~v & -~v));
      }),
      RUNS,
    );
    for (const [v, first, last] of [
      [0, 0, 0],
      [1, 1, 1],
      [-0x80000000, 32, 32],
    ]) {
      expect(harness.run(() => bits.ffs(v))).toBe(first);
      expect(harness.run(() => bits.fls(v))).toBe(last);
    }
  });

  it("the first bit of many", () => {
    const WORDS = 4;
    const sparse = fc.array(fc.oneof(fc.constant(0), fc.constant(-1), word), { minLength: WORDS, maxLength: WORDS });
    fc.assert(
      fc.property(sparse, fc.nat(32 * WORDS), fc.nat(32 * WORDS), (words, size, offset) => {
        harness.inspect(() => {
          for (const [i, value] of words.entries()) memory().write32(at + 4 * i, value);
        });
        const first = (from: number, wanted: number) => {
          for (let nr = from; nr < size; nr++) if (((words[nr >> 5] >>> (nr & 31)) & 1) === wanted) return nr;
          return size;
        };
        expect(harness.run(() => bits.find_first_bit(at, size))).toBe(first(0, 1));
        expect(harness.run(() => bits.find_first_zero_bit(at, size))).toBe(first(0, 0));
        expect(harness.run(() => bits.find_next_bit(at, size, offset))).toBe(first(offset, 1));
        expect(harness.run(() => bits.find_next_zero_bit(at, size, offset))).toBe(first(offset, 0));
      }),
      { numRuns: 40 },
    );
  });
});

const CORES = 4;
const TURNS = 40;

/** The text of a source with those of what it includes. */
function source(file: string): string {
  const found = sources.find((one) => one.file.endsWith(file));
  if (found === undefined) throw new Error(`no source ${file}`);
  return found.text.replace(/#include <(.*)>/g, (_line, name: string) => headers[name].text);
}

/** Every core calls \`turn\` TURNS times, with its number in EBX and the turns that are left in EDI. */
function run(seed: number, turn: string, taken = 0) {
  const guest = smpGuest(
    `
#define CONFIG_SMP 1
${source("lib/atomic.S")}
${["FUNCTION", "END_FUNCTION", "RETURN", "CALL_AND_RETURN", "RESULT", "pushl_cfi", "popl_cfi"].map((macro) => `.purgem ${macro}`).join("\n")}
${source("lib/bitops.S")}
.data
.align 4
counter: .long 0
lost:	.long 0
taken:	.long ${taken}
done:	.long 0
.text
boot:	movl $${CORES - 1}, %eax
	call start_others
	call turns
	wait_for ${CORES}, done
	exit
work:	call turns
1:	hlt
	jmp 1b
turns:	movl $${TURNS}, %edi
	id %ebx
1:	call turn
	decl %edi
	jnz 1b
	lock; incl done
	ret
turn:
${turn}
	ret
`,
    { cpus: CORES, interleaver: new RandomInterleaver(seed, 5), memoryModel: "tso" },
  );
  expect(guest.machine.run({ maxInstructions: 5_000_000 })).toMatchObject({ kind: "exit" });
  return guest;
}

/** What `turn` leaves in counter, for some seeds. */
const results = (turn: string) => [1, 2, 3].map((seed) => run(seed, turn).word("counter"));
const ALL = CORES * TURNS;

describe("on several CPUs", () => {
  it.each([
    ["atomic_add", "movl $3, %eax; movl $counter, %edx; call atomic_add", 3 * ALL],
    ["atomic_sub", "movl $3, %eax; movl $counter, %edx; call atomic_sub", -3 * ALL],
    ["atomic_inc", "movl $counter, %eax; call atomic_inc", ALL],
    ["atomic_dec", "movl $counter, %eax; call atomic_dec", -ALL],
    ["atomic_sub_and_test", "movl $1, %eax; movl $counter, %edx; call atomic_sub_and_test", -ALL],
    ["atomic_dec_and_test", "movl $counter, %eax; call atomic_dec_and_test", -ALL],
    ["atomic_inc_and_test", "movl $counter, %eax; call atomic_inc_and_test", ALL],
    ["atomic_add_negative", "movl $2, %eax; movl $counter, %edx; call atomic_add_negative", 2 * ALL],
    ["atomic_add_return", "movl $2, %eax; movl $counter, %edx; call atomic_add_return", 2 * ALL],
    ["atomic_sub_return", "movl $2, %eax; movl $counter, %edx; call atomic_sub_return", -2 * ALL],
    ["atomic_inc_return", "movl $counter, %eax; call atomic_inc_return", ALL],
    ["atomic_dec_return", "movl $counter, %eax; call atomic_dec_return", -ALL],
    ["atomic_add_unless", "movl $counter, %eax; movl $1, %edx; movl $-1, %ecx; call atomic_add_unless", ALL],
    [
      "cmpxchg",
      `1:	movl counter, %edx
	leal 1(%edx), %ecx
	pushl %edx
	movl $counter, %eax
	call cmpxchg
	popl %edx
	cmpl %edx, %eax
	jne 1b`,
      ALL,
    ],
  ])("%s loses nothing", (_name, turn, expected) => {
    expect(results(turn)).toEqual([expected, expected, expected]);
  });

  // Each core has a bit of the word, which it sets and clears: `lost` counts how often it was not as the core had left it.
  const check = (set: boolean) => `btl %ebx, counter
	${set ? "jc" : "jnc"} 9f
	lock; incl lost
9:`;
  const bit = (name: string) => `movl %ebx, %eax; movl $counter, %edx; call ${name}`;
  it.each([
    ["set_bit", bit("set_bit"), "lock; btrl %ebx, counter"],
    ["clear_bit", "lock; btsl %ebx, counter", bit("clear_bit")],
    ["change_bit", bit("change_bit"), bit("change_bit")],
    ["test_and_set_bit", bit("test_and_set_bit"), "lock; btrl %ebx, counter"],
    ["test_and_clear_bit", "lock; btsl %ebx, counter", bit("test_and_clear_bit")],
    ["test_and_change_bit", bit("test_and_change_bit"), bit("test_and_change_bit")],
    [
      "atomic_set_mask",
      "movl %ebx, %ecx; movl $1, %eax; shll %cl, %eax; movl $counter, %edx; call atomic_set_mask",
      "lock; btrl %ebx, counter",
    ],
    [
      "atomic_clear_mask",
      "lock; btsl %ebx, counter",
      "movl %ebx, %ecx; movl $1, %eax; shll %cl, %eax; movl $counter, %edx; call atomic_clear_mask",
    ],
  ])("%s leaves the other bits of the word alone", (_name, set, clear) => {
    const turn = `${check(false)}\n${set}\n${check(true)}\nnop; nop\n${check(true)}\n${clear}\n${check(false)}`;
    for (const seed of [1, 2, 3]) expect(run(seed, turn).word("lost"), `seed ${seed}`).toBe(0);
  });

  it.each([
    ["test_and_set_bit", 0, "clear_bit"],
    ["test_and_clear_bit", 1, "set_bit"],
  ])("%s is a lock", (take, free, give) => {
    const turn = `
1:	xorl %eax, %eax
	movl $taken, %edx
	call ${take}
	cmpl $${free}, %eax
	jne 1b
	movl counter, %ecx; incl %ecx; movl %ecx, counter
	xorl %eax, %eax
	movl $taken, %edx
	call ${give}`;
    for (const seed of [1, 2, 3]) expect(run(seed, turn, free).word("counter"), `seed ${seed}`).toBe(ALL);
  });

  it.each([
    ["local_inc", "movl $counter, %eax; call local_inc"],
    ["local_add", "movl $1, %eax; movl $counter, %edx; call local_add"],
  ])("%s, which is for one CPU, loses counts", (_name, turn) => {
    expect(Math.min(...results(turn))).toBeLessThan(ALL);
  });
});
