/** `@context holds LOCK`: what is checked on kernels without locks, with locks, and with locks whose owners are known. */
import { describe, expect, it } from "vitest";
import { type Configuration, link_kernel } from "../../../kernel/index.ts";
import { boot } from "../run.ts";
import * as calls from "./holds.kernel.ts";

function image_of(config: Partial<Configuration>) {
  return link_kernel({
    config,
    modules: [calls],
    system_calls: { 250: "sys_call_holding", 251: "sys_kernel_flag" },
  });
}

const images = { none: image_of({}), locks: image_of({ smp: true }), owners: image_of({ lockdep: true }) };

/** What an oops says of a call; undefined when there is none. */
function call(image: keyof typeof images, number: number, first: number, second = 0, debug = true): string | undefined {
  const { kernel, log } = boot(
    `
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
1:	movl $${number}, %eax
	movl $${first}, %ebx
	movl $${second}, %ecx
	int $0x80
	SYSCALL exit, $0
`,
    { image: images[image], cpus: 1, debug },
  );
  kernel.run({ maxInstructions: 3_000_000 });
  return /kernel BUG in (.*)/.exec(log())?.[1];
}

/** What has to be held for each function. */
const NEEDS: Readonly<Record<(typeof calls.FUNCTIONS)[number], readonly (typeof calls.HELD)[number][]>> = {
  needs_own_lock: ["own_lock", "another's own_lock"],
  needs_to_read: ["own_rwlock for reading", "own_rwlock for writing"],
  needs_to_write: ["own_rwlock for writing"],
  needs_lock_of: ["item's"],
  needs_lock_of_view: ["item's"],
  needs_field: ["item's"],
  plainly_needs_own_lock: ["own_lock", "another's own_lock"],
  plainly_needs_lock_of: ["item's"],
  "plainly_needs_lock_of, but not as it is called": calls.HELD,
  needs_both: [],
  kmalloc: calls.HELD,
};

const cases = calls.FUNCTIONS.flatMap((name, which) =>
  calls.HELD.map((held, number) => [name, held, which, number] as const),
);

describe("a kernel with locks", () => {
  it.each(cases)("%s with %s held", (name, held, which, number) => {
    const oops = call("locks", 250, number, which);
    if (NEEDS[name].includes(held)) expect(oops).toBeUndefined();
    else
      expect(oops).toMatch(
        /: wrong context: needs \w+(\.\w+)? held.*\(test\/kernel\/lockdep\/holds\.kernel\.ts:\d+:\d+\), but it is not/,
      );
  });

  it("names the function, the lock and the place of the tag; of a plain function, the caller", () => {
    expect(call("locks", 250, 0, 0)).toMatch(
      /^needs_own_lock: wrong context: needs own_lock held \(test\/kernel\/lockdep\/holds\.kernel\.ts:\d+:5\), but it is not/,
    );
    expect(call("locks", 250, 0, 2)).toMatch(/^needs_to_write: wrong context: needs own_rwlock held for writing /);
    expect(call("locks", 250, 0, 7)).toMatch(/^call_needy: wrong context: needs holds_item\.lock held \(/);
  });

  it("knows whether a task has the big kernel lock", () => {
    for (const image of ["locks", "owners"] as const) {
      expect(call(image, 251, 1)).toBeUndefined();
      expect(call(image, 251, 0)).toMatch(
        /^needs_kernel_flag: .*needs kernel_flag held .*but the task does not have it/,
      );
    }
  });
});

describe("a kernel that knows who holds what", () => {
  it("is not content with a lock that somebody else holds", () => {
    const another = calls.HELD.indexOf("another's own_lock");
    expect(call("owners", 250, another, 0)).toMatch(/^needs_own_lock: .* but it is somebody else who holds it/);
    expect(call("owners", 250, calls.HELD.indexOf("own_lock"), 0)).toBeUndefined();
  });

  it("tells reading from writing", () => {
    const [reading, writing] = [
      calls.HELD.indexOf("own_rwlock for reading"),
      calls.HELD.indexOf("own_rwlock for writing"),
    ];
    expect(call("owners", 250, reading, 1)).toBeUndefined();
    expect(call("owners", 250, writing, 1)).toBeUndefined();
    expect(call("owners", 250, reading, 2)).toMatch(/^needs_to_write/);
    expect(call("owners", 250, writing, 2)).toBeUndefined();
  });

  it("lets nobody sleep who holds a spinlock, but for the big kernel lock", () => {
    const kmalloc = calls.FUNCTIONS.indexOf("kmalloc");
    expect(call("owners", 250, 0, kmalloc)).toBeUndefined();
    expect(call("owners", 250, calls.HELD.indexOf("own_lock"), kmalloc)).toMatch(
      /^kmalloc: wrong context: needs might_sleep .*, and own_lock is held/,
    );
  });
});

it("nothing is checked where there are no locks, nor without debug", () => {
  expect(call("none", 250, 0, 0)).toBeUndefined();
  expect(call("none", 250, 0, 6)).toBeUndefined();
  expect(call("locks", 250, 0, 0, false)).toBeUndefined();
  expect(call("locks", 250, 0, 6, false)).toBeUndefined();
});
