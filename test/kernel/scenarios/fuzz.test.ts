import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { syscall_numbers } from "../../../kernel/include/asm/unistd.ts";
import { boot, program } from "../run.ts";

/** Ways a run may end that are the program's doing, not a fault of the kernel or the emulator. */
const HARMLESS = ["exit", "budget", "asleep", "input"];

/** Runs a program that parent and child share, with the log for when the kernel did something it should not. */
function survive(elf: Uint8Array): void {
  const { go, log } = boot(elf, { debug: false });
  const stop = go({ maxInstructions: 250_000 });
  expect(HARMLESS, log()).toContain(stop.kind);
  expect(log()).not.toMatch(/Oops|kernel BUG|Unable to handle/);
}

const PARENT = `
.globl _start
_start:
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL waitpid, $-1, $0, $0
	EXIT
`;

describe("a hostile program", () => {
  it("of random bytes harms nobody but itself", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (code) => {
        survive(program(`${PARENT}child:\t.byte ${code.join(", ")}\n`));
      }),
      { numRuns: 60 },
    );
  });

  it("that calls the kernel with random arguments gets answers or signals", () => {
    // exit and pause end the fun too early; everything else is fair.
    const numbers = Object.values(syscall_numbers).filter((nr) => ![1, 29, 252].includes(nr));
    const argument = fc.oneof(
      fc.integer({ min: -2, max: 70 }).map(String),
      fc.constantFrom("0x7fffffff", "0x80000000", "0xbfffff00", "0xc0000000", "0xc0100000", "0xfffff000", "-4096"),
      fc.constantFrom("data", "data+4", "data-4096", "text", "child", "stack"),
    );
    const call = fc.tuple(fc.constantFrom(...numbers), argument, argument, argument, argument, argument);
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 30 }), (calls) => {
        const code = calls
          .map(
            ([nr, ebx, ecx, edx, esi, edi]) =>
              `\tmovl $${nr}, %eax; movl $${ebx}, %ebx; movl $${ecx}, %ecx; movl $${edx}, %edx; movl $${esi}, %esi; movl $${edi}, %edi\n\tint $0x80\n`,
          )
          .join("");
        survive(
          program(
            `${PARENT}child:\n${code}\tEXIT\n.data\ndata:\t.long 1, 2, data, 0, 0\ntext:\t.asciz "/init"\n.bss\n\t.skip 8192\nstack:\n`,
          ),
        );
      }),
      { numRuns: 80 },
    );
  });
});
