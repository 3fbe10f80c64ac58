/** Follows a call of a kernel function with telling values in the registers that it has to preserve. */
import type { BootedKernel } from "./booted-kernel.ts";
import { CALLEE_SAVED, type CalleeSaved, FREE_CALLEE_SAVED } from "./registers.ts";

/** Bytes from ESP at a function's first instruction to ESP behind its `ret`. */
const RETURN_ADDRESS = 4;
/** What the registers of a call are filled with: the number of the call, a byte for the register, a byte that stands out. */
const FILL: Readonly<Record<(typeof FREE_CALLEE_SAVED)[number], number>> = { ebx: 0xb0, esi: 0x51, edi: 0xd1 };
const STANDS_OUT = 0x5a;

interface Call {
  /** Where it returns to, and ESP there. */
  readonly back: number;
  readonly esp: number;
  readonly pid: number | undefined;
  /** As the caller had them. */
  readonly own: CalleeSaved;
  /** As the function found them. */
  readonly before: CalleeSaved;
}

/** What became of a call's registers. */
export interface FollowedCall extends Pick<Call, "back" | "pid" | "before"> {
  readonly after: CalleeSaved;
}

/**
 * Runs through the next call of a function until it has returned on the stack it was called on. EBX, ESI and EDI have
 * values that nobody else has from its first instruction on, and so they have at each call of it in between, by whatever
 * task: a value that is not restored cannot be right by chance. Behind its call each caller finds its own again.
 * @throws KernelStoppedError when it does not return
 */
export function followCall(kernel: BootedKernel, symbol: string): FollowedCall {
  const entry = kernel.symbol(symbol);
  kernel.runToSymbol(symbol);
  const doing = `following ${symbol} to its return`;
  let calls = 0;
  const first = enter(kernel, calls++);
  const open = [first];
  for (const end = kernel.position + kernel.budget; ; ) {
    kernel.runToAny([entry, ...open.map(({ back }) => back)], doing);
    const { eip, esp } = kernel.registers();
    if (eip === entry) open.push(enter(kernel, calls++));
    const at = open.findIndex((call) => call.back === eip && call.esp === esp);
    if (at >= 0) {
      const [call] = open.splice(at, 1);
      const after = kernel.registers();
      for (const name of FREE_CALLEE_SAVED)
        if (after[name] === call.before[name]) kernel.setRegister(name, call.own[name]);
      if (call === first) return { back: first.back, pid: first.pid, before: first.before, after };
    }
    if (kernel.position > end) throw kernel.givenUp(doing);
  }
}

function enter(kernel: BootedKernel, number: number): Call {
  const own = kernel.registers();
  for (const name of FREE_CALLEE_SAVED) {
    kernel.setRegister(name, ((STANDS_OUT << 24) | (FILL[name] << 16) | (number & 0xffff)) >>> 0);
  }
  const before = kernel.registers();
  const pid = kernel.current()?.pid;
  return { back: kernel.word(own.esp), esp: own.esp + RETURN_ADDRESS, pid, own: picked(own), before: picked(before) };
}

function picked(registers: CalleeSaved): CalleeSaved {
  return Object.fromEntries(CALLEE_SAVED.map((name) => [name, registers[name]])) as unknown as CalleeSaved;
}
