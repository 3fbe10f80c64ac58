/** Output that is full, or that nobody reads: how each command ends, as a process of its own. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OutputStream } from "../../cli/output-stream.ts";
import { ESP0 } from "../dist.ts";

const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

interface End {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: string;

/** Runs a line of shell, in which `esp0` is the command and `status` prints its exit status as the last line. */
function shell(line: string): Promise<End> {
  const script = `esp0() { "${process.execPath}" "${ESP0}" "$@"; }; ${line}`;
  return new Promise((resolve) => {
    execFile(
      "bash",
      ["-c", script],
      { cwd: directory, maxBuffer: 1 << 26, env: { ...process.env, BASH_ENV: undefined } },
      (error, stdout, stderr) => {
        const { code = 0 } = (error ?? {}) as { code?: number };
        resolve({ status: code, stdout, stderr });
      },
    );
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "esp0-output-"));
  // A guest that writes for ever: only the end of its output ends it.
  writeFileSync(
    join(directory, "yes.S"),
    '.globl _start\n_start: movl $4, %eax; movl $1, %ebx; movl $t, %ecx; movl $2, %edx; int $0x80; jmp _start\n.data\nt: .ascii "y\\n"\n',
  );
  writeFileSync(
    join(directory, "hello.S"),
    '.globl _start\n_start: movl $4, %eax; movl $1, %ebx; movl $t, %ecx; movl $2, %edx; int $0x80; movl $1, %eax; xorl %ebx, %ebx; int $0x80\n.data\nt: .ascii "h\\n"\n',
  );
  // On COM1, with a line for the log on port E9 first, and then status 3.
  writeFileSync(
    join(directory, "boot.S"),
    `.code16
     movw $0x3f8, %dx
     movb $0x6c, %al
     outb %al, $0xe9
     movw $200, %cx
  1: movb $0x79, %al
     outb %al, %dx
     loop 1b
     movb $1, %al
     outb %al, $0xf4
     .org 510
     .word 0xaa55\n`,
  );
  writeFileSync(join(directory, "wrong.S"), "mov\n");
  writeFileSync(join(directory, "script"), "break sys_write\ncontinue\nbt\nhelp\ndelete\ncontinue\n");
  const made = await shell(
    "esp0 as --format bin --link 0x7c00 boot.S -o boot.bin && esp0 run --quiet --trace trace.jsonl " +
      `${EXAMPLES}cow.S`,
  );
  expect(made).toMatchObject({ status: 0, stderr: "" });
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true }));

/** Commands that write to standard output, and the status that each has when all goes well. */
const COMMANDS: readonly (readonly [command: string, status: number])[] = [
  [`esp0 run ${EXAMPLES}cow.S`, 0],
  ["esp0 machine --disk boot.bin", 3],
  ["esp0 debug --quiet --commands script hello.S", 0],
  ["esp0 run --help", 0],
];

const FULL = "esp0: standard output cannot be written: no space left on the device\n";

describe("standard output that is", () => {
  for (const [command, status] of COMMANDS) {
    it(`full ends \`${command}\` with a message and status 2`, async () => {
      const end = await shell(`${command} > /dev/full`);
      expect(end.status).toBe(2);
      expect(end.stderr.endsWith(FULL)).toBe(true);
      expect(end.stderr).not.toMatch(/^ +at /m);
      expect(end.stderr.split(FULL)).toHaveLength(2);
    });

    it(`closed ends \`${command}\` quietly`, async () => {
      const end = await shell(`${command} | true; exit \${PIPESTATUS[0]}`);
      // Whether it has noticed before its end depends on the time.
      expect([0, status]).toContain(end.status);
      expect(end.stderr).not.toMatch(/^ +at |Error|EPIPE/m);
    });
  }

  it("closed ends a guest that writes for ever, and a debugger that runs it", async () => {
    expect(await shell(`esp0 run --quiet yes.S | head -n 1; exit \${PIPESTATUS[0]}`)).toMatchObject({
      status: 0,
      stdout: "y\n",
    });
    const debugged = await shell(`esp0 debug --quiet --commands script yes.S | head -n 1; exit \${PIPESTATUS[0]}`);
    expect(debugged).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("standard error that is", () => {
  for (const [command, status] of [...COMMANDS, ["esp0 as wrong.S -o x", 2], ["esp0 run --unknown", 2]] as const) {
    it(`full or closed loses nothing else of \`${command}\``, async () => {
      const [full, closed] = await Promise.all([shell(`${command} 2> /dev/full`), shell(`${command} 2> >(true)`)]);
      expect(full).toMatchObject({ status, stderr: "" });
      expect(closed).toEqual(full);
      expect(full.stdout === "").toBe(status === 2);
    });
  }

  it("full as standard output is ends with the status alone", async () => {
    expect(await shell(`esp0 run ${EXAMPLES}cow.S > /dev/full 2>&1`)).toEqual({ status: 2, stdout: "", stderr: "" });
  });
});

describe("an output stream", () => {
  const failing = (code: string) =>
    new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(`write ${code}`), { code })),
    });
  const lost = (stream: OutputStream) => new Promise<void>((resolve) => stream.onLost(resolve));

  it("says once why it cannot be written", async () => {
    for (const [code, reason] of [
      ["EIO", "input/output error"],
      ["ENOSPC", "no space left on the device"],
    ] as const) {
      const reasons: string[] = [];
      const stream = new OutputStream(failing(code), (text) => reasons.push(text));
      expect(stream.write("a")).toBe(true);
      await lost(stream);
      expect(stream.write("b")).toBe(false);
      await lost(stream);
      expect([stream.state, reasons]).toEqual(["failed", [reason]]);
    }
  });

  it("says nothing when its reader has gone", async () => {
    const stream = new OutputStream(failing("EPIPE"), () => expect.unreachable());
    stream.write("a");
    await lost(stream);
    expect([stream.state, stream.write("b")]).toEqual(["closed", false]);
  });
});
