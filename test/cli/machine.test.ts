import { describe, expect, it } from "vitest";
import { MachineSession } from "./machine-session.ts";

describe("boot ways", () => {
  it("boots a Multiboot kernel with its command line and modules", async () => {
    const session = new MachineSession({ "greeting.txt": "hello\n" });
    expect(await session.esp0(["as", "--link", "0x100000", "-o", "multiboot.elf", "multiboot.S"])).toBe(0);
    const status = await session.esp0([
      ..."machine --memory 16 --multiboot multiboot.elf --module greeting.txt --append".split(" "),
      "a b",
    ]);
    expect(session.errors).toBe("");
    expect(session.output).toBe(
      "command line: a b\nmodule: hello\nKiB above 1 MiB: 00003c00\n00000000 + 0009fc00\n00100000 + 00f00000\n",
    );
    expect(status).toBe(1);
  });

  it("starts a ROM at the reset vector", async () => {
    const session = new MachineSession();
    await session.esp0(["as", "--format", "bin", "-o", "rom.bin", "rom.S"]);
    expect(await session.esp0(["machine", "--rom", "rom.bin@0xf0000"])).toBe(1);
    expect(session.output).toBe("The ROM runs.\n");
  });

  it("starts a raw image with chosen registers, and exits with what it writes", async () => {
    const session = new MachineSession();
    await session.esp0(["as", "--format", "bin", "--link", "0x10000", "-o", "raw.bin", "raw.S"]);
    expect(await session.esp0(["machine", "--load", "raw.bin@0x10000", "--reg", "ecx=10,esp=0x9000"])).toBe(
      (55 << 1) | 1,
    );
    expect(session.errors).toBe("55\n");
  });
});
