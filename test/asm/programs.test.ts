import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble, assembleBinary } from "../../asm/index.ts";
import { oracle } from "../oracles.ts";
import { describeObject, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

const hasPreprocessor = oracle("gcc", spawnSync("gcc", ["--version"]).status === 0);

const path = (name: string): URL => new URL(`sources/${name}`, import.meta.url);
const digest = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

describe("whole programs", () => {
  it("a real-mode setup that enters protected mode", () => {
    const source = readFileSync(path("setup.s"), "utf8");
    const object = describeObject(assemble(source, { file: "setup.s" }));
    if (hasGnuAs) expect(object).toBe(describeObject(gnuAssemble(source)));
    expect(digest(object)).toMatchInlineSnapshot(`"b51f989e1e55d75f"`);
  });

  it("a kernel's entry.S with everything the preprocessor does", () => {
    const object = describeObject(assemble(readFileSync(path("entry.S"), "utf8"), { file: "entry.S" }));
    if (hasGnuAs && hasPreprocessor) {
      const preprocessed = execFileSync("gcc", ["-E", "-P", path("entry.S").pathname], { encoding: "utf8" });
      expect(object).toBe(describeObject(gnuAssemble(preprocessed)));
    } else {
      console.warn("programs.test.ts: gcc or GNU as is NOT installed; comparison with them SKIPPED");
    }
    expect(digest(object)).toMatchInlineSnapshot(`"a59d19910b1a6a76"`);
  });
});

describe("assembleBinary", () => {
  it("makes a boot sector", () => {
    const sector = assembleBinary(
      '.code16\nstart: movw $message, %si\njmp start\nmessage: .asciz "hi"\n.org 510\n.word 0xaa55\n',
      { file: "boot.S", origin: 0x7c00 },
    );
    expect(sector.length).toBe(512);
    expect(Buffer.from(sector.subarray(0, 8)).toString("hex")).toBe("be057cebfb686900");
    expect([...sector.subarray(510)]).toEqual([0x55, 0xaa]);
  });

  it("puts data behind the code, and undefined symbols are errors", () => {
    const binary = assembleBinary("movl value,%eax\n.data\nvalue: .long 7", { file: "a.S", origin: 0x1000 });
    expect(Buffer.from(binary).toString("hex")).toBe("a105100000" + "07000000");
    expect(() => assembleBinary("call nowhere", { file: "a.S" })).toThrow(/nowhere/);
  });
});
