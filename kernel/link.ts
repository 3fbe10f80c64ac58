/** Linking the kernel: its own modules, or a choice of them with others, into a vmlinux at 0xC0100000. */
import { didYouMean, LinkError, nearNames } from "../asm/index.ts";
import { asm_offsets } from "./arch/i386/asm-offsets.ts";
import { sys_call_table } from "./arch/i386/kernel/syscalls.ts";
import { headers, sources } from "./arch/i386/sources.ts";
import {
  type Configuration,
  configuration,
  configuration_symbols,
  configured_variables,
  every_symbol,
} from "./configuration.ts";
import type { KernelImage } from "./host/kernel-image.ts";
import { type FunctionDeclaration, type KernelModule, object_of } from "./host/kernel-module.ts";
import { build_id, type KernelParts, kernel_from_elf, link_modules } from "./host/link.ts";
import { PAGE_OFFSET } from "./include/asm/page.ts";
import { kernel_modules } from "./modules.ts";

const KERNEL_START = PAGE_OFFSET + 0x100000;

/** What to link. */
export interface KernelLinkOptions {
  /** Modules beside the kernel's own: `import * as demo from "./demo.ts"`. */
  readonly modules?: readonly object[];
  /** Which of the kernel's own modules go in, by file (`kernel/kernel/sched.ts`); all by default. */
  readonly include?: (file: string) => boolean;
  /** What kernel it is to be; keys that are not given are as in Linux 2.4 on one CPU. */
  readonly config?: Partial<Configuration>;
  /** Initial values of the kernel's variables: `{ jiffies: 0xffff0000 }`. */
  readonly variables?: Readonly<Record<string, number>>;
  /** Functions for entries of sys_call_table, by number from 0 to 511: `{ 250: "sys_mine" }`. */
  readonly system_calls?: Readonly<Record<number, string>>;
}

/** Entries of sys_call_table for functions that no other object can refer to. `message` holds a line for each. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";

  constructor(readonly calls: readonly UnknownCall[]) {
    super(calls.map(({ number, why }) => `system call ${number}: ${why}`).join("\n"));
  }
}

export interface UnknownCall {
  readonly number: number;
  readonly symbol: string;
  readonly why: string;
  /** FILE:LINE:COLUMN of the function, if there is one. */
  readonly place: string | undefined;
}

/** @param own modules beside the kernel's @throws SystemCallError */
function check_system_calls(
  calls: Readonly<Record<number, string>>,
  modules: readonly KernelModule[],
  own: readonly KernelModule[],
): void {
  const unknown: UnknownCall[] = [];
  for (const [number, symbol] of Object.entries(calls)) {
    const declared = modules.flatMap(({ functions }) => functions.filter(({ name }) => name === symbol));
    const in_assembly = sources.some(({ text }) => index_of_label(text, symbol) >= 0);
    if (in_assembly || declared.some(({ is_global }) => is_global)) continue;
    const table = declared[0]?.code.table;
    const why =
      table === undefined
        ? `no module has a function ${symbol}${instead_of(symbol, modules, own)}`
        : `${symbol} is not exported; write \`export const ${symbol} = …\``;
    const place = declared[0] && place_of(declared[0]);
    unknown.push({ number: Number(number), symbol, why, place });
  }
  if (unknown.length > 0) throw new SystemCallError(unknown);
}

/** What modules beside the kernel's define, and something before them defines already. `message` holds a line for each. */
export class DefinedTwiceError extends LinkError {}

/** @param own modules beside the kernel's, which are the last of `modules` @throws DefinedTwiceError */
function check_definitions(modules: readonly KernelModule[], own: readonly KernelModule[]): void {
  if (own.length === 0) return;
  // Where a function stands is asked only of those that are defined twice: its table is made with its steps.
  const places = new Map<string, () => string>();
  const twice: string[] = [];
  for (const module of modules) {
    for (const declaration of [...module.functions, ...module.data].filter(({ is_global }) => is_global)) {
      const { name } = declaration;
      const place = () => ("code" in declaration ? place_of(declaration) : undefined) ?? module.file;
      const before = own.includes(module) ? (places.get(name)?.() ?? place_of_label(name)) : undefined;
      if (before === undefined) places.set(name, place);
      else twice.push(`${place()}: ${name} is defined already, in ${before}; give it another name`);
    }
  }
  if (twice.length > 0) throw new DefinedTwiceError(twice);
}

