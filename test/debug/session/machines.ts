/** Guests to debug, and what tells whether two of them are in the same state. */
import { assemble, flatBinary, link, writeExecutable } from "../../../asm/index.ts";
import { bootRaw, initramfs } from "../../../boot/index.ts";
import { DebugSession, type KernelSessionOptions, SymbolTable } from "../../../debug/session/index.ts";
import { crc32 } from "../../../emulator/crc32.ts";
import { Machine } from "../../../emulator/index.ts";

const ORIGIN = 0x10000;
const RAM = 8 << 20;

/** A machine in flat 32-bit protected mode about to run `source`, whose labels are its symbols. */
export function bareSession(source: string, historyBytes?: number): DebugSession {
  const image = link([assemble(PREPARE + source, { file: "bare.S" })], { textAddress: ORIGIN, pageSize: 1 });
  const code = flatBinary(image);
  const make = () => {
    const machine = new Machine({ memoryBytes: 1 << 20 });
    bootRaw(machine, { images: [{ name: "bare.S", bytes: code, address: ORIGIN }], mode: "protected" });
    return machine;
  };
  return DebugSession.forMachine(make, { symbols: SymbolTable.forImage(image), historyBytes });
}

const PREPARE = `
.globl _start
_start:
	movl $0x9000, %esp
`;

const CALLS = `
.set SYS_exit, 1
.set SYS_fork, 2
.set SYS_read, 3
.set SYS_write, 4
.set SYS_waitpid, 7
.set SYS_getpid, 20
.set SYS_sched_yield, 158
.globl _start
`;

export function program(source: string): Uint8Array {
  return writeExecutable(link([assemble(CALLS + source, { file: "init.S" })], {}));
}

/** A kernel at its reset with `source` as its /init. */
export function kernelSession(source: string, options: Partial<KernelSessionOptions> = {}): DebugSession {
  const init = program(source);
  return DebugSession.forKernel({
    memoryBytes: RAM,
    initramfs: initramfs({ "/init": init }),
    program: init,
    ...options,
  });
}

/** A number for all registers and all memory. */
export function stateOf({ machine }: DebugSession): string {
  const registers = machine.cores.map((core) => crc32(new Uint8Array(core.r.slice(0, 256).buffer)));
  const ram = crc32(machine.readPhysical(0, machine.memory.ramSize));
  return `${machine.instructions} ${machine.cycles} ${registers} ${ram}`;
}

/** Address of a symbol that must be there. */
export function at(session: DebugSession, symbol: string): number {
  const address = session.symbols.lookup(symbol);
  if (address === undefined) throw new Error(`no symbol ${symbol}`);
  return address;
}

/** Name and offset of the next instruction. */
export function place(session: DebugSession): string {
  return session.symbols.format(session.linearEip());
}
