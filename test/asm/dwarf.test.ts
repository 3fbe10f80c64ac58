import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLineRows } from "../../asm/dwarf/line-reader.ts";
import {
  assemble,
  type DebugInfo,
  ElfError,
  elfLines,
  imageDebugSections,
  type LinkedImage,
  link,
  type ObjectFile,
  objectFromElf,
  readElf,
  type SectionLine,
  withDebugSections,
  writeExecutable,
  writeRelocatable,
} from "../../asm/index.ts";
import { oracle } from "../oracles.ts";
import { gnuAssemble, hasGnuAs } from "./gnu-as.ts";

const hasReadelf = oracle("readelf", spawnSync("readelf", ["--version"]).status === 0);

const SOURCE = `
.macro enter size
	pushl %ebp
	movl %esp, %ebp
.ifnb \\size
	subl $\\size, %esp
.endif
.endm
.macro nested
	enter
	.rept 2
	incl %edx
	.endr
	leave
.endm
	.text
	.globl main
	.type main, @function
main:
	enter 16
	jmp far			# grows
	.align 16
near:	jz near; nop
	.rept 3
	incl %eax
	.endr
	.irp reg, eax, ecx
	enter 4
	decl %\\reg
	.endr
	nested
	call other
	.section .init.text, "ax"
other:
	enter
	leave
	ret
	.text 1
	hlt
	.text 0
	.skip 200, 0x90
far:	ret
	.size main, . - main
	.data
	.long main
`;

/** Rows as a debugger sees them: those that go on with the line of the one before are no rows. */
function withoutRepeats(lines: readonly SectionLine[]): { offset: number; line: number }[] {
  return lines
    .filter((row, index) => row.line !== lines[index - 1]?.line)
    .map(({ offset, line }) => ({ offset, line }));
}

function linesByName({ sections }: ObjectFile) {
  const filled = sections.filter(({ lines = [] }) => lines.length > 0);
  return Object.fromEntries(filled.map(({ name, lines }) => [name, withoutRepeats(lines!)]));
}

const INFO: DebugInfo = {
  unit: "types.S",
  structs: [
    {
      name: "list_head",
      size: 8,
      members: [{ name: "next", offset: 0, type: { kind: "pointer", to: { kind: "struct", name: "list_head" } } }],
    },
  ],
  variables: new Map([["heads", { kind: "array", element: { kind: "struct", name: "list_head" }, length: 2 }]]),
  functions: new Map([
    [
      "hosted",
      {
        parameters: [{ name: "count", type: { kind: "integer", name: "int", size: 4, isSigned: true }, offset: 0 }],
        returns: undefined,
      },
    ],
  ]),
};

function typedImage(): LinkedImage {
  const types = `.globl hosted; .type hosted,@function
hosted: pushl %ebp; movl %esp, %ebp; pushl $0; leave; ret
.size hosted,.-hosted
.data; .globl heads; heads: .skip 16`;
  return link([assemble(SOURCE, { file: "lines.S" }), assemble(types, { file: "types.S" })]);
}

