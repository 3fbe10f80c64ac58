import { describe, expect, it } from "vitest";
import { assemble, link, writeExecutable } from "../../asm/index.ts";
import { type CommandIo, InputError } from "../../cli/io.ts";
import { type RunHost, type RunOptions, runCommand } from "../../cli/run.ts";

interface Session {
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly args?: readonly string[];
  readonly options?: RunOptions;
  /** Chunks of standard input; without, it never ends. */
  readonly input?: readonly string[];
  /** Presses Ctrl-C at the so-manieth look at the host's events. */
  readonly interruptAt?: number;
  /** Seconds that pass each time somebody looks at the clock. */
  readonly secondsPerLook?: number;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function esp0(file: string | undefined, session: Session = {}) {
  let output = "";
  let errors = "";
  const written: Record<string, string> = {};
  let interrupt = () => {};
  let looks = 0;
  let seconds = 0;
  const io: CommandIo = {
    stdout: () => {},
    stderr: (text) => (errors += text),
    readFile: (path) => {
      const contents = session.files?.[path];
      if (contents === undefined) throw Object.assign(new Error("ENOENT"), { code: "ENOENT" });
      return typeof contents === "string" ? bytes(contents) : contents;
    },
    writeFile: (path, contents) => {
      written[path] = String(contents);
    },
    openFile: (path) => {
      written[path] = "";
      return { write: (text) => (written[path] += text), close: () => {} };
    },
    makeDirectory: () => {},
    exitStatus: () => {},
  };
  const host: RunHost = {
    stdin: {
      chunks: async function* () {
        for (const chunk of session.input ?? []) yield bytes(chunk);
        if (session.input === undefined) await new Promise(() => setTimeout(() => interrupt(), 1));
      },
      release: () => {},
    },
    onInterrupt: (callback) => {
      interrupt = callback;
      return () => {};
    },
    now: () => (seconds += session.secondsPerLook ?? 0),
    breathe: async () => {
      if (++looks === session.interruptAt) interrupt();
    },
    writeOutput: (chunk) => {
      output += new TextDecoder().decode(chunk);
      return true;
    },
  };
  const status = await runCommand(file, session.args ?? [], { quiet: true, memory: 8, ...session.options }, io, host);
  return { status, output, errors, written };
}

const asm = (body: string) => ({ "p.S": `.globl _start\n_start:\n${body}\n` });
const EXIT = (status: number) => `\tmovl $1, %eax\n\tmovl $${status}, %ebx\n\tint $0x80\n`;
const ECHO = `
.globl _start
_start:	movl $3, %eax
	xorl %ebx, %ebx
	movl $buffer, %ecx
	movl $100, %edx
	int $0x80
	testl %eax, %eax
	jle 1f
	movl %eax, %edx
	movl $4, %eax
	movl $1, %ebx
	int $0x80
	jmp _start
1:	movl $1, %eax
	xorl %ebx, %ebx
	int $0x80
.bss
buffer:	.skip 100
`;

describe("exit status", () => {
  it("is pid 1's", async () => {
    expect((await esp0("p.S", { files: asm(EXIT(42)) })).status).toBe(42);
  });

  it("is pid 1's on several CPUs, too", async () => {
    const { status, errors } = await esp0("p.S", { files: asm(EXIT(42)), options: { cpus: 3, quiet: false } });
    expect(status).toBe(42);
    expect(errors).toContain("Total of 3 processors activated.");
  });

  it("is 128 + the signal that killed pid 1", async () => {
    expect((await esp0("p.S", { files: asm("\tmovl 0, %eax") })).status).toBe(139);
  });

  it("is 4 when the instructions are used up", async () => {
    const { status, errors } = await esp0("p.S", { files: asm("1:\tjmp 1b"), options: { maxInstructions: 3_000_000 } });
    expect(status).toBe(4);
    expect(errors).toContain("stopped after 3000000 instructions");
  });

  it("is 2 when the CPU is too slow for the kernel's timer interrupts, and says so", async () => {
    await expect(esp0("p.S", { files: asm("1:\tjmp 1b"), options: { cpuHz: 10_000 } })).rejects.toThrow(
      "a CPU of 10000 Hz executes 100 instructions between two timer interrupts, too few",
    );
  });

  it.each([
    [["irq_stacks=true"], "esp0: configuration: irq_stacks=true with stack=task_union"],
    [["scheduler=module"], "esp0: kernel/kernel/sched.ts: init_scheduler is declared with asm_function"],
  ])("is 2 for a kernel that cannot be: %s", async (config, why) => {
    const refused = expect(esp0("p.S", { files: asm("1:\tjmp 1b"), options: { config } })).rejects;
    await refused.toBeInstanceOf(InputError);
    await expect(esp0("p.S", { files: asm("1:\tjmp 1b"), options: { config } })).rejects.toThrow(why);
  });

  it("is 5 when everything sleeps for good, and says what", async () => {
    const { status, errors } = await esp0("p.S", { files: asm("1:\tmovl $29, %eax\n\tint $0x80\n\tjmp 1b") });
    expect(status).toBe(5);
    expect(errors).toContain("pid 1 (p) S in sys_pause");
  });

  it("is 139 for a program whose entry point is not mapped", async () => {
    const elf = writeExecutable(link([assemble(".globl _start\n_start: nop", { file: "x" })], {}));
    new DataView(elf.buffer).setUint32(24, 0, true);
    expect((await esp0("p", { files: { p: elf } })).status).toBe(139);
  });

  it("is 130 after Ctrl-C, with the statistics", async () => {
    const { status, errors } = await esp0("p.S", {
      files: asm("1:\tjmp 1b"),
      interruptAt: 2,
      options: { stats: true },
    });
    expect(status).toBe(130);
    expect(errors).toMatch(/^instructions +\d[\d,]*$/m);
  });

  it("is 130 soon after Ctrl-C, however long the host takes over an instruction", async () => {
    const slow = { interruptAt: 20, secondsPerLook: 1, options: { stats: true } };
    const { status, errors } = await esp0("p.S", { files: asm("1:\tjmp 1b"), ...slow });
    expect(status).toBe(130);
    const [, instructions] = /^instructions +([\d,]+)$/m.exec(errors)!;
    expect(Number(instructions.replaceAll(",", ""))).toBeLessThan(100_000);
  });

  it("is 130 after Ctrl-C while it waits for input", async () => {
    expect((await esp0("p.S", { files: { "p.S": ECHO } })).status).toBe(130);
  });
});

describe("standard input", () => {
  it("reaches the program line by line, and its end is end of file", async () => {
    const { status, output } = await esp0("p.S", { files: { "p.S": ECHO }, input: ["one\ntwo\n", "three"] });
    expect(output).toBe("one\ntwo\nthree");
    expect(status).toBe(0);
  });

  it("gives the same run however the host cuts it", async () => {
    const options = { trace: "t" };
    const whole = await esp0("p.S", { files: { "p.S": ECHO }, input: ["first\nsecond\nthird\n"], options });
    const cut = await esp0("p.S", {
      files: { "p.S": ECHO },
      input: ["fi", "rst", "\nsec", "ond\nthi", "rd\n"],
      options,
    });
    expect(cut.output).toBe(whole.output);
    expect(cut.written.t).toBe(whole.written.t);
  });

  it("is not read when nobody asks for it", async () => {
    const { status } = await esp0("p.S", { files: asm(EXIT(0)), input: undefined as never });
    expect(status).toBe(0);
  });
});

describe("what cannot be run", () => {
  const refused = async (path: string, contents: string | Uint8Array) => {
    try {
      await esp0(path, { files: { [path]: contents } });
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message;
    }
    throw new Error("it ran");
  };

  it("a missing file", async () => {
    await expect(esp0("gone.S")).rejects.toThrow("gone.S: cannot be read: no such file or directory");
  });

  it("a source with errors: all of them, with line and column", async () => {
    const message = await refused("p.S", "_start:\n\tmovl $1\n\tfrobnicate %eax\n");
    expect(message.split("\n")).toEqual([
      expect.stringMatching(/^p\.S:2:\d+: error: /),
      expect.stringMatching(/^p\.S:3:2: error: unknown instruction .frobnicate/),
    ]);
  });

  it("a source without _start, or with undefined symbols", async () => {
    expect(await refused("p.S", "start:\n\tret\n")).toContain("_start");
    expect(await refused("p.S", ".globl _start\n_start:\tcall nowhere\n")).toContain("nowhere");
  });

  it("an object file, a shared object, another machine's program", async () => {
    const elf = writeExecutable(link([assemble(".globl _start\n_start: nop", { file: "x" })], {}));
    const patched = (offset: number, value: number) => {
      const copy = elf.slice();
      copy[offset] = value;
      return copy;
    };
    expect(await refused("p", patched(16, 1))).toMatch(/link it/);
    expect(await refused("p", patched(16, 3))).toMatch(/-static/);
    expect(await refused("p", patched(18, 62))).toMatch(/machine|i386/i);
    expect(await refused("p", patched(4, 2))).toMatch(/64-bit/);
    expect(await refused("p", elf.slice(0, 40))).toMatch(/header|truncated|outside|end/i);
  });

  it("a file that is neither", async () => {
    expect(await refused("p.txt", "hello")).toContain("neither an ELF file nor an assembly source");
  });

  it("a program larger than the machine", async () => {
    await expect(esp0("p.S", { files: asm(`${EXIT(0)}.data\n.skip 9000000`) })).rejects.toThrow(/memory/);
  });
});

describe("the log and the trace", () => {
  it("are on standard error, unless quiet", async () => {
    const loud = await esp0("p.S", { files: asm(EXIT(0)), options: { quiet: false } });
    expect(loud.errors).toMatch(/^Linux version 2\.4/);
    expect((await esp0("p.S", { files: asm(EXIT(0)) })).errors).toBe("");
  });

  it("--trace-locks has every lock in the trace too, and needs one", async () => {
    const files = asm(EXIT(0));
    const events = async (traceLocks: boolean) =>
      (await esp0("p.S", { files, options: { cpus: 2, trace: "t", traceLocks } })).written.t;
    expect(await events(true)).toContain('"event":"lock_acquired"');
    expect(await events(false)).not.toContain('"event":"lock_acquired"');
    await expect(esp0("p.S", { files, options: { traceLocks: true } })).rejects.toThrow(/--trace-locks.*--trace FILE/);
  });

  it("--trace writes one JSON object a line, the same every time", async () => {
    const session = { files: asm(EXIT(0)), options: { trace: "out.jsonl" } };
    const first = (await esp0("p.S", session)).written["out.jsonl"];
    const second = (await esp0("p.S", session)).written["out.jsonl"];
    expect(second).toBe(first);
    const events = first
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events.map(({ event }) => event)).toEqual(
      expect.arrayContaining(["fork", "sched_switch", "exec", "syscall", "exit"]),
    );
  });
});
