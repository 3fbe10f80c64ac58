import { describe, expect, it } from "vitest";
import { link_kernel } from "../../../kernel/link.ts";
import { boot, CONFIG, ON_ONE_CPU } from "../run.ts";
import * as calls from "./oops.kernel.ts";

const image = link_kernel({ modules: [calls], config: { ...CONFIG, smp: !ON_ONE_CPU } });

const PROGRAM = `
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $status, $0, $0
	cmpl $11, status
	jne 1f
	PRINT "the kernel lives"
1:	EXIT
child:	xorl %eax, %eax
	int $0x80
	EXIT
.bss
status:	.skip 4
`;

function with_syscall_0(name: string, source = PROGRAM) {
  const started = boot(source, { image });
  const { machine } = started.kernel;
  const entry = new Uint8Array(4);
  new DataView(entry.buffer).setUint32(0, image.symbol(name), true);
  machine.writePhysical(image.symbol("sys_call_table") - 0xc0000000, entry);
  const stop = started.go();
  return { ...started, stop };
}

describe("a JavaScript exception in a kernel function", () => {
  it("is an oops: the task dies, the kernel lives", () => {
    const { output, log, stop } = with_syscall_0("sys_throw");
    expect(output()).toBe("the kernel lives");
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(log()).toContain(
      "kernel BUG in sys_throw: TypeError: the cow was a pig (test/kernel/scenarios/oops.kernel.ts:7)",
    );
    expect(log()).toMatch(/invalid operand: 0000 \[#1\]/);
    expect(log()).toMatch(/EIP: +0010:\[<c01[0-9a-f]{5}>\] +sys_throw\+0x9\//);
    expect(log()).toMatch(/eax: [0-9a-f]{8} +ebx: [0-9a-f]{8}/);
    expect(log()).toMatch(/Process init \(pid: 2, stackpage=c[0-9a-f]{7}\)/);
    expect(log()).toMatch(/Call Trace:\n \[<[0-9a-f]{8}>\] sys_throw.*\n \[<[0-9a-f]{8}>\] system_call/);
    expect(log()).toMatch(/Code: 0f 3f /);
  });

  it("in pid 1 is a panic", () => {
    const { stop, log } = with_syscall_0("sys_throw", ".globl _start\n_start:\txorl %eax, %eax\n\tint $0x80");
    expect(stop).toEqual({ kind: "panic" });
    expect(log()).toContain("Kernel panic: Attempted to kill init!");
  });
});

describe("a bad pointer in a kernel function", () => {
  it("takes a real page fault, which is an oops", () => {
    const { output, log } = with_syscall_0("sys_bad_pointer");
    expect(output()).toBe("the kernel lives");
    expect(log()).toContain("Unable to handle kernel NULL pointer dereference at virtual address 00000010");
    expect(log()).toMatch(/EIP: .* sys_bad_pointer\+0x9/);
  });
});

describe("a run that panics", () => {
  it("stops when /init cannot be executed", () => {
    const started = boot(Uint8Array.from([1, 2, 3]));
    expect(started.go()).toEqual({ kind: "panic" });
    expect(started.log()).toContain("Kernel panic: No init found");
  });
});
