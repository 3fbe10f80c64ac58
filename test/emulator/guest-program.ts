/** The self-checking guest programs of test/guests: building them, and running them here and under QEMU. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemble, link, type OutputSectionLayout, writeExecutable } from "../../asm/index.ts";
import { bootMultiboot } from "../../boot/index.ts";
import { Machine } from "../../emulator/index.ts";
import { oracle } from "../oracles.ts";

const GUESTS = new URL("../guests/", import.meta.url);
const QEMU = "qemu-system-i386";
const MEMORY_MIB = 32;
const LOAD_ADDRESS = 0x100000;
/** Low, so that a character on the serial line takes few instructions. */
const CPU_HZ = 1_000_000;
const MAX_INSTRUCTIONS = 4_000_000;
const QEMU_TIMEOUT = 30_000;

/** The Multiboot header has to come first. */
const LAYOUT: readonly OutputSectionLayout[] = [
  { name: ".text", inputs: [".multiboot", ".text"] },
  { name: ".rodata", inputs: [".rodata"] },
  { name: ".data", inputs: [".data"] },
  { name: ".bss", inputs: [".bss"] },
];

/** What a program printed, and how its run ended. */
export interface GuestRun {
  readonly lines: readonly string[];
  /** The value written to the exit port, or what happened instead. */
  readonly end: number | string;
}

const LIBRARY = ["lib.S", "checks.S"];

/** Names of the programs, without `.S`. */
export const guestPrograms: readonly string[] = readdirSync(GUESTS)
  .filter((file) => file.endsWith(".S") && !LIBRARY.includes(file))
  .map((file) => file.slice(0, -2))
  .sort();

export const hasQemu = oracle(QEMU, spawnSync(QEMU, ["--version"]).status === 0);

/** The ELF file of a program, with a Multiboot header. */
export function buildGuest(name: string): Uint8Array {
  const objects = [`${name}.S`, ...LIBRARY].map((file) =>
    assemble(readGuest(file), { file, include: (included) => ({ file: included, text: readGuest(included) }) }),
  );
  return writeExecutable(link(objects, { textAddress: LOAD_ADDRESS, layout: LAYOUT }));
}

function readGuest(file: string): string {
  return readFileSync(new URL(file, GUESTS), "utf8");
}

/** Runs a program on our machine. */
export function runGuest(elf: Uint8Array): GuestRun {
  const machine = new Machine({ memoryBytes: MEMORY_MIB << 20, cpuHz: CPU_HZ });
  let output = "";
  machine.onSerialOutput = (byte) => {
    output += String.fromCharCode(byte);
  };
  bootMultiboot(machine, { kernel: elf });
  const stop = machine.run({ maxInstructions: MAX_INSTRUCTIONS });
  return { lines: linesOf(output), end: stop.kind === "exit" ? stop.value : stop.kind };
}

/** Runs a program under QEMU. A guest that shuts down ends as "triple-fault", as here. */
export function runGuestUnderQemu(name: string, elf: Uint8Array): Promise<GuestRun> {
  const directory = mkdtempSync(join(tmpdir(), "guest-"));
  const file = join(directory, name);
  writeFileSync(file, elf);
  const serial = join(directory, "serial");
  const devices = "-nodefaults -display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4";
  // To a file: what a pipe cannot take at once, QEMU loses when the guest ends it.
  const port = ["-serial", `file:${serial}`];
  const child = spawn(QEMU, ["-kernel", file, "-m", String(MEMORY_MIB), ...port, ...devices.split(" ")], {
    stdio: "ignore",
    timeout: QEMU_TIMEOUT,
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      const output = readFileSync(serial, "latin1");
      rmSync(directory, { recursive: true });
      const end = status === null ? `killed by ${signal}` : status === 0 ? "triple-fault" : status >> 1;
      resolve({ lines: linesOf(output), end });
    });
  });
}

function linesOf(output: string): string[] {
  return output.replaceAll("\r", "").split("\n").slice(0, -1);
}
