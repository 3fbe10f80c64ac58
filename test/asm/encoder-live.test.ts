/** Random instructions, in one source, through both assemblers. The recorded encodings are in encoder.test.ts. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { assemble, type ObjectFile } from "../../asm/index.ts";
import { gnuAssemble, hasGnuAs } from "./gnu-as.ts";

const LINES = 4000;

type Bits = 8 | 16 | 32;
const SUFFIX = { 8: "b", 16: "w", 32: "l" } as const;
const GENERAL = {
  8: ["al", "cl", "dl", "bl", "ah", "ch", "dh", "bh"],
  16: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"],
  32: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
} as const;

const pick = fc.constantFrom<string[]>;
const register = (bits: Bits) => pick(...GENERAL[bits]).map((name) => `%${name}`);
const vector = (kind: "mm" | "xmm") => fc.integer({ min: 0, max: 7 }).map((number) => `%${kind}${number}`);
const symbolic = fc
  .tuple(pick("here", "away"), fc.integer({ min: -300, max: 300 }))
  .map(([name, offset]) => (offset < 0 ? `${name}${offset}` : `${name}+${offset}`));
const number = (bits: Bits) =>
  fc.oneof(
    fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** bits - 1 }),
    fc.integer({ min: Math.max(-130, -(2 ** (bits - 1))), max: 130 }),
  );
const immediate = (bits: Bits) =>
  (bits === 8 ? number(8).map(String) : fc.oneof(number(bits).map(String), symbolic)).map((text) => `$${text}`);

/** Fits under .code16, too. */
const absolute = fc.oneof(number(16).map(String), symbolic);
const address32 = fc
  .tuple(
    fc.oneof(fc.constant(""), number(32).map(String), symbolic),
    register(32),
    fc.option(pick("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")),
    pick("", ",1", ",2", ",4", ",8"),
  )
  .map(([displacement, base, index, scale]) => `${displacement}(${base}${index === null ? "" : `,%${index}${scale}`})`);
const address16 = fc
  .tuple(
    fc.oneof(fc.constant(""), number(16).map(String)),
    pick("%bx", "%bp", "%si", "%di", "%bx,%si", "%bx,%di", "%bp,%si", "%bp,%di"),
  )
  .map(([displacement, registers]) => `${displacement}(${registers})`);
const indexed = fc
  .tuple(fc.oneof(number(32).map(String), symbolic), pick("eax", "ecx", "ebp", "edi"), pick("1", "2", "4", "8"))
  .map(([displacement, index, scale]) => `${displacement}(,%${index},${scale})`);
const address = fc.oneof({ arbitrary: address32, weight: 3 }, address16, indexed, absolute);
const memory = fc
  .tuple(pick("", "", "", "%cs:", "%ds:", "%es:", "%fs:", "%gs:", "%ss:"), address)
  .map(([segment, where]) => segment + where);
const registerOrMemory = (bits: Bits) => fc.oneof(register(bits), memory);

const line = (...parts: fc.Arbitrary<string>[]) =>
  fc.tuple(...parts).map(([name, ...operands]) => `${name} ${operands.join(",")}`);
const named = (bits: Bits, ...names: string[]) => pick(...names.map((name) => name + SUFFIX[bits]));

function sizedForms(bits: Bits): fc.Arbitrary<string>[] {
  const binary = named(bits, "add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test");
  const forms = [
    line(binary, register(bits), registerOrMemory(bits)),
    line(binary, memory, register(bits)),
    line(binary, immediate(bits), registerOrMemory(bits)),
    line(named(bits, "inc", "dec", "neg", "not", "mul", "imul", "div", "idiv"), registerOrMemory(bits)),
    line(
      named(bits, "rol", "ror", "rcl", "rcr", "shl", "shr", "sar"),
      pick("$1", "$7", "$31", "%cl"),
      registerOrMemory(bits),
    ),
    line(named(bits, "xchg", "cmpxchg", "xadd"), register(bits), registerOrMemory(bits)),
  ];
  if (bits === 8) return forms;
  return [
    ...forms,
    line(named(bits, "push", "pop"), registerOrMemory(bits)),
    line(named(bits, "push"), immediate(bits)),
    line(named(bits, "imul"), immediate(bits), registerOrMemory(bits), register(bits)),
    line(named(bits, "imul", "bsf", "bsr", "cmovne", "cmovb", "lar", "lsl"), registerOrMemory(bits), register(bits)),
    line(named(bits, "bt", "bts", "btr", "btc"), fc.oneof(pick("$3", "$200"), register(bits)), registerOrMemory(bits)),
    line(named(bits, "shld", "shrd"), pick("$3", "%cl"), register(bits), registerOrMemory(bits)),
    line(named(bits, "movsb", "movzb"), registerOrMemory(8), register(bits)),
    line(named(bits, "les", "lss"), memory, register(bits)),
    line(named(bits, "lea"), address, register(bits)),
    line(named(bits, "bound"), register(bits), memory),
    line(
      named(bits, "jmp", "call"),
      registerOrMemory(bits).map((target) => `*${target}`),
    ),
  ];
}

