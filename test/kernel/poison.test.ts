/**
 * A PC's RAM holds anything at its reset. What the kernel reads before it has set it shows here: the boot and the run of
 * programs are the same whether memory was zeros or a pattern, but for memory that nothing was ever written to.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { BOOT_PARAMS_SIZE } from "../../kernel/include/asm/boot-params.ts";
import { type BootOptions, initramfs, Kernel, kernel_image, type RecordedEvent } from "../../kernel/index.ts";
import { asm, type Program } from "../../testing/index.ts";
import { build_initramfs } from "../../user/build.ts";
import { PATHS } from "./anywhere/paths.ts";

const PATTERN = 0xa5;
const MEMORY = 8 << 20;
/** The zero page, in which the boot loader leaves parameters; the command line is behind it (boot/loader.ts). */
const BOOT_PARAMS = { start: 0x90000, end: 0x90000 + BOOT_PARAMS_SIZE };

/** Fills all memory but what the loader has to put there: the kernel's contents without .bss, the boot parameters. */
function poison({ machine, image }: Kernel): void {
  const kept = [
    BOOT_PARAMS,
    ...image.segments.map(({ physicalAddress, data }) => ({
      start: physicalAddress,
      end: physicalAddress + data.length,
    })),
  ].sort((a, b) => a.start - b.start);
  let at = 0;
  for (const { start, end } of [...kept, { start: MEMORY, end: MEMORY }]) {
    // Between the conventional memory and 1 MiB is no RAM that keeps what is written.
    const pieces =
      at < 0xa0000 && start > 0xa0000 ? [[at, 0xa0000] as const, [0x100000, start] as const] : [[at, start] as const];
    for (const [from, to] of pieces)
      if (to > from) machine.writePhysical(from, new Uint8Array(to - from).fill(PATTERN));
    at = end;
  }
}

function run(program: Pick<BootOptions, "initramfs" | "init">, is_poisoned: boolean) {
  const kernel = new Kernel({ image: kernel_image(), memoryBytes: MEMORY });
  if (is_poisoned) poison(kernel);
  kernel.hand_over(program);
  const events: RecordedEvent[] = [];
  let output = "";
  let log = "";
  kernel.on_event((event) => events.push(event));
  kernel.on_output = (byte) => (output += String.fromCharCode(byte));
  kernel.on_log = (byte) => (log += String.fromCharCode(byte));
  const stop = kernel.run({ maxInstructions: 50_000_000 });
  const { machine } = kernel;
  const registers = machine.cores[0]!.r.slice(0, 8);
  return {
    events,
    memory: machine.readPhysical(0, MEMORY),
    seen: { stop, output, log, registers, counters: machine.counters },
  };
}

/** Physical addresses, at most ten, that hold other than what they held before or what the other run has there. */
function differences(zeros: Uint8Array, poisoned: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < MEMORY && found.length < 10; at++) {
    if (at >= 0xa0000 && at < 0x100000) continue;
    const [a, b] = [zeros[at], poisoned[at]];
    if (a !== b && !(a === 0 && b === PATTERN)) found.push(`0x${at.toString(16)}: ${a} and ${b}`);
  }
  return found;
}

/** Ends with status 0 if its memory is zeros, as it is to be. */
const READER = asm`
.globl _start
_start:	movl zeros, %ebx
	orl zeros+4092, %ebx
	setne %bl
	movzbl %bl, %ebx
	SYSCALL exit, %ebx
.bss
.align 4096
zeros:	.skip 8192
`;

/** Under its own name, which it may execute again. */
function started({ name, elf }: Program): Pick<BootOptions, "initramfs" | "init"> {
  const init = `/bin/${name}`;
  return { initramfs: initramfs({ [init]: elf }), init };
}

const programs: readonly (readonly [name: string, program: () => Pick<BootOptions, "initramfs" | "init">])[] = [
  ["the demo", () => ({ initramfs: build_initramfs() })],
  ["a program that reads what nobody has written", () => started(READER)],
  ...Object.entries(PATHS).map(([name, program]) => [name, () => started(program())] as const),
];

describe.each(programs)("%s, in memory that was", (_name, program) => {
  let zeros: ReturnType<typeof run>;
  let poisoned: ReturnType<typeof run>;
  beforeAll(() => {
    const what = program();
    zeros = run(what, false);
    poisoned = run(what, true);
  }, 60_000);

  it("poisoned, makes the same trace", () => {
    const at = zeros.events.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(poisoned.events[i]));
    expect(at < 0 ? [] : [zeros.events[at], poisoned.events[at]]).toEqual([]);
    expect(poisoned.events.length).toBe(zeros.events.length);
  });

  it("poisoned, ends in the same state", () => {
    expect(poisoned.seen).toEqual(zeros.seen);
    expect(zeros.seen.stop).toEqual({ kind: "exit", status: 0 });
    expect(differences(zeros.memory, poisoned.memory)).toEqual([]);
  });
});
