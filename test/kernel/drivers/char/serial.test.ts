import { describe, expect, it } from "vitest";
import { ttyS0 } from "../../../../kernel/drivers/char/tty_io.ts";
import { ECHO, ECHOE, ONLCR, OPOST } from "../../../../kernel/include/linux/tty.ts";
import { boot, type Run, run } from "../../run.ts";

const bytes = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));

/** Copies standard input to standard output in pieces of `size`, each behind its length as a letter (a is 0). */
const cat = (size: number) => `
.globl _start
_start:
1:	SYSCALL read, $0, $buffer, $${size}
	testl %eax, %eax
	js 2f
	movl %eax, %edi
	leal 'a'(%eax), %eax
	movb %al, length
	SYSCALL write, $1, $length, $1
	testl %edi, %edi
	jz 3f
	SYSCALL write, $1, $buffer, %edi
	jmp 1b
2:	negl %eax
	EXIT %eax
3:	EXIT
.data
length:	.byte 0
.bss
buffer:	.skip ${size}
`;

/** Copies standard input to standard output. */
const plain_cat = `
.globl _start
_start:
1:	SYSCALL read, $0, $buffer, $1024
	testl %eax, %eax
	jz 2f
	SYSCALL write, $1, $buffer, %eax
	jmp 1b
2:	EXIT
.bss
buffer:	.skip 1024
`;

/** Runs `source` with this input, which ends. */
function feed(source: string, input: string): Run & { stop: ReturnType<Run["go"]> } {
  const started = boot(source);
  started.kernel.input(bytes(input));
  let stop = started.go();
  if (stop.kind === "input") {
    started.kernel.close_input();
    stop = started.go();
  }
  return { ...started, stop };
}

