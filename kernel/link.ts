/** Linking the kernel: its own modules, or a choice of them with others, into a vmlinux at 0xC0100000. */
import { asm_offsets } from "./arch/i386/asm-offsets.ts";
import { sys_call_table } from "./arch/i386/kernel/syscalls.ts";
import { headers, sources } from "./arch/i386/sources.ts";
import type { KernelImage } from "./host/kernel-image.ts";
import { type KernelModule, object_of } from "./host/kernel-module.ts";
import { type KernelParts, kernel_from_elf, link_modules } from "./host/link.ts";
import { PAGE_OFFSET } from "./include/asm/page.ts";
import { kernel_modules } from "./modules.ts";

const KERNEL_START = PAGE_OFFSET + 0x100000;

/** What to link. */
export interface KernelLinkOptions {
  /** Modules beside the kernel's own: `import * as demo from "./demo.ts"`. */
  readonly modules?: readonly object[];
  /** Which of the kernel's own modules go in, by file (`kernel/kernel/sched.ts`); all by default. */
  readonly include?: (file: string) => boolean;
  /** Initial values of the kernel's variables: `{ HZ: 1000 }`. */
  readonly config?: Readonly<Record<string, number>>;
  /** Functions for entries of sys_call_table, by number from 0 to 511: `{ 250: "sys_mine" }`. */
  readonly system_calls?: Readonly<Record<number, string>>;
}

/** A module, with other entries in sys_call_table if it declares that. */
function with_system_calls(module: KernelModule, calls: Readonly<Record<number, string>>): KernelModule {
  if (!module.data.some(({ name }) => name === sys_call_table.symbol)) return module;
  const data = module.data.map((declaration) => {
    const { name, words } = declaration;
    if (name !== sys_call_table.symbol || words === undefined) return declaration;
    return { ...declaration, words: words.map((word, number) => calls[number] ?? word) };
  });
  return module.with_data(data);
}

function parts({ modules = [], include = () => true, config = {}, system_calls = {} }: KernelLinkOptions): KernelParts {
  const chosen: KernelModule[] = [
    ...kernel_modules()
      .filter(({ file }) => include(file))
      .map((module) => with_system_calls(module, system_calls)),
    ...new Set(modules.map(object_of)),
  ];
  return {
    modules: chosen,
    sources,
    headers,
    defines: asm_offsets(chosen.flatMap(({ structs }) => structs)),
    config,
    text_address: KERNEL_START,
    page_offset: PAGE_OFFSET,
  };
}

/**
 * Links a kernel: assembly sources and the objects of hosted modules, loaded at physical 1 MiB.
 * @throws LinkError for symbols that are missing or defined twice; RangeError for configuration that means nothing
 * @throws TypeError for a module that was not compiled
 */
export function link_kernel(options: KernelLinkOptions = {}): KernelImage {
  return link_modules(parts(options));
}

/** The kernel in a vmlinux file, or undefined when it was not made from this very source. */
export function prebuilt_kernel(vmlinux: Uint8Array): KernelImage | undefined {
  return kernel_from_elf(vmlinux, parts({}));
}

const linked: { image?: KernelImage } = {};

/** The kernel with all of its modules, linked once for the process. */
export function kernel_image(): KernelImage {
  linked.image ??= link_kernel();
  return linked.image;
}
