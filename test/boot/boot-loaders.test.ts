/** Boot loaders that others wrote, from a disk and from a diskette: Debian's grub-pc-bin and syslinux. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assemble, assembleBinary, link, writeExecutable } from "../../asm/index.ts";
import { bootDisk } from "../../boot/index.ts";
import { Machine, type MachineOptions, type StopReason } from "../../emulator/index.ts";
import { oracle } from "../oracles.ts";

const GRUB_MODULES = "/usr/lib/grub/i386-pc";
const SECTOR = 512;
const BOOT_CODE = 440;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "esp0-boot-loaders-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function tool(name: string, ...args: string[]): void {
  execFileSync(name, args, { cwd: folder, env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
}

function has(...names: string[]): boolean {
  return names.every((name) => ["/usr/bin", "/usr/sbin", "/sbin", "/bin"].some((path) => existsSync(join(path, name))));
}

/** A long run, with rests in which the test runner hears of it. */
async function run(machine: Machine, millions: number): Promise<StopReason> {
  for (let done = 0; ; done++) {
    const stop = machine.run({ maxInstructions: 1_000_000 });
    if (stop.kind !== "budget" || done === millions) return stop;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A machine that has booted its disk or diskette, and what it says on COM1. */
async function booted(options: MachineOptions): Promise<{ readonly stop: StopReason; readonly output: string }> {
  const machine = new Machine(options);
  let output = "";
  machine.onSerialOutput = (byte) => {
    output += String.fromCharCode(byte);
  };
  bootDisk(machine);
  return { stop: await run(machine, 60), output };
}

/** Says on COM1 what the loader calls itself, and leaves with a status. */
const KERNEL = `
.section .multiboot, "ax"
	.long 0x1badb002, 0, -0x1badb002
.text
.globl _start
_start:
	cmpl $0x2badb002, %eax
	jne 3f
	movl 64(%ebx), %esi		# boot_loader_name
1:	lodsb
	testb %al, %al
	jz 2f
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 1b
2:	movl 20(%ebx), %eax		# mods_count
	addb $0x40, %al
	outb %al, $0xf4
3:	hlt
`;

describe.skipIf(!oracle("GRUB 2 (grub-mkimage)", has("grub-mkimage") && existsSync(`${GRUB_MODULES}/boot.img`)))(
  "GRUB 2",
  () => {
    /** A ustar archive of one file. */
    function tar(name: string, contents: Uint8Array): Uint8Array {
      const header = Buffer.alloc(SECTOR);
      header.write(name, 0);
      header.write("0000644\0" + "0000000\0" + "0000000\0", 100);
      header.write(`${contents.length.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0        0`, 124);
      header.write("ustar\0" + "00", 257);
      const sum = header.reduce((a, b) => a + b, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
      const padded = Buffer.alloc(Math.ceil(contents.length / SECTOR) * SECTOR);
      padded.set(contents);
      return Buffer.concat([header, padded, Buffer.alloc(2 * SECTOR)]);
    }

    it("comes up from a disk and boots a Multiboot kernel", { timeout: 180_000 }, async () => {
      const kernel = writeExecutable(
        link([assemble(KERNEL, { file: "kernel.S" })], {
          textAddress: 0x100000,
          layout: [{ name: ".text", inputs: [".multiboot", ".text"] }],
        }),
      );
      writeFileSync(join(folder, "memdisk.tar"), tar("kernel", kernel));
      writeFileSync(
        join(folder, "grub.cfg"),
        "serial --unit=0 --speed=115200\nterminal_output serial\necho loading\nmultiboot (memdisk)/kernel\nmodule (memdisk)/kernel\nboot\n",
      );
      const modules = ["biosdisk", "memdisk", "tar", "serial", "terminal", "echo", "multiboot", "boot", "normal"];
      tool(
        "grub-mkimage",
        ...["-O", "i386-pc", "-o", "core.img", "-c", "grub.cfg", "-m", "memdisk.tar", "-p", "(memdisk)/", ...modules],
      );
      const image = new Uint8Array(2 << 20);
      image.set(readFileSync(`${GRUB_MODULES}/boot.img`).subarray(0, BOOT_CODE));
      image.set([0x55, 0xaa], SECTOR - 2);
      image.set(readFileSync(join(folder, "core.img")), SECTOR);
      const { stop, output } = await booted({ disks: [{ image }] });
      expect(output).toMatch(/loading[\s\S]*GRUB 2\.\d+/);
      expect(stop).toEqual({ kind: "exit", value: 0x41 });
    });
  },
);

describe.skipIf(!oracle("SYSLINUX", has("syslinux", "mkfs.fat", "mcopy")))("SYSLINUX", () => {
  it("comes up from a FAT diskette and starts a boot sector", { timeout: 180_000 }, async () => {
    const sector = assembleBinary(
      `.code16
      movb $'!', %al
      movw $0x3f8, %dx
      outb %al, %dx
      movb $0x42, %al
      outb %al, $0xf4
      .org 510
      .word 0xaa55`,
      { file: "sector.S", origin: 0x7c00 },
    );
    writeFileSync(join(folder, "sector.bss"), sector);
    writeFileSync(join(folder, "syslinux.cfg"), "SERIAL 0 115200\nDEFAULT it\nLABEL it\n  KERNEL sector.bss\n");
    tool("mkfs.fat", "-C", "-F", "12", "floppy.img", "1440");
    tool("syslinux", "--install", "floppy.img");
    tool("mcopy", "-i", "floppy.img", "syslinux.cfg", "sector.bss", "::");
    const { stop, output } = await booted({ diskettes: [{ image: readFileSync(join(folder, "floppy.img")) }] });
    expect(output).toMatch(/SYSLINUX 6\.\d+[\s\S]*!$/);
    expect(stop).toEqual({ kind: "exit", value: 0x42 });
  });
});
