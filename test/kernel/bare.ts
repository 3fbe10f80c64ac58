/** Hosted functions on a bare machine: flat protected mode, no paging, no kernel. For tests of the bridge itself. */
import { assemble, link } from "../../asm/index.ts";
import { Machine } from "../../emulator/index.ts";
import { Bridge } from "../../kernel/host/bridge.ts";
import type { KernelHost } from "../../kernel/host/context.ts";
import { hosted_object } from "../../kernel/host/hosted-object.ts";

const GDT = 0x800;
const TEXT = 0x100000;
const CODE = 8;
const DATA = 16;

export interface Bare {
  readonly machine: Machine;
  readonly bridge: Bridge;
  readonly symbol: (name: string) => number;
  /** The 32-bit value at a symbol. */
  readonly word: (name: string, index?: number) => number;
}

/** Links `source` (entry `_start`) with every hosted function declared, and stands ready at _start with ESP = stack_top. */
export function bare(source: string): Bare {
  const image = link([assemble(source, { file: "bare.S" }), hosted_object()], { textAddress: TEXT });
  const machine = new Machine({ memoryBytes: 4 << 20 });
  for (const { virtualAddress, data } of image.segments) machine.load(data, virtualAddress);
  const gdt = new DataView(new ArrayBuffer(24));
  gdt.setUint32(CODE, 0xffff, true);
  gdt.setUint32(CODE + 4, 0x00cf9a00, true);
  gdt.setUint32(DATA, 0xffff, true);
  gdt.setUint32(DATA + 4, 0x00cf9200, true);
  machine.load(new Uint8Array(gdt.buffer), GDT);
  machine.setRegister("gdtr_base", GDT);
  machine.setRegister("gdtr_limit", 23);
  machine.setRegister("cr0", 0x60000011);
  machine.setRegister("cs", CODE);
  for (const name of ["ds", "es", "ss"] as const) machine.setRegister(name, DATA);
  machine.setRegister("eip", image.symbol("_start"));
  machine.setRegister("esp", image.symbol("stack_top"));
  machine.setRegister("ebp", 0);
  const host: KernelHost = {
    image: {
      symbol: (name) => image.symbol(name),
      symbolize: (address) => `0x${address.toString(16)}`,
      function_at: (address) =>
        image.symbols.find((s) => s.type === "function" && address >= s.address && address < s.address + s.size)?.name,
    },
    exception_of: (ebp) => bridge.exception_of(ebp),
    trace: () => {},
    tracing: false,
  };
  const bridge = new Bridge(host);
  machine.attachBridge(bridge.hostcall);
  const word = (name: string, index = 0) =>
    new DataView(machine.readPhysical(image.symbol(name) + 4 * index, 4).buffer).getInt32(0, true);
  return { machine, bridge, symbol: (name) => image.symbol(name), word };
}
