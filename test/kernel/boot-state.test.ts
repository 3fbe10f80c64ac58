/** A kernel that starts from a kept state is the one that was booted from its reset. */
import { beforeAll, describe, expect, it } from "vitest";
import { initramfs } from "../../boot/index.ts";
import { type BootOptions, BootState, Kernel, type KernelStop, kernel_image, link_kernel } from "../../kernel/index.ts";
import { program } from "./run.ts";

const MiB = 1 << 20;
const MEMORY = 8 * MiB;

const SAY_ARGUMENT = program(`
_start:	movl 8(%esp), %ecx		# argv[1]
	movl %ecx, %esi
1:	cmpb $0, (%esi)
	je 2f
	incl %esi
	jmp 1b
2:	subl %ecx, %esi
	SYSCALL write, $1, %ecx, %esi
	SYSCALL fork
	EXIT
`);

const image = kernel_image();
const options: BootOptions = {
  image,
  memoryBytes: MEMORY,
  initramfs: initramfs({ "/bin/say": SAY_ARGUMENT }),
  init: "/bin/say",
  args: ["a word"],
};
let state: BootState;

beforeAll(() => {
  state = BootState.boot({ image, memoryBytes: MEMORY });
});

/** The same with an archive of so many pages more. */
const with_pages = (pages: number): BootOptions => ({
  ...options,
  initramfs: initramfs({ "/bin/say": SAY_ARGUMENT, "/large": new Uint8Array(pages * 4096).fill(0xa5) }),
});

/** Pages of the largest archive that fits. */
function most_pages(): number {
  let [fits, fails] = [0, MEMORY / 4096];
  while (fails - fits > 1) {
    const middle = (fits + fails) >> 1;
    if (state.fits(with_pages(middle))) fits = middle;
    else fails = middle;
  }
  return fits;
}

/** All that a kernel was before and at the first instruction of pid 1, and at its end. */
function course(kernel: Kernel, log = "") {
  let output = "";
  let logged = log;
  kernel.on_output = (byte) => (output += String.fromCharCode(byte));
  kernel.on_log = (byte) => (logged += String.fromCharCode(byte));
  kernel.run_to_user();
  const user = Buffer.from(kernel.save());
  const stop: KernelStop = kernel.run({ maxInstructions: 10_000_000 });
  const end = Buffer.from(kernel.save());
  return { user, end, seen: { stop, output, log: logged, statistics: kernel.statistics } };
}

function expectSame(boot: BootOptions, from: BootState): void {
  expect(from.fits(boot)).toBe(true);
  const kept = course(from.start(boot), from.log);
  const booted = course(new Kernel(boot));
  expect(kept.seen).toEqual(booted.seen);
  expect(kept.user.equals(booted.user)).toBe(true);
  expect(kept.end.equals(booted.end)).toBe(true);
}

describe("a kernel from a kept state", () => {
  it("is the one booted from its reset: state, counts, log and output", () => {
    expectSame(options, state);
    const other: BootOptions = { ...options, args: ["another", "one"] };
    expectSame(other, state);
  });

  it("is so with an archive that takes all the room there is", () => {
    const pages = most_pages();
    expect(pages * 4096).toBeGreaterThan(6 * MiB);
    expectSame(with_pages(pages), state);
  });

  it("comes out of a file the same", () => {
    const again = BootState.decode(state.encode(), image)!;
    expect(again.log).toMatch(/^Linux version .*\n8MB LOWMEM available\.\nMemory: /);
    expect(again.log).toBe(state.log);
    expectSame(options, again);
  });

  it("is not had from a file that is damaged, cut short, or of another kernel", () => {
    const file = state.encode();
    for (const at of [0, 5, 1000, file.length - 1]) {
      const damaged = file.slice();
      damaged[at] ^= 0x10;
      expect(BootState.decode(damaged, image)).toBeUndefined();
    }
    for (const length of [0, 3, 4, 100, file.length - 1]) {
      expect(BootState.decode(file.slice(0, length), image)).toBeUndefined();
    }
    expect(BootState.decode(file, link_kernel({ config: { hz: 1000 } }))).toBeUndefined();
  });

  it("fits no machine or kernel but its own", () => {
    expect(state.fits(options)).toBe(true);
    expect(state.fits({ ...options, memoryBytes: 16 * MiB })).toBe(false);
    expect(state.fits({ ...options, cpuHz: 1_000_000 })).toBe(false);
    expect(state.fits({ ...options, image: link_kernel() })).toBe(false);
  });

  it("refuses a command line that is too long", () => {
    expect(() => state.start({ ...options, args: ["x".repeat(3000)] })).toThrow(/the command line has \d+ bytes/);
  });
});
