/** The package as those who install it see it: by its own name, through its `exports`. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { DIST } from "./dist.ts";

const PROGRAM = `
import { Machine } from "esp0";
import { assemble, link, writeExecutable } from "esp0/asm";
import { bootRaw } from "esp0/boot";
import { initramfs, Kernel } from "esp0/kernel";
const source = ".globl _start\\n_start: movl $1, %eax\\n movl $9, %ebx\\n int $0x80\\n";
const elf = writeExecutable(link([assemble(source, { file: "nine.S" })], {}));
const kernel = new Kernel({ initramfs: initramfs({ "/init": elf }) });
const stop = kernel.run({ maxInstructions: 1_000_000 });
console.log(JSON.stringify([stop, kernel.machine instanceof Machine, typeof bootRaw]));
`;

describe("the package", () => {
  it("exports the emulator, the boot loaders, the assembler and the kernel", () => {
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", PROGRAM], { encoding: "utf8" });
    expect(JSON.parse(output)).toEqual([{ kind: "exit", status: 9 }, true, "function"]);
  });

  it("has types and a file for every export", () => {
    const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const { types, default: file } of Object.values<{ types: string; default: string }>(exports)) {
      expect(existsSync(types), types).toBe(true);
      expect(existsSync(file), file).toBe(true);
      expect(resolve(file).startsWith(DIST)).toBe(true);
    }
  });
});
