import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readCallFrames } from "../../asm/dwarf/reader/index.ts";
import {
  assemble,
  imageDebugSections,
  link,
  objectFromElf,
  readElf,
  writeExecutable,
  writeRelocatable,
} from "../../asm/index.ts";
import { errorsOf } from "./check.ts";
import { describeContents, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

const FORMS = readFileSync(new URL("sources/frames.s", import.meta.url), "utf8");
const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** The `.debug_frame` of a source that is linked at 0x1000, in hexadecimal words. */
function linkedFrames(...sources: readonly string[]): string[] {
  const objects = sources.map((source, index) => assemble(source, { file: `${index}.s` }));
  const image = link(objects, { textAddress: 0x1000 });
  const data = imageDebugSections(image).find(({ name }) => name === ".debug_frame")?.data ?? new Uint8Array(0);
  const words = new Uint32Array(data.slice().buffer);
  return [...words].map((word) => word.toString(16));
}

describe("call frame information", () => {
  it.each([
    [".debug_frame", "d48296637f6839a5"],
    [".eh_frame", "0f7ddf4c8ceb1c01"],
    [".eh_frame, .debug_frame", "1697a63331cf94fb"],
  ])("in %s is what GNU as makes", (sections, recorded) => {
    const source = `.cfi_sections ${sections}\n${FORMS}`;
    const ours = describeContents(assemble(source, { file: "input.s" }));
    if (hasGnuAs) expect(ours).toBe(describeContents(gnuAssemble(source)));
    expect(digest(ours)).toBe(recorded);
  });

  it("goes to .debug_frame if nothing else is asked for, and there is none without directives", () => {
    const names = (source: string) => assemble(source, { file: "a.s" }).sections.map(({ name }) => name);
    expect(names(".cfi_startproc\nnop\n.cfi_endproc")).toContain(".debug_frame");
    expect(names(".cfi_startproc\nnop\n.cfi_endproc")).not.toContain(".eh_frame");
    expect(names("nop")).not.toContain(".debug_frame");
  });

  it("is joined and relocated by the linker", () => {
    const frames = linkedFrames(".cfi_startproc\nret\n.cfi_endproc", "nop\n.cfi_startproc\nret\n.cfi_endproc");
    const common = ["10", "ffffffff", "7c010001", "4040c08", "188"];
    expect(frames).toEqual([...common, "c", "0", "1000", "1", ...common, "c", "24", "1002", "1"]);
  });

  it("of a return address is that of the call before it, though another function may begin there", () => {
    const source = ".cfi_startproc\n.cfi_def_cfa_offset 20\ncall 1f\n.cfi_endproc\n1:.cfi_startproc\nret\n.cfi_endproc";
    const image = link([assemble(source, { file: "a.s" })], { textAddress: 0x1000 });
    const frames = readCallFrames(readElf(writeExecutable(image, imageDebugSections(image))));
    expect(frames.rules(0x1005, true)).toEqual(frames.rules(0x1004));
    expect(frames.rules(0x1005, true)).not.toEqual(frames.rules(0x1005));
  });

  it("survives an object file", () => {
    const object = assemble(`.globl f\nf: .cfi_startproc\nret\n.cfi_endproc`, { file: "a.s" });
    const reread = objectFromElf(readElf(writeRelocatable(object)));
    expect(link([reread], { entry: "f" }).frames).toEqual(link([object], { entry: "f" }).frames);
  });
});

/** A function of random instructions and directives, whose states are balanced. */
const procedure = fc
  .tuple(
    fc.constantFrom("", " simple", "\n.cfi_signal_frame", "\n.cfi_return_column %eax"),
    fc.array(
      fc.oneof(
        fc.constantFrom("nop", "jmp 9f", "je 9b", ".align 8", ".p2align 4,,7", ".skip 60, 0x90", ".skip 300, 0x90"),
        fc.constantFrom(".cfi_remember_state", ".cfi_restore_state", ".cfi_escape 0x16, 4, 1, 0x30"),
        fc
          .tuple(
            fc.constantFrom("offset", "rel_offset", "val_offset", "def_cfa"),
            fc.nat(70),
            fc.integer({ min: -40, max: 40 }),
          )
          .map(([name, register, words]) => `.cfi_${name} ${register}, ${4 * words}`),
        fc
          .tuple(fc.constantFrom("restore", "undefined", "same_value", "def_cfa_register"), fc.nat(70))
          .map(([name, register]) => `.cfi_${name} ${register}`),
        fc
          .tuple(fc.constantFrom("def_cfa_offset", "adjust_cfa_offset"), fc.integer({ min: -40, max: 40 }))
          .map(([name, words]) => `.cfi_${name} ${4 * words}`),
      ),
      { maxLength: 20 },
    ),
  )
  .map(([option, lines]) => {
    let depth = 0;
    const balanced = lines.filter((line) => {
      if (line === ".cfi_remember_state") depth++;
      if (line !== ".cfi_restore_state") return true;
      if (depth === 0) return false;
      depth--;
      return true;
    });
    return [`9: .cfi_startproc${option}`, ...balanced, ".cfi_endproc", "9: nop"].join("\n");
  });

describe.skipIf(!hasGnuAs)("against GNU as", () => {
  it.each([[".debug_frame"], [".eh_frame"]])("random functions have the same %s", (section) => {
    fc.assert(
      fc.property(fc.array(procedure, { minLength: 10, maxLength: 20 }), (procedures) => {
        const source = `.cfi_sections ${section}\n${procedures.join("\n")}\n`;
        expect(describeContents(assemble(source, { file: "input.s" }))).toBe(describeContents(gnuAssemble(source)));
      }),
      { numRuns: 20, seed: 1993 },
    );
  });
});

describe("faults of call frame information", () => {
  const at = (line: number, column: number, text: string) => `input.s:${line}:${column}: error: ${text}`;

  it.each([
    ["nop\n.cfi_def_cfa_offset 8", at(2, 1, ".cfi_def_cfa_offset without a .cfi_startproc before it in this section")],
    [".cfi_endproc", at(1, 1, ".cfi_endproc without a .cfi_startproc before it in this section")],
    [
      ".cfi_startproc\n.data\n.cfi_endproc\n.text\n.cfi_endproc",
      at(3, 1, ".cfi_endproc without a .cfi_startproc before it in this section"),
    ],
    ["\n f: .cfi_startproc\nret", at(2, 5, "no .cfi_endproc in this section ends what this .cfi_startproc begins")],
    [
      ".cfi_startproc\n.cfi_startproc\n.cfi_endproc",
      at(2, 1, ".cfi_startproc within the one at input.s:1; write .cfi_endproc before"),
    ],
    [
      ".cfi_startproc\n  .cfi_restore_state\n.cfi_endproc",
      at(2, 3, ".cfi_restore_state without a .cfi_remember_state before it"),
    ],
    [
      ".cfi_startproc\n.cfi_offset %ax, -8\n.cfi_endproc",
      at(2, 13, "no whole register '%ax'; use %eax, %esp, %eip, …"),
    ],
    [
      ".cfi_startproc\n.cfi_offset %ebx\n.cfi_endproc",
      at(2, 17, "expected ',' between the operands of .cfi_offset, found the end of the statement"),
    ],
    [
      ".cfi_startproc\n.cfi_offset %ebx, -6\n.cfi_endproc",
      at(2, 19, "the offset that .cfi_offset comes to must be a multiple of 4, not -6"),
    ],
    [".cfi_startproc\n.cfi_undefined\n.cfi_endproc", at(2, 15, "expected a register")],
    [".cfi_startproc simpel\n.cfi_endproc", at(1, 16, ".cfi_startproc takes nothing or 'simple', not 'simpel'")],
    [".cfi_startproc\n.cfi_escape 256\n.cfi_endproc", at(2, 13, "a byte must be from -128 to 255, not 256")],
    [".cfi_sections .text", at(1, 15, ".cfi_sections takes .debug_frame and .eh_frame")],
    [
      ".cfi_startproc\n.cfi_endproc\n.cfi_sections .eh_frame",
      at(3, 1, ".cfi_sections must stand before the first .cfi_startproc"),
    ],
    [
      ".cfi_startproc\n.cfi_personality 0, f\n.cfi_endproc",
      at(2, 1, ".cfi_personality: handlers of C++ exceptions can't be described; only 0xff, for none, is taken"),
    ],
    [
      ".cfi_startproc\n.cfi_val_encoded_addr %eip, 0, elsewhere\n.cfi_endproc",
      at(2, 32, "expected a label that is defined in this file"),
    ],
  ])("%j", (source, message) => {
    expect(errorsOf(source)[0]).toBe(message);
  });
});
