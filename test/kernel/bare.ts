/** Hosted functions on a bare machine: flat protected mode, no paging, no kernel. For tests of the functions themselves. */
import { assemble, link } from "../../asm/index.ts";
import { Machine } from "../../emulator/index.ts";
import { Bridge } from "../../kernel/host/bridge.ts";
import { type KernelHost, with_context } from "../../kernel/host/context.ts";
import { HostedMemory } from "../../kernel/host/hosted-memory.ts";
import { hosted_object } from "../../kernel/host/hosted-object.ts";
import { in_order, KernelImage } from "../../kernel/host/kernel-image.ts";
import { object_of } from "../../kernel/host/kernel-module.ts";

const GDT = 0x800;
const TEXT = 0x100000;
const CODE = 8;
const DATA = 16;

export interface Bare {
  readonly machine: Machine;
  readonly image: KernelImage;
  /** Why hosted functions failed, each with the EIP of its step. */
  readonly failures: { readonly eip: number; readonly why: string }[];
  readonly symbol: (name: string) => number;
  /** The 32-bit value at a symbol. */
  readonly word: (name: string, index?: number) => number;
  /** Looks at the modules' data. */
  inspect<T>(look: () => T): T;
}

/** Links `source` (entry `_start`) with modules, and stands ready at _start with ESP = stack_top. */
export function bare(source: string, ...namespaces: object[]): Bare {
  const modules = in_order(namespaces.map(object_of));
  let step = 0;
  const objects = modules.map((module) => {
    const { object } = hosted_object(module, step, 2, new Set(["CONFIG_SMP", "CONFIG_LOCKS"]));
    for (const { code } of module.functions) step += code.count;
    return object;
  });
  const linked = link([assemble(source, { file: "bare.S" }), ...objects], {
    textAddress: TEXT,
    layout: [
      { name: ".text", inputs: [".text"], start: "_text", end: "_etext" },
      { name: ".rodata", inputs: [".rodata"] },
      { name: ".data", inputs: [".data"], align: 4096 },
      { name: ".bss", inputs: [".bss"], align: 4096 },
    ],
  });
  const image = KernelImage.from_linked(linked, modules, () => new Uint8Array(0));
  const machine = new Machine({ memoryBytes: 4 << 20 });
  for (const { virtualAddress, data } of linked.segments) machine.load(data, virtualAddress);
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
  machine.setRegister("eip", linked.symbol("_start"));
  machine.setRegister("esp", linked.symbol("stack_top"));
  machine.setRegister("ebp", 0);
  const failures: { eip: number; why: string }[] = [];
  const host: KernelHost = { image, trace: () => {}, tracing: false };
  const bridge = new Bridge({
    host,
    steps: image.steps,
    lowest: 0x1000,
    end: 4 << 20,
    on_failure: (_core, eip, why) => failures.push({ eip, why }),
  });
  machine.attachBridge(bridge.hostcall);
  const read = (at: number) => new DataView(machine.readPhysical(at, 4).buffer).getInt32(0, true);
  const word = (name: string, index = 0) => read(linked.symbol(name) + 4 * index);
  const inspected = HostedMemory.of({
    read8: (at: number) => machine.readPhysical(at >>> 0, 1)[0],
    read16: (at: number) => read(at) & 0xffff,
    read32: (at: number) => read(at >>> 0),
    write8: () => {},
    write16: () => {},
    write32: () => {},
  });
  return {
    machine,
    image,
    failures,
    symbol: (name) => linked.symbol(name),
    word,
    inspect: (look) => with_context(undefined, host, inspected, look),
  };
}