const instruction = fc.oneof(
  ...sizedForms(8),
  ...sizedForms(16),
  ...sizedForms(32),
  line(pick("jmp", "call", "je", "jnle"), symbolic),
  line(pick("ljmp", "lcallw", "ljmpl"), pick("$8", "$away"), immediate(16)),
  line(pick("lgdt", "sidtl", "lidtw", "lldt", "ltr", "smsw", "lmsw", "sldt", "fxsave", "invlpg"), memory),
  line(
    pick("fadds", "fsubrl", "fildll", "fistps", "fldt", "fstpl", "fnstcw", "fstsw", "fnsave", "fbld", "fcoml"),
    memory,
  ),
  line(pick("setne", "setb", "setle"), registerOrMemory(8)),
  line(pick("paddb", "movups", "cvtsi2sdl", "movhps", "pshufb", "cmpnltss", "lddqu"), memory, vector("xmm")),
  line(pick("movq", "movd", "movaps", "movntdq", "movlpd"), vector("xmm"), memory),
  line(
    pick("pshufd", "cmpps", "palignr", "pcmpistri"),
    pick("$0", "$200"),
    fc.oneof(vector("xmm"), memory),
    vector("xmm"),
  ),
  line(pick("pxor", "movq", "psrlw", "cvttps2pi"), memory, vector("mm")),
  line(pick("psrlw", "pslld"), pick("$5"), vector("mm")),
  line(pick("push", "pop"), fc.oneof(memory, pick("%es", "%ss", "%ds", "%fs", "%gs"))),
  line(pick("push", "enter $5,"), pick("$3", "$100")),
  line(
    pick("call", "jmp", "lcall", "ljmp"),
    memory.map((target) => `*${target}`),
  ),
  pick("pusha", "popa", "pushf", "popf", "ret", "ret $4", "lret", "lret $8", "iret", "leave", "lcall $8,$0x1234"),
  line(pick("lock addl", "lock xchgl", "lock btsl", "lock xaddl"), register(32), memory),
);

/** Each line's bytes and relocations. Labels l0, l1 … stand before the lines. */
function pieces(object: ObjectFile, count: number): string[] {
  const text = object.sections.find(({ name }) => name === ".text");
  const starts = new Map(object.symbols.map(({ name, value }) => [name, value]));
  const result: string[] = [];
  let next = 0;
  const relocations = [...(text?.relocations ?? [])].sort((left, right) => left.offset - right.offset);
  for (let number = 0; number < count; number++) {
    const start = starts.get(`l${number}`) ?? 0;
    const end = starts.get(`l${number + 1}`) ?? 0;
    let piece = Buffer.from(text?.data.subarray(start, end) ?? []).toString("hex");
    for (; next < relocations.length && relocations[next].offset < end; next++) {
      const { offset, type, symbol } = relocations[next];
      piece += ` +${offset - start}:${type}:${symbol.type === "section" ? "section" : symbol.name}`;
    }
    result.push(piece);
  }
  return result;
}

it.skipIf(!hasGnuAs).each(["32", "16", "16gcc"])(
  "random instructions become what GNU as makes of them under .code%s",
  (codeSize) => {
    const lines = fc.sample(instruction, LINES);
    const numbered = lines.map((text, index) => `l${index}: ${text}\n${index % 40 === 0 ? "here = . + 20\n" : ""}`);
    const source = `.code${codeSize}\n${numbered.join("")}l${LINES}:\n`;
    const ours = pieces(assemble(source, { file: "random.S" }), LINES);
    const theirs = pieces(gnuAssemble(source), LINES);
    const different = lines
      .map((text, index) => ({ line: text, ours: ours[index], theirs: theirs[index] }))
      .filter((row) => row.ours !== row.theirs);
    expect(different).toEqual([]);
  },
);
