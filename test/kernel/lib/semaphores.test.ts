/** Reader/writer semaphores and semaphores: who gets them, in which order, and who sleeps meanwhile. */
import { describe, expect, it } from "vitest";
import { RandomInterleaver } from "../../../emulator/index.ts";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, type Options } from "../run.ts";
import * as semaphores from "./semaphores.kernel.ts";

const system_calls = {
  250: "sys_sem_init",
  251: "sys_rwsem",
  252: "sys_sem",
  253: "sys_note",
  254: "sys_visit",
  255: "sys_visit_sem",
};
const images = [false, true].map((smp) => link_kernel({ config: { smp }, modules: [semaphores], system_calls }));

const KINDS = [
  ["one CPU", 1],
  ["two CPUs", 2],
  ["four CPUs", 4],
] as const;

function start(source: string, cpus: number, options: Options = {}) {
  return boot(source, { image: images[cpus > 1 ? 1 : 0], cpus, ...options });
}

/** Letters become calls: `rwsem` of their case, `!x` notes x, `.` sleeps for two ticks, `k` sends SIGUSR1 to the child. */
function calls(text: string, number: number): string {
  const call = (nr: number, letter: string) => `	movl $${nr}, %eax; movl $${letter.charCodeAt(0)}, %ebx; int $0x80`;
  const lines: string[] = [];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === " ") continue;
    if (text[i] === ".") lines.push("	SYSCALL nanosleep, $two_ticks, $0");
    else if (text[i] === "!") lines.push(call(253, text[++i]));
    else if (text[i] === "?") lines.push("	addl $'0', %eax; movl %eax, %ebx; movl $253, %eax; int $0x80");
    else if (text[i] === "k") lines.push("	SYSCALL kill, %ebp, $10");
    else lines.push(call(number, text[i]));
  }
  return lines.join("\n");
}

/**
 * Processes that begin two ticks after each other, pid 1 the first: what each does. Returns what was noted.
 * @param number 251 for the reader/writer semaphore, 252 for the other
 */
function order(cpus: number, number: number, processes: readonly string[], count = 1): string {
  const [first, ...others] = processes;
  const { kernel, go } = start(
    `
.globl _start
_start:	SYSCALL sigaction, $10, $action, $0
	movl $250, %eax; movl $${count}, %ebx; int $0x80
${calls(first.split("|")[0], number)}
${others
  .map(
    (text, i) => `	SYSCALL fork
	testl %eax, %eax
	jnz 1f
${calls(text, number)}
	SYSCALL exit, $0
1:	movl %eax, %ebp
	SYSCALL nanosleep, $two_ticks, $0	# ${i}`,
  )
  .join("\n")}
${calls(first.split("|")[1] ?? "", number)}
4:	SYSCALL wait4, $-1, $0, $0, $0
	cmpl $-10, %eax
	jne 4b
	EXIT
handler: ret
.data
two_ticks: .long 0, 20000000
action:	.long handler, 0, 0, 0
`,
    cpus,
  );
  expect(go()).toEqual({ kind: "exit", status: 0 });
  return kernel.inspect(semaphores.written);
}

describe.each(KINDS)("a reader/writer semaphore, on %s", (_name, cpus) => {
  const of = (...processes: string[]) => order(cpus, 251, processes);

  it("lets several read, and a writer in when they have all gone", () => {
    expect(of("r!a|.!d R", "r!b R", "w!e W", "")).toBe("abde");
    expect(of("r!a|!c R", "r!b...R!d", "w!e W")).toBe("abcde");
  });

  it("lets nobody in while one writes", () => {
    expect(of("w!a|.!b W", "r!c R", "")).toBe("abc");
    expect(of("w!a|.!b W", "w!c W", "")).toBe("abc");
  });

  it("is fair: a reader waits behind a writer that waits, and all in the order in which they came", () => {
    expect(of("r!a|!b R", "w!c.!d W", "r!e R", "w!f.!g W", "r!h R")).toBe("abcdefgh");
  });

  it("lets all readers in that come together", () => {
    expect(of("w!a|W", "r!b..!d R", "r.!c R", "w!e W")).toBe("abcde");
  });

  it("becomes a reader's without another writer in between, and lets the readers in that wait in front", () => {
    expect(of("w!a|d!b.!e R", "r!c.R!d", "w!f W")).toMatch(/^a(bc|cb)(de|ed)f$/);
    expect(of("w!a|d!b.!c R", "w!d W", "r!e R")).toBe("abcde");
  });

  it("is got by a trylock when that needs no wait", () => {
    expect(of("t?t?T?R R T?", "")).toBe("1101");
    expect(of("w|W", "t?T?")).toBe("00");
    // A writer that waits keeps readers out that only try, too.
    expect(of("r|R", "w W", "t?T?")).toBe("00");
  });
});

describe.each(KINDS)("a semaphore, on %s", (_name, cpus) => {
  const of = (count: number, ...processes: string[]) => order(cpus, 252, processes, count);

  it("lets so many in, and the others in the order in which they came", () => {
    expect(of(1, "d!a|!b u", "d!c u", "d!d u", "d!e u")).toBe("abcde");
    expect(of(2, "d!a|!c u", "d!b....u", "d!d u")).toBe("abcd");
  });

  it("is not got by a trylock that would have to wait, and nothing is lost by that", () => {
    expect(of(1, "t?|u", "t?d!x u", "t?t?")).toBe("0111x");
  });

  it("is not waited for after a signal: -EINTR, and the next one gets it", () => {
    // '0' - 4 is ','.
    expect(of(1, "d|k.!b u", "d!c u", "i?")).toBe(",bc");
    expect(of(1, "d|k.!b u", "i?")).toBe(",b");
  });

  it("is waited for all the same by those who are deaf to signals", () => {
    expect(of(1, "d|k.!b u", "d!c u")).toBe("bc");
  });
});

/** Processes that call a system call in turns of their own; "ok" at the end. */
const visitors = (number: number, processes: number, turns: number, allowed: number) => `
.globl _start
_start:	movl $250, %eax; movl $${allowed}, %ebx; int $0x80
	movl $${processes - 1}, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz 2f
	decl %ebp
	jnz 1b
2:	movl $${turns}, %edi
3:	leal (%edi,%ebp), %ebx
	movl $${allowed}, %ecx
	movl $${number}, %eax
	int $0x80
	decl %edi
	jnz 3b
4:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 4b
	EXIT
`;

describe.each([1, 2, 4])("on %i CPUs whose turns are short", (cpus) => {
  it.each(["sc", "tso"] as const)("both keep apart whom they are to keep apart (%s)", (memoryModel) => {
    let together = 0;
    for (const seed of [1, 2, 3]) {
      for (const [number, allowed] of [
        [254, 1],
        [255, 2],
      ]) {
        const interleaver = new RandomInterleaver(seed, 15);
        const { kernel, go } = start(visitors(number, 6, 16, allowed), cpus, {
          fromReset: true,
          interleaver,
          memoryModel,
        });
        const stop = go({ maxInstructions: 20_000_000 });
        expect(stop, `seed ${seed}`).toEqual({ kind: "exit", status: 0 });
        kernel.inspect(() => {
          expect(semaphores.wrong.value, `seed ${seed}`).toBe(0);
          expect(semaphores.rwsem.value.count).toBe(0);
          expect([semaphores.sem.value.count, semaphores.sem.value.sleepers]).toEqual([allowed, 0]);
          if (number === 255) together = Math.max(together, semaphores.most.value);
        });
      }
    }
    expect(together).toBe(2);
  });
});