/** FILE:LINE:COLUMN of a hosted function. */
function place_of({ code: { table } }: FunctionDeclaration): string | undefined {
  return table && `${table.file}:${table.start.join(":")}`;
}

/** FILE:LINE of a label of the kernel's assembly. */
function place_of_label(symbol: string): string | undefined {
  for (const { file, text } of sources) {
    const index = index_of_label(text, symbol);
    if (index >= 0) return `${file}:${text.slice(0, index).split("\n").length}`;
  }
  return undefined;
}

/** What else could be meant by the name of a function that there is not. */
function instead_of(symbol: string, modules: readonly KernelModule[], own: readonly KernelModule[]): string {
  const known = (from: readonly KernelModule[]) =>
    from.flatMap(({ functions }) => functions.filter(({ is_global }) => is_global).map(({ name }) => name));
  const near = nearNames(symbol, known(modules));
  if (near.length > 0) return didYouMean(near);
  const there = known(own);
  if (there.length > 0) return `; there is ${there.join(", ")} in ${own.map(({ file }) => file).join(", ")}`;
  return "; give its module with --module FILE.ts";
}

/** Where assembly defines a label, or begins a function by the macro of <linux/linkage.h>: -1 when it does not. */
function index_of_label(text: string, symbol: string): number {
  return text.search(new RegExp(`^(?:${symbol}:|FUNCTION ${symbol}$)`, "m"));
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

function parts({
  modules = [],
  include = () => true,
  config = {},
  variables = {},
  system_calls = {},
}: KernelLinkOptions): KernelParts {
  const own = [...new Set(modules.map(object_of))];
  const whole = configuration(config);
  const configured = configuration_symbols(whole);
  const chosen: KernelModule[] = [
    ...kernel_modules(configured)
      .filter(({ file }) => include(file))
      .map((module) => with_system_calls(module, system_calls)),
    ...own,
  ];
  check_definitions(chosen, own);
  check_system_calls(system_calls, chosen, own);
  return {
    modules: chosen,
    sources: sources.filter(({ configured_by }) => configured_by === undefined || configured.has(configured_by)),
    headers,
    defines: asm_offsets(chosen.flatMap(({ structs }) => structs)),
    config: { ...configured_variables(whole), ...variables },
    configured,
    text_address: KERNEL_START,
    page_offset: PAGE_OFFSET,
  };
}

/**
 * Links a kernel: assembly sources and the objects of hosted modules, loaded at physical 1 MiB.
 * @throws SystemCallError for functions of `system_calls` that there are not
 * @throws DefinedTwiceError for what `modules` define and another module or the kernel defines too
 * @throws LinkError for symbols that are missing, or defined twice otherwise; ConfigurationError; RangeError for a variable that there is not
 * @throws TypeError for a module that was not compiled
 */
export function link_kernel(options: KernelLinkOptions = {}): KernelImage {
  return link_modules(parts(options));
}

/**
 * The kernel in a vmlinux file, or undefined when it was not made from this very source.
 * @param config what kernel it has to be
 */
export function prebuilt_kernel(vmlinux: Uint8Array, config: Partial<Configuration> = {}): KernelImage | undefined {
  return kernel_from_elf(vmlinux, parts({ config }));
}

/** Tells esp0's own kernels of different source apart, however they are configured: hexadecimal. */
export function kernel_sources_id(): string {
  const modules = kernel_modules(every_symbol);
  const id = build_id({
    modules,
    sources,
    headers,
    defines: asm_offsets(modules.flatMap(({ structs }) => structs)),
    config: {},
    configured: every_symbol,
    text_address: KERNEL_START,
    page_offset: PAGE_OFFSET,
  });
  return id.toString(16);
}

const linked = new Map<string, KernelImage>();

/**
 * The kernel without modules beside its own, linked once for the process and each configuration.
 * @throws ConfigurationError
 */
export function kernel_image(config: Partial<Configuration> = {}): KernelImage {
  const key = JSON.stringify(configuration(config));
  let image = linked.get(key);
  if (image === undefined) linked.set(key, (image = link_kernel({ config })));
  return image;
}
