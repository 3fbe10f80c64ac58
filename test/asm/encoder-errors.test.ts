import { describe, expect, it } from "vitest";
import { isMnemonic, isPrefix, isRegister, suggestMnemonic } from "../../asm/encoder.ts";
import { AssemblyError, assemble } from "../../asm/index.ts";

/** The one error of a source, as `column: message`. */
function errorOf(source: string): string {
  try {
    assemble(source, { file: "test.S" });
  } catch (error) {
    if (!(error instanceof AssemblyError)) throw error;
    expect(error.diagnostics).toHaveLength(1);
    const [{ position, message }] = error.diagnostics;
    return `${position.column}: ${message}`;
  }
  return "accepted";
}

describe("errors stand at the faulty operand and say what was expected", () => {
  it.each([
    ["mvo %eax,%ebx", "1: unknown instruction `mvo`; did you mean `mov`?"],
    ["frobnicate %eax", "1: unknown instruction `frobnicate`"],
    ["mov %eax", "1: `mov` takes 2 operands, not 1"],
    ["hlt $1", "1: `hlt` takes no operands, not 1"],
    ["mov $1,$2", "8: `mov` cannot take an immediate as operand 2; expected a general register or memory"],
    ["lea %eax,%ebx", "5: `lea` cannot take %eax as operand 1; expected memory"],
    ["jmp %eax", "5: `jmp` cannot take %eax as operand 1; expected a label, *%register or *memory"],
    ["jmp (%eax)", "5: `jmp` cannot take memory as operand 1; expected a label, *%register or *memory"],
    ["loop *%eax", "6: `loop` cannot take *%eax as operand 1; expected a label"],
    ["ret %eax", "5: `ret` cannot take %eax as operand 1; expected an immediate"],
    [
      "push *%eax",
      "6: `push` cannot take *%eax as operand 1; " +
        "expected a general register, an immediate, %es, %cs, %ss, %ds, %fs, %gs or memory",
    ],
    ["shl %dl,%eax", "5: `shl` cannot take %dl as operand 1; expected an immediate or %cl"],
    ["in %cx,%al", "4: `in` cannot take %cx as operand 1; expected an immediate or %dx"],
    ["lldt %eax", "6: `lldt` cannot take %eax as operand 1; expected a 16-bit register or memory"],
    ["mov $1,%ds", "8: `mov` cannot take %ds as operand 2; expected a general register or memory"],
    ["stosb %al,%ds:(%edi)", "11: `stosb` cannot take memory as operand 2; expected %es:(%edi)"],
    ["fadd %st(1),%st(2)", "13: `fadd` cannot take %st(2) as operand 2; expected %st"],
    ["paddb %xmm1,%mm2", "13: `paddb` cannot take %mm2 as operand 2; expected an SSE register (%xmm0 to %xmm7)"],
    [
      "pshufd $1,%eax,%xmm1",
      "11: `pshufd` cannot take %eax as operand 2; expected an SSE register (%xmm0 to %xmm7) or memory",
    ],
    [
      "movd %ax,%mm0",
      "6: `movd` cannot take %ax as operand 1; expected a 32-bit register, memory, an MMX register (%mm0 to %mm7) or an SSE register (%xmm0 to %xmm7)",
    ],
    ["data16 movups %xmm0,%xmm1", "8: `movups` has no operand size for a prefix to change"],
    ["movups (%xmm0),%xmm1", "8: %xmm0 cannot address memory; expected a 16- or 32-bit general register"],
  ])("operand kind: %s", (source, message) => {
    expect(errorOf(source)).toBe(message);
  });

  it.each([
    ["add $1,(%eax)", "1: operand size of `add` is unknown; add a suffix b, w or l (addb, addw or addl)"],
    ["bt $1,(%eax)", "1: operand size of `bt` is unknown; add a suffix w or l (btw or btl)"],
    ["lods", "1: operand size of `lods` is unknown; add a suffix b, w or l (lodsb, lodsw or lodsl)"],
    ["fadd (%eax)", "1: operand size of `fadd` is unknown; add a suffix s or l (fadds or faddl)"],
    ["addl %ax,%ebx", "6: %ax has 16 bits, but the suffix of `addl` asks for 32"],
    ["add %ax,%ebx", "9: %ebx has 32 bits, but %ax has 16"],
    ["bswap %ax", "7: %ax has 16 bits, but `bswap` asks for 32"],
    ["push %al", "6: %al has 8 bits, but `push` asks for 16 or 32"],
    ["setne %eax", "7: %eax has 32 bits, but `setne` asks for 8"],
  ])("operand size: %s", (source, message) => {
    expect(errorOf(source)).toBe(message);
  });

  it.each([
    ["int $256", "5: 256 does not fit in 8 bits; expected -128 to 255"],
    ["movb $256,%al", "6: 256 does not fit in 8 bits; expected -128 to 255"],
    ["movw $65536,%ax", "6: 65536 does not fit in 16 bits; expected -32768 to 65535"],
    ["hostcall $0x10000", "10: 65536 does not fit in 16 bits; expected -32768 to 65535"],
    ["movl 0x12345(%bx),%eax", "6: 74565 does not fit in 16 bits; expected -32768 to 65535"],
  ])("range: %s", (source, message) => {
    expect(errorOf(source)).toBe(message);
  });

  it.each([
    ["mov (%eax,%esp),%ebx", "5: %esp cannot be an index; use it as the base"],
    ["mov (%eax,%bx),%ebx", "5: %eax and %bx differ in size; a base and an index are both 16 or both 32 bits wide"],
    [
      "mov (%ax),%ebx",
      "5: not a 16-bit address; expected (%bx), (%bp), (%si), (%di) or (%bx,%si), (%bx,%di), (%bp,%si), (%bp,%di)",
    ],
    ["mov (%bx,%si,2),%ax", "5: a 16-bit address has no scale factor other than 1"],
    ["mov (%cs),%ax", "5: %cs cannot address memory; expected a 16- or 32-bit general register"],
    ["movsl (%si),(%edi)", "13: the two memory operands differ in address size"],
  ])("address: %s", (source, message) => {
    expect(errorOf(source)).toBe(message);
  });

  it.each([
    ["lock mov %eax,(%ebx)", "6: `mov` cannot be locked; expected an instruction that modifies memory"],
    ["lock addl %eax,%ebx", "6: `addl` cannot be locked; expected an instruction that modifies memory"],
    ["rep add %eax,%ebx", "5: `add` cannot be repeated; expected a string instruction"],
    ["data32 push $1", "8: prefix `data32` is redundant in 32-bit code; leave it out"],
    ["cs mov %fs:4,%eax", "8: the operand and a prefix name different segments"],
    ["cs ds nop", "7: prefix `ds` follows another of its kind; one instruction takes only one"],
    ["addr16 mov (%eax),%ecx", "8: the address is 32 bits wide; leave out the prefix that asks for another size"],
  ])("prefix: %s", (source, message) => {
    expect(errorOf(source)).toBe(message);
  });
});

describe("names", () => {
  it("knows mnemonics with and without suffix", () => {
    expect(
      ["mov", "movl", "movsbl", "pushal", "jnae", "fildll", "hostcall"].filter((name) => !isMnemonic(name)),
    ).toEqual([]);
    expect(["addq", "hltl", "jmpp", "", "rep"].filter(isMnemonic)).toEqual([]);
  });

  it("knows prefixes and registers", () => {
    expect(["rep", "repnz", "lock", "addr32", "data16", "gs", "wait", "mov"].filter(isPrefix)).toHaveLength(7);
    expect(["eax", "bh", "gs", "cr0", "dr7", "tr6", "st", "st(3)", "rax", "st(8)"].filter(isRegister)).toHaveLength(8);
  });

  it("suggests the nearest mnemonic", () => {
    expect(suggestMnemonic("psuhl")).toBe("pushl");
    expect(suggestMnemonic("movll")).toBe("movl");
    expect(suggestMnemonic("fild")).toBe("fildl");
    expect(suggestMnemonic("xyzzy")).toBeUndefined();
  });
});