/** What readelf says of a file, without its own name. */
function readelf(bytes: Uint8Array, what: string): string {
  const folder = mkdtempSync(join(tmpdir(), "dwarf-"));
  try {
    writeFileSync(join(folder, "file"), bytes);
    const { stdout, stderr } = spawnSync("readelf", ["-W", `--debug-dump=${what}`, "file"], { cwd: folder });
    expect(stderr.toString()).toBe("");
    return stdout.toString();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("line tables", () => {
  it("tell the line of each instruction, of a macro's the line that uses it", () => {
    const object = assemble("nop\n.macro two\nnop\nnop\n.endm\ntwo\n.long 1, 2\n.data\n.long 3", { file: "a.S" });
    expect(object.sections[0].lines).toEqual([
      { offset: 0, file: "a.S", line: 1 },
      { offset: 1, file: "a.S", line: 6 },
      { offset: 2, file: "a.S", line: 6 },
      { offset: 3, file: "a.S", line: 7 },
      { offset: 7, file: "a.S", line: 7 },
    ]);
    expect(object.sections[1].lines).toBeUndefined();
  });

  it("name the included file", () => {
    const object = assemble('.include "b.S"\nret', { file: "a.S", include: () => ({ file: "b.S", text: "\nnop\n" }) });
    expect(object.sections[0].lines).toEqual([
      { offset: 0, file: "b.S", line: 2 },
      { offset: 1, file: "a.S", line: 2 },
    ]);
  });

  it("are linked to addresses, in order", () => {
    const parts = ["nop\nnop", "\n\nret"].map((text, index) => assemble(text, { file: `${index}.S` }));
    expect(link(parts, { textAddress: 0x1000 }).lines).toEqual([
      { address: 0x1000, file: "0.S", line: 1 },
      { address: 0x1001, file: "0.S", line: 2 },
      { address: 0x1002, file: "1.S", line: 3 },
    ]);
  });

  it.skipIf(!hasGnuAs).each([["-gdwarf-2"], ["-gdwarf-3"], ["-gdwarf-4"], ["-gdwarf-5"]])(
    "are those of GNU as %s",
    (option) => {
      const ours = linesByName(assemble(SOURCE.replace(".skip 200, 0x90", ".org . + 200"), { file: "input.s" }));
      const theirs = gnuAssemble(SOURCE.replace(".skip 200, 0x90", ".org . + 200"), [option]);
      expect(ours).toEqual(linesByName(theirs));
    },
  );
});

describe("DWARF sections", () => {
  it("of an executable hold its line table", () => {
    const image = typedImage();
    expect(elfLines(readElf(writeExecutable(image, imageDebugSections(image, [INFO]))))).toEqual(image.lines);
    expect(elfLines(readElf(writeExecutable(image)))).toEqual([]);
  });

  it("of an object hold those of its sections, and survive linking", () => {
    const object = assemble(SOURCE, { file: "lines.S" });
    const reread = objectFromElf(readElf(writeRelocatable(withDebugSections(object))));
    for (const { name, lines } of object.sections) {
      expect(reread.sections.find((section) => section.name === name)?.lines).toEqual(lines);
    }
    expect(link([reread]).lines).toEqual(link([object]).lines);
  });

  it("do not change what is loaded", () => {
    const image = typedImage();
    const [plain, debug] = [writeExecutable(image), writeExecutable(image, imageDebugSections(image, [INFO]))].map(
      readElf,
    );
    expect(debug.segments).toEqual(plain.segments);
  });

  it.skipIf(!hasReadelf)("are what readelf reads", () => {
    const image = typedImage();
    const program = writeExecutable(image, imageDebugSections(image, [INFO]));
    const object = writeRelocatable(withDebugSections(assemble(SOURCE, { file: "lines.S" })));
    for (const file of [program, object]) {
      const rows = [...readelf(file, "decodedline").matchAll(/^lines\.S\s+(\d+)\s+(0x[0-9a-f]+|0)\s/gm)];
      const { lines } = file === program ? image : link([assemble(SOURCE, { file: "lines.S" })], { textAddress: 0 });
      expect(rows.map(([, line]) => Number(line))).toEqual(
        expect.arrayContaining(lines.filter((row) => row.file === "lines.S").map(({ line }) => line)),
      );
    }
    const info = readelf(program, "info").replace(/\((string|udata|addr)\) /g, "");
    expect(info).toMatch(/DW_TAG_compile_unit[\s\S]*DW_AT_name\s*: lines\.S[\s\S]*DW_AT_comp_dir\s*: \.\n/);
    expect(info).toMatch(/DW_TAG_structure_type[\s\S]*DW_AT_name\s*: list_head[\s\S]*DW_TAG_member[\s\S]*: next/);
    const heads = image.symbol("heads").toString(16);
    expect(info).toMatch(new RegExp(`DW_TAG_variable[\\s\\S]*DW_AT_name\\s*: heads[\\s\\S]*DW_OP_addr: ${heads}`));
    expect(info).toMatch(/DW_TAG_formal_parameter[\s\S]*DW_AT_name\s*: count[\s\S]*DW_OP_fbreg: 0/);
    const frames = readelf(program, "frames-interp");
    expect(frames).toMatch(/esp\+4[\s\S]*esp\+8[\s\S]*ebp\+8[\s\S]*esp\+4/);
    expect(readelf(object, "info")).toMatch(/DW_AT_name\s*: \(string\) main/);
  });
});

describe("reading line tables", () => {
  it("never throws anything but ElfError, whatever the bytes", () => {
    const sections = imageDebugSections(typedImage());
    const table = sections.find(({ name }) => name === ".debug_line")!.data;
    const damage = fc.array(fc.tuple(fc.nat(table.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(table.length), (changes, length) => {
        const bytes = table.slice(0, length);
        for (const [at, value] of changes) if (at < length) bytes[at] = value;
        try {
          expect(readLineRows(() => bytes).length).toBeLessThanOrEqual(length);
        } catch (error) {
          expect(error).toBeInstanceOf(ElfError);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("finds what was written: any lines, columns and files, to the end of the code", () => {
    const row = fc.record({
      distance: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 3000 })),
      file: fc.constantFrom("a.ts", "b.ts"),
      line: fc.oneof(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 100_000 })),
      column: fc.nat(200),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), (rows) => {
        let offset = 0;
        const lines = rows.map(({ distance, ...place }) => ({ offset: (offset += distance), ...place }));
        const size = offset + 9;
        const object = assemble(`.text\n.skip ${size}, 0x90`, { file: "a.s" });
        Object.assign(object.sections.find(({ name }) => name === ".text")!, { lines });
        const sections = imageDebugSections(link([object], { textAddress: 0x1000 }));
        const found = readLineRows((name) => sections.find((section) => section.name === name)?.data);
        const seen = found.map(({ address, file, line, column, isEnd }) =>
          isEnd ? { end: address } : { offset: address - 0x1000, file, line, column },
        );
        expect(seen).toEqual([...lines, { end: 0x1000 + size }]);
      }),
      {
        numRuns: 100,
        examples: [[[at(10, 1, 5), at(1, 65, 0), at(1, 4, 3), at(1, 4, 7)]], [[at(3, 80, 1), at(1, 74, 1)]]],
      },
    );
    function at(distance: number, line: number, column: number) {
      return { distance, file: "a.ts", line, column };
    }
  });

  it("finds none where there are none", () => {
    expect(readLineRows(() => undefined)).toEqual([]);
    expect(readLineRows(() => new Uint8Array(0))).toEqual([]);
  });
});
