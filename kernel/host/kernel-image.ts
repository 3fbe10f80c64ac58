/** The linked kernel: where everything is, and how to make one. */
import {
  assemble,
  type ElfFile,
  elfLines,
  type LinkedImage,
  type LinkedLine,
  link,
  type OutputSectionLayout,
} from "../../asm/index.ts";
import { asm_offsets } from "../arch/i386/asm-offsets.ts";
import { sources } from "../arch/i386/sources.ts";
import { PAGE_OFFSET } from "../include/asm/page.ts";
import type { SymbolSource } from "./context.ts";
import { declarations } from "./declarations.ts";
import { hosted_object } from "./hosted-object.ts";

const KERNEL_START = PAGE_OFFSET + 0x100000;
/** An absolute symbol whose value tells whether an image on disk was made from these declarations and sources. */
const BUILD_ID = "__kernel_build_id";

const layout: readonly OutputSectionLayout[] = [
  { name: ".text", inputs: [".text.head", ".text", ".fixup"], start: "_text", end: "_etext" },
  { name: "__ex_table", inputs: ["__ex_table"], align: 16, start: "__start___ex_table", end: "__stop___ex_table" },
  { name: ".rodata", inputs: [".rodata", ".rodata.*"], align: 16 },
  { name: ".data.init_task", inputs: [".data.init_task"], align: 8192 },
  { name: ".data.page_aligned", inputs: [".data.page_aligned"], align: 4096 },
  { name: ".data", inputs: [".data", ".data.*"], align: 16, end: "_edata" },
  { name: ".bss.page_aligned", inputs: [".bss.page_aligned"], align: 4096 },
  { name: ".bss", inputs: [".bss", "COMMON"], align: 16, start: "__bss_start", end: "__bss_stop" },
];

/** FNV-1a over everything an image is made from. */
function build_id(): number {
  let hash = 0x811c9dc5;
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  };
  const { functions, data } = declarations();
  for (const { name, id, locals } of functions) add(`${name} ${id} ${locals};`);
  for (const { name, size, alignment, section, words, bytes } of data)
    add(`${name} ${size} ${alignment} ${section} ${words} ${bytes};`);
  for (const [name, value] of Object.entries(asm_offsets())) add(`${name}=${value};`);
  for (const { text } of sources) add(text);
  return hash >>> 0;
}

/** Assembles and links the kernel: vmlinux, at 0xC0100000, loaded at physical 1 MiB. */
export function link_kernel(): LinkedImage {
  const defines = asm_offsets();
  const objects = sources.map(({ file, text }) => assemble(text, { file, defines }));
  return link([...objects, hosted_object()], {
    entry: "startup_32",
    textAddress: KERNEL_START,
    layout,
    physicalOffset: PAGE_OFFSET,
    endSymbol: "_end",
    symbols: { [BUILD_ID]: build_id() },
  });
}

interface ImageSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly type: string;
}

interface ImageSegment {
  readonly physicalAddress: number;
  readonly data: Uint8Array;
  readonly memorySize: number;
}

/** A kernel ready to be loaded: its contents by physical address, and its symbols. */
export class KernelImage implements SymbolSource {
  private readonly addresses = new Map<string, number>();
  /** Symbols of .text in order of address. */
  private readonly text: readonly ImageSymbol[];

  constructor(
    /** Linear address of startup_32. */
    readonly entry: number,
    readonly segments: readonly ImageSegment[],
    readonly symbols: readonly ImageSymbol[],
    /** Source lines of the `.S` files by address: an entry for each instruction. */
    readonly lines: readonly LinkedLine[] = [],
  ) {
    for (const { name, address } of symbols) this.addresses.set(name, address);
    const start = this.symbol("_text");
    const end = this.symbol("_etext");
    this.text = symbols
      .filter(
        ({ type, address, name }) =>
          address >= start && address < end && (type === "function" || (type === "notype" && name !== "_text")),
      )
      .sort((a, b) => a.address - b.address || b.size - a.size);
  }

  static from_linked({ entry, segments, symbols, lines }: LinkedImage): KernelImage {
    return new KernelImage(entry, segments, symbols, lines);
  }

  /** The kernel in a vmlinux file, or undefined when it was not made from this very source. */
  static from_elf(elf: ElfFile): KernelImage | undefined {
    const segments = elf.segments.filter(({ type }) => type === 1);
    const image = new KernelImage(
      elf.entry,
      segments.map(({ physicalAddress, data, memorySize }) => ({ physicalAddress, data, memorySize })),
      elf.symbols
        .filter(({ name }) => name !== "")
        .map(({ name, value, size, type }) => ({ name, address: value, size, type })),
      elfLines(elf),
    );
    return image.addresses.get(BUILD_ID) === build_id() ? image : undefined;
  }

  symbol(name: string): number {
    const address = this.addresses.get(name);
    if (address === undefined) throw new RangeError(`the kernel has no symbol ${name}`);
    return address;
  }

  private enclosing(address: number): ImageSymbol | undefined {
    let low = 0;
    let high = this.text.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.text[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    for (let i = low - 1; i >= 0 && i > low - 8; i--) {
      const candidate = this.text[i];
      if (candidate.type === "function" && address < candidate.address + Math.max(candidate.size, 1)) return candidate;
    }
    return this.text[low - 1];
  }

  function_at(address: number): string | undefined {
    if (address < this.symbol("_text") || address >= this.symbol("_etext")) return undefined;
    return this.enclosing(address)?.name;
  }

  symbolize(address: number): string {
    const at = address >>> 0;
    if (this.function_at(at) === undefined) return `0x${at.toString(16).padStart(8, "0")}`;
    const { name, address: start, size } = this.enclosing(at)!;
    return `${name}+0x${(at - start).toString(16)}/0x${size.toString(16)}`;
  }
}

let linked: KernelImage | undefined;

/** The kernel linked from source, once for the process. */
export function kernel_image(): KernelImage {
  linked ??= KernelImage.from_linked(link_kernel());
  return linked;
}
