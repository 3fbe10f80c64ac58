import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble, imageDebugSections, link, objectFromElf, readElf, writeRelocatable } from "../../asm/index.ts";
import { errorsOf } from "./check.ts";
import { announceGnuAs, describeContents, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

announceGnuAs("call-frames.test.ts");

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

  it("survives an object file", () => {
    const object = assemble(`.globl f\nf: .cfi_startproc\nret\n.cfi_endproc`, { file: "a.s" });
    const reread = objectFromElf(readElf(writeRelocatable(object)));
    expect(link([reread], { entry: "f" }).frames).toEqual(link([object], { entry: "f" }).frames);
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
