/** Links hosted modules and assembly sources into a kernel. */
import {
  assemble,
  type ElfFile,
  elfLines,
  imageDebugSections,
  LinkError,
  type LinkedImage,
  link,
  type OutputSectionLayout,
  readElf,
  writeExecutable,
} from "../../asm/index.ts";
import { debug_info } from "./debug-info.ts";
import { type HostedObject, hosted_object } from "./hosted-object.ts";
import { BUILD_ID, CPUS, in_order, KernelImage } from "./kernel-image.ts";
import type { KernelModule } from "./kernel-module.ts";
import { stack_symbols } from "./stack-layout.ts";

const layout: readonly OutputSectionLayout[] = [
  { name: ".text", inputs: [".text.head", ".text", ".fixup"], start: "_text", end: "_etext" },
  { name: "__ex_table", inputs: ["__ex_table"], align: 16, start: "__start___ex_table", end: "__stop___ex_table" },
  { name: ".rodata", inputs: [".rodata", ".rodata.*"], align: 16 },
  { name: ".data.init_task", inputs: [".data.init_task"], align: 8192, start: "_sdata" },
  { name: ".data.page_aligned", inputs: [".data.page_aligned"], align: 4096 },
  { name: ".data", inputs: [".data", ".data.*"], align: 16, end: "_edata" },
  { name: ".bss.page_aligned", inputs: [".bss.page_aligned"], align: 4096 },
  { name: ".bss", inputs: [".bss", "COMMON"], align: 16, start: "__bss_start", end: "__bss_stop" },
];

/** What a kernel is linked from. */
export interface KernelParts {
  readonly modules: readonly KernelModule[];
  /** Assembly sources, each with the name that messages and line numbers give it. */
  readonly sources: readonly { readonly file: string; readonly text: string }[];
  /** What the sources include, by name. */
  readonly headers: Readonly<Record<string, { readonly file: string; readonly text: string }>>;
  /** Absolute symbols for the assembler. */
  readonly defines: Readonly<Record<string, number>>;
  /** Initial values of variables, by name, instead of those they are declared with. */
  readonly config: Readonly<Record<string, number>>;
  /**
   * What it is configured by, which `.S` files see defined as 1. With CONFIG_SMP it is for several CPUs: `defines` says for how
   * many (NR_CPUS).
   */
  readonly configured: ReadonlySet<string>;
  /** Linear address of .text, and of physical address 0. */
  readonly text_address: number;
  readonly page_offset: number;
}

/** FNV-1a over everything an image is made from; of compiled functions, their digests. */
export function build_id({ modules, sources, headers, defines, config, configured }: KernelParts): number {
  let hash = 0x811c9dc5;
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  };
  for (const { file, functions, data } of modules) {
    add(file);
    for (const { name, code, is_global } of functions) {
      add(`${name} ${is_global} ${code.digest};`);
    }
    for (const { name, size, alignment, section, words, bytes, is_global } of data)
      add(`${name} ${is_global} ${size} ${alignment} ${section} ${words} ${bytes};`);
  }
  for (const [name, value] of [...Object.entries(defines), ...Object.entries(config)]) add(`${name}=${value};`);
  add(`${[...configured]};`);
  for (const { text } of [...sources, ...Object.values(headers)]) add(text);
  return hash >>> 0;
}

/** @throws RangeError for a name that is no variable with an initial value */
function with_values(module: KernelModule, config: Readonly<Record<string, number>>, used: Set<string>): KernelModule {
  if (!module.data.some(({ name, words }) => words !== undefined && Object.hasOwn(config, name))) return module;
  const data = module.data.map((declaration) => {
    if (declaration.words === undefined || !Object.hasOwn(config, declaration.name)) return declaration;
    used.add(declaration.name);
    return { ...declaration, words: [config[declaration.name]] };
  });
  return module.with_data(data);
}

/**
 * Assembles and links a kernel.
 * @throws LinkError for what the objects lack or define twice
 * @throws RangeError for configuration of what no module declares
 */
export function link_modules(parts: KernelParts): KernelImage {
  const ordered = in_order(parts.modules);
  const smp = parts.configured.has("CONFIG_SMP");
  const cpus = smp ? parts.defines.NR_CPUS : 1;
  const symbols = Object.fromEntries([...parts.configured].map((name) => [name, 1]));
  const used = new Set<string>();
  const objects: HostedObject[] = [];
  let step = 0;
  for (const module of ordered) {
    objects.push(hosted_object(with_values(module, parts.config, used), step, cpus, parts.configured));
    for (const { code } of module.functions) step += code.count;
  }
  for (const name of Object.keys(parts.config)) {
    if (!used.has(name)) throw new RangeError(`config: no module declares a variable ${name} with an initial value`);
  }
  const { headers } = parts;
  const defines = { ...parts.defines, ...symbols };
  const include = (name: string) => headers[name];
  const assembled = parts.sources.map(({ file, text }) => assemble(text, { file, defines, include }));
  const linked = link([...assembled, ...objects.map(({ object }) => object)], {
    entry: "startup_32",
    textAddress: parts.text_address,
    layout,
    physicalOffset: parts.page_offset,
    endSymbol: "_end",
    symbols: {
      [BUILD_ID]: build_id({ ...parts, modules: ordered }),
      ...symbols,
      ...stack_symbols(defines),
      ...(smp ? { [CPUS]: cpus } : {}),
    },
  });
  check_externs(ordered, linked, parts.configured);
  return KernelImage.from_linked(
    linked,
    ordered,
    once(() => executable(linked, ordered, cpus)),
  );
}

/** @throws LinkError for functions that modules call and nothing defines: a call of one would go to address 0 */
function check_externs(
  modules: readonly KernelModule[],
  { symbols }: LinkedImage,
  configured: ReadonlySet<string>,
): void {
  const defined = new Set(symbols.filter(({ binding }) => binding !== "local").map(({ name }) => name));
  const missing = modules.flatMap(({ file, externs }) =>
    externs
      .filter(
        ({ name, configured_by }) =>
          !defined.has(name) && (configured_by === undefined || configured.has(configured_by)),
      )
      .map(({ name }) => `${file}: ${name} is declared with asm_function, and nothing that is linked defines it`),
  );
  if (missing.length > 0) throw new LinkError(missing);
}

function executable(linked: LinkedImage, modules: readonly KernelModule[], cpus: number): Uint8Array {
  return writeExecutable(linked, imageDebugSections(linked, debug_info(modules, cpus)));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The kernel in a vmlinux file, or undefined when it was not made from these very parts. */
export function kernel_from_elf(bytes: Uint8Array, parts: KernelParts): KernelImage | undefined {
  const elf: ElfFile = readElf(bytes);
  const ordered = in_order(parts.modules);
  const id = elf.symbols.find(({ name }) => name === BUILD_ID)?.value;
  if (id !== build_id({ ...parts, modules: ordered })) return undefined;
  return KernelImage.from_elf(elf, () => elfLines(elf), ordered, bytes);
}