describe("output", () => {
  it("arrives byte for byte, all 256 of them", () => {
    const { stop, output } = run(`
.globl _start
_start:
	movl $buffer, %edi
1:	movb %al, (%edi)
	incl %edi
	incb %al
	jnz 1b
	SYSCALL write, $1, $buffer, $256
	subl $256, %eax
	EXIT %eax
.bss
buffer:	.skip 256
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe(String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i)));
  });

  it("blocks the writer while the buffer is full, and loses nothing", () => {
    const size = 9000;
    const { stop, output, kernel } = run(`
.globl _start
_start:
	movl $buffer, %edi
	xorl %eax, %eax
	movl $${size / 4}, %ecx
1:	movl %eax, (%edi)
	addl $4, %edi
	incl %eax
	loop 1b
	SYSCALL write, $1, $buffer, $${size}
	cmpl $${size}, %eax
	jne 2f
	EXIT
2:	EXIT $1
.bss
buffer:	.skip ${size}
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    const view = new DataView(bytes(output()).buffer);
    expect(view.byteLength).toBe(size);
    for (let i = 0; i < size / 4; i++) expect(view.getUint32(4 * i, true)).toBe(i);
    expect(kernel.statistics.contextSwitches).toBeGreaterThan(3);
  });

  it("stops at memory that cannot be read, and counts what went before", () => {
    const { stop, output } = run(`
.globl _start
_start:
	movl $0xc0000000-5, %ecx
	movl $0x6f6c6c65, (%ecx)
	SYSCALL write, $1, %ecx, $5
	cmpl $5, %eax
	jne 1f
	SYSCALL brk, $0
	leal 1(%eax), %ebx
	SYSCALL brk, %ebx
	movl %eax, %edi
	andl $-4096, %edi
	movl $0x21212121, 4092(%edi)
	leal 4092(%edi), %ecx
	SYSCALL write, $1, %ecx, $100
	cmpl $4, %eax
	jne 1f
	EXIT
1:	EXIT $1
`);
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("ello\0!!!!");
  });

  it("turns newlines into carriage return and newline once OPOST and ONLCR are set", () => {
    const { kernel, go, output } = boot(`
.globl _start
_start:
	PRINT "a\\nb\\n\\n"
	EXIT
`);
    kernel.run_to_user();
    const at = kernel.inspect(() => ttyS0.value.termios.address) - 0xc0000000;
    const settings = new DataView(kernel.machine.readPhysical(at, 16).buffer.slice(0));
    settings.setUint32(4, OPOST | ONLCR, true);
    kernel.machine.writePhysical(at, new Uint8Array(settings.buffer, 0, 16));
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("a\r\nb\r\n\r\n");
  });
});

describe("input", () => {
  it("is read line by line, in pieces if the reader's buffer is small, to its end", () => {
    const { stop, output } = feed(cat(5), "one\nlonger line\n\nend");
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("eone\nflongefr lince\nb\ndenda");
  });

  it("wakes a reader that waits, again and again", () => {
    const { kernel, go, output } = boot(plain_cat);
    for (const line of ["first\n", "second\n", "third\n"]) {
      expect(go()).toEqual({ kind: "input" });
      kernel.input(bytes(line));
    }
    expect(go()).toEqual({ kind: "input" });
    expect(output()).toBe("first\nsecond\nthird\n");
    kernel.close_input();
    expect(go()).toEqual({ kind: "exit", status: 0 });
  });

  it("can be edited: erase, kill, end of file, carriage return", () => {
    const { output } = feed(cat(80), "abx\x7fc\nwrong\x15right\n\x7f\x7fok\rpart\x04\x04");
    expect(output()).toBe("eabc\ngright\ndok\neparta");
  });

  it("ends for good when the carrier is lost, and output goes on", () => {
    const { kernel, go, output } = boot(`
.globl _start
_start:
	SYSCALL read, $0, $buffer, $10
	movl %eax, %edi
	SYSCALL read, $0, $buffer, $10
	orl %eax, %edi
	PRINT "still here\\n"
	EXIT %edi
.bss
buffer:	.skip 10
`);
    kernel.close_input();
    expect(go()).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("still here\n");
  });

  it("of any length gets through: the sender is held back while nobody reads", () => {
    const lines = Array.from({ length: 400 }, (_, i) => `line number ${i}\n`).join("");
    const { kernel, go, output } = boot(`
.globl _start
_start:
	SYSCALL nanosleep, $late, $0
${plain_cat.replace(/^.*_start:$/gms, "").replace(".globl _start\n", "")}
.data
late:	.long 0, 900000000
`);
    kernel.input(bytes(lines));
    expect(go({ maxInstructions: 200_000_000 })).toEqual({ kind: "input" });
    expect(output() === lines).toBe(true);
  });

  it("loses what a line has beyond 4095 bytes, but not its end", () => {
    const { kernel, go, output } = boot(plain_cat);
    for (const line of [`${"x".repeat(5000)}\n`, "next\n"]) {
      kernel.input(bytes(line));
      expect(go()).toEqual({ kind: "input" });
    }
    expect(output().replace(/x+/, (run) => `${run.length}`)).toBe("4095\nnext\n");
  });

  it("is echoed, erasing included, once ECHO is set", () => {
    const { kernel, go, output } = boot(cat(80));
    kernel.run_to_user();
    const at = kernel.inspect(() => ttyS0.value.termios.address) - 0xc0000000;
    const flags = new DataView(kernel.machine.readPhysical(at + 12, 4).buffer.slice(0));
    flags.setUint32(0, flags.getUint32(0, true) | ECHO | ECHOE, true);
    kernel.machine.writePhysical(at + 12, new Uint8Array(flags.buffer));
    kernel.input(bytes("ab\x7fc\n"));
    expect(go()).toEqual({ kind: "input" });
    expect(output()).toBe("ab\b \bc\ndac\n");
  });

  it("a read that does not want to wait gets EAGAIN", () => {
    const { stop } = run(`
.globl _start
_start:
	SYSCALL open, $path, $0x800
	SYSCALL read, %eax, $path, $1
	negl %eax
	EXIT %eax
.data
path:	.asciz "/dev/ttyS0"
`);
    expect(stop).toEqual({ kind: "exit", status: 11 });
  });

  it("a signal ends the wait", () => {
    const { stop } = run(`
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz 1f
	movl %eax, %edi
	SYSCALL nanosleep, $time, $0
	SYSCALL kill, %edi, $15
	SYSCALL waitpid, %edi, $status, $0
	EXIT status
1:	SYSCALL read, $0, $status, $4
	EXIT $99
.data
time:	.long 0, 20000000
status:	.long 0
`);
    expect(stop).toEqual({ kind: "exit", status: 15 });
  });
});
