// The assembler and linker: encodings, relaxation, relocations, line tables and call frames.

const ASM = "test/asm";
const ENCODER = `${ASM}/encoder.test.ts`;
const RELAXATION = `${ASM}/relaxation.test.ts`;
const LINKER = `${ASM}/linker.test.ts`;
const DWARF = `${ASM}/dwarf.test.ts`;
const FRAMES = `${ASM}/call-frames.test.ts`;
const GOLDEN = `${ASM}/golden-objects.test.ts`;
const DIRECTIVES = `${ASM}/directives.test.ts`;

export default [
  {
    name: "an immediate of 128 is taken for a signed byte",
    file: "asm/encoder/operand-matching.ts",
    old: "  return wrapped >= -128 && wrapped <= 127;",
    new: "  return wrapped >= -128 && wrapped <= 128;",
    tests: [ENCODER],
  },
  {
    name: "0xffffffff is no signed byte",
    file: "asm/encoder/operand-matching.ts",
    old: "const wrapped = size === 16 ? (value << 16) >> 16 : value | 0;",
    new: "const wrapped = size === 16 ? (value << 16) >> 16 : value;",
    tests: [ENCODER],
  },
  {
    name: "(%ebp) has no displacement",
    file: "asm/encoder/memory-operand.ts",
    old: "displacementMode(operand, base === EBP, 32, constantOf)",
    new: "displacementMode(operand, false, 32, constantOf)",
    tests: [ENCODER],
  },
  {
    name: "(%esp) has no SIB byte",
    file: "asm/encoder/memory-operand.ts",
    old: "  if (operand.index === undefined && base !== ESP) {",
    new: "  if (operand.index === undefined) {",
    tests: [ENCODER],
  },
  {
    name: "a segment of (%ebp) is DS",
    file: "asm/encoder/memory-operand.ts",
    old: 'base === "ebp" || base === "esp" || base === "bp"',
    new: 'base === "esp" || base === "bp"',
    tests: [ENCODER, GOLDEN],
  },
  {
    name: "a displacement of 128 is a byte",
    file: "asm/encoder/memory-operand.ts",
    old: "wrapped >= -128 && wrapped <= 127 ? 1 : 2",
    new: "wrapped >= -128 && wrapped <= 128 ? 1 : 2",
    tests: [ENCODER],
  },
  {
    name: "a short jump reaches a byte too far",
    file: "asm/assembler/relaxation.ts",
    old: "  return distance >= -128 && distance <= 127;",
    new: "  return distance >= -128 && distance <= 128;",
    tests: [RELAXATION],
  },
  {
    name: "a jump is measured from its beginning",
    file: "asm/assembler/relaxation.ts",
    old: "address - (jump.address + jump.short.bytes.length);",
    new: "address - jump.address;",
    tests: [RELAXATION],
  },
  {
    name: "a jump to a weak symbol is settled by the assembler",
    file: "asm/assembler/relaxation.ts",
    old: 'if (isElsewhere || binding === "weak" || (',
    new: "if (isElsewhere || (",
    tests: [RELAXATION, GOLDEN, LINKER],
  },
  {
    name: "alignment takes a limit for padding that is as long",
    file: "asm/assembler/relaxation.ts",
    old: "  return bytes > limit ? 0 : bytes;",
    new: "  return bytes >= limit ? 0 : bytes;",
    tests: [DIRECTIVES, GOLDEN],
  },
  {
    name: "a relative relocation counts from the section",
    file: "asm/relocate.ts",
    old: "target - (base + where)",
    new: "target - base",
    tests: [LINKER],
  },
  {
    name: "a relocation forgets its addend",
    file: "asm/relocate.ts",
    old: "symbols.addressFor(relocation, place) + readField(view, where, field);",
    new: "symbols.addressFor(relocation, place);",
    tests: [LINKER],
  },
  {
    name: "a value that does not fit its field is cut",
    file: "asm/relocate.ts",
    old: "  if (value < field.minimum || value > field.maximum) {",
    new: "  if (value < field.minimum && value > field.maximum) {",
    tests: [LINKER],
  },
  {
    name: "gaps between code are filled with zeros",
    file: "asm/linker.ts",
    old: "  if (output.flags & SHF_EXECINSTR) data.fill(NOP);\n",
    new: "",
    tests: [LINKER],
  },
  {
    name: "a segment's memory ends with its file",
    file: "asm/linker.ts",
    old: "      memorySize: last.address + last.size - virtualAddress,",
    new: "      memorySize: data.length,",
    tests: [LINKER],
  },
  {
    name: "a line that goes far back is written as a near one",
    file: "asm/dwarf/line-program.ts",
    old: "  const isNear = lineDelta >= LINE_BASE &&",
    new: "  const isNear = lineDelta >= LINE_BASE - 1 &&",
    tests: [DWARF],
  },
  {
    name: "a line table keeps the column of the line before",
    file: "asm/dwarf/line-program.ts",
    old: "      column = row.column ?? 0;\n      writer.u8(DW_LNS_set_column).uleb(column);",
    new: "      column = row.column ?? 0;",
    tests: [DWARF],
  },
  {
    name: "a sequence ends where its last line begins",
    file: "asm/dwarf/line-program.ts",
    old: "  writer.u8(DW_LNS_advance_pc).uleb(size - at);\n",
    new: "",
    tests: [DWARF],
  },
  {
    name: "a signed LEB128 of 64 is one byte",
    file: "asm/dwarf/byte-writer.ts",
    old: "    while (rest < -0x40 || rest >= 0x40) {",
    new: "    while (rest < -0x40 || rest > 0x40) {",
    tests: [DWARF],
  },
  {
    name: "a signed LEB128 forgets its sign",
    file: "asm/assembler/leb128.ts",
    old: "rest === ((low & 0x40) === 0 ? 0n : -1n)",
    new: "rest === (rest < 0n ? -1n : 0n)",
    tests: [GOLDEN],
  },
  {
    name: "a return address behind a call that is a function's last is looked up there",
    file: "asm/dwarf/reader/call-frames.ts",
    old: "    const looked = isReturn ? pc - 1 : pc;",
    new: "    const looked = pc;",
    tests: [FRAMES, "test/asm/dwarf-reader.test.ts"],
  },
];
