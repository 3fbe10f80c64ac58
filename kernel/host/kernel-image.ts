/** The linked kernel: what is loaded, where everything is, and the functions behind its hostcalls. */
import { type CallFrames, readCallFrames } from "../../asm/dwarf/reader/index.ts";
import { type ElfFile, type LinkedImage, type LinkedLine, readElf } from "../../asm/index.ts";
import type { CompiledCode, StepFunction } from "./compiled-code.ts";
import type { SymbolSource } from "./context.ts";
import type { KernelModule } from "./kernel-module.ts";
import { type StackLayout, stack_layout } from "./stack-layout.ts";
import type { Type } from "./types.ts";

const PT_LOAD = 1;
/** An absolute symbol: a number made of all that the kernel is linked from. */
export const BUILD_ID = "__kernel_build_id";

/** The absolute symbol that says for how many CPUs a kernel is that is for several. */
export const CPUS = "NR_CPUS";

interface ImageSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly type: string;
  readonly binding: string;
  /** The object that defines it. */
  readonly unit: string | undefined;
  /** undefined for absolute symbols, which are no places. */
  readonly section: unknown;
}

/** A variable, with `size` bytes for each CPU if it is one of every CPU's. */
interface ImageData {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly size: number;
  readonly type: Type | undefined;
}

interface ImageSegment {
  readonly physicalAddress: number;
  readonly data: Uint8Array;
  readonly memorySize: number;
}

/** Modules in the order in which their steps are numbered: by file, whatever order they were loaded in. */
export function in_order(modules: readonly KernelModule[]): KernelModule[] {
  return [...modules].sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : 0));
}

/** Gives what is to be done before the first step of a function, as part of it; undefined for nothing. */
export type EntryCheck = (code: CompiledCode, image: KernelImage) => StepFunction | undefined;

/** The steps of a kernel's modules, by number. */
export class Steps {
  /** The function that executes each step, and the number of the step in it. */
  readonly functions: StepFunction[] = [];
  readonly numbers: number[] = [];

  constructor(modules: readonly KernelModule[], check?: (code: CompiledCode) => StepFunction | undefined) {
    for (const module of modules) for (const { code } of module.functions) this.#add(module, code, check);
  }

  /** A function takes its places when one of its steps is executed first. */
  #add(
    module: KernelModule,
    code: CompiledCode,
    check: ((code: CompiledCode) => StepFunction | undefined) | undefined,
  ): void {
    const { functions, numbers } = this;
    const first = functions.length;
    const make: StepFunction = (core, ebp, memory, step) => {
      module.prepare();
      const { run } = code.lay_out();
      functions.fill(run, first, first + code.count);
      const before = check?.(code);
      if (before !== undefined) functions[first] = one_after_another(before, run);
      functions[first + step](core, ebp, memory, step);
    };
    for (let step = 0; step < code.count; step++) {
      functions.push(make);
      numbers.push(step);
    }
  }
}

function one_after_another(before: StepFunction, run: StepFunction): StepFunction {
  return (core, ebp, memory, step) => {
    before(core, ebp, memory, step);
    run(core, ebp, memory, step);
  };
}

/** A kernel ready to be loaded: its contents by physical address, and its symbols. */
export class KernelImage implements SymbolSource {
  readonly addresses: Uint32Array;
  readonly cpus: number;
  readonly stacks: StackLayout | undefined;
  readonly configured: ReadonlySet<string>;
  readonly steps: Steps;
  private readonly globals = new Map<string, number>();
  private known_lines: readonly LinkedLine[] | undefined;
  private known_call_frames: CallFrames | undefined;
  private readonly known_variables = new Map<string, number>();
  private readonly known_offsets = new Map<string, number>();
  private known_data: readonly ImageData[] | undefined;
  private checked: { readonly check: EntryCheck; readonly steps: Steps } | undefined;
  /** Symbols of .text in order of address. */
  private readonly text: readonly ImageSymbol[];

  constructor(
    /** Linear address of startup_32. */
    readonly entry: number,
    readonly segments: readonly ImageSegment[],
    readonly symbols: readonly ImageSymbol[],
    /** Reads the source lines; a run needs none. */
    private readonly read_lines: () => readonly LinkedLine[],
    /** What was linked, in order. */
    readonly modules: readonly KernelModule[],
    /** The vmlinux file, with debug information. */
    readonly elf: () => Uint8Array,
    /** What the linker made; undefined for a kernel from a file. */
    readonly linked?: LinkedImage,
  ) {
    for (const { name, address, binding } of symbols) {
      if (binding !== "local" || !this.globals.has(name)) this.globals.set(name, address);
    }
    this.cpus = this.globals.get(CPUS) ?? 1;
    this.stacks = stack_layout(this.globals);
    this.configured = new Set([...this.globals.keys()].filter((name) => name.startsWith("CONFIG_")));
    const start = this.symbol("_text");
    const end = this.symbol("_etext");
    this.text = symbols
      .filter(
        ({ type, address, name }) =>
          address >= start && address < end && (type === "function" || (type === "notype" && name !== "_text")),
      )
      .sort((a, b) => a.address - b.address || b.size - a.size);
    this.steps = new Steps(modules);
    this.addresses = this.#addresses();
  }

  static from_linked(linked: LinkedImage, modules: readonly KernelModule[], elf: () => Uint8Array): KernelImage {
    const { entry, segments, symbols, lines } = linked;
    return new KernelImage(entry, segments, symbols, () => lines, modules, elf, linked);
  }

  /** The kernel in a vmlinux file that was linked from these modules. */
  static from_elf(
    elf: ElfFile,
    lines: () => readonly LinkedLine[],
    modules: readonly KernelModule[],
    bytes: Uint8Array,
  ): KernelImage {
    let unit: string | undefined;
    const symbols: ImageSymbol[] = [];
    for (const { name, value, size, type, binding, section } of elf.symbols) {
      if (type === "file") unit = name;
      else if (name !== "")
        symbols.push({
          name,
          address: value,
          size,
          type,
          binding,
          unit: binding === "local" ? unit : undefined,
          section,
        });
    }
    const segments = elf.segments
      .filter(({ type }) => type === PT_LOAD)
      .map(({ physicalAddress, data, memorySize }) => ({ physicalAddress, data, memorySize }));
    return new KernelImage(elf.entry, segments, symbols, lines, modules, () => bytes);
  }

  /** Source lines by address: an entry for each instruction. */
  get lines(): readonly LinkedLine[] {
    this.known_lines ??= this.read_lines();
    return this.known_lines;
  }

  /** Where each function's caller has its registers, at any of its instructions. */
  get call_frames(): CallFrames {
    this.known_call_frames ??= readCallFrames(readElf(this.elf()));
    return this.known_call_frames;
  }

  /** The steps, with a check where functions begin. */
  checked_steps(check: EntryCheck): Steps {
    if (this.checked?.check !== check)
      this.checked = { check, steps: new Steps(this.modules, (code) => check(code, this)) };
    return this.checked.steps;
  }

  /**
   * The address of a variable as a module names it: its own, or one of another's that exports it.
   * @param field dots reach into nested structs
   * @throws RangeError
   */
  variable(name: string, file: string, field = ""): number {
    const key = `${file} ${name} ${field}`;
    let address = this.known_variables.get(key);
    if (address === undefined) this.known_variables.set(key, (address = this.#variable(name, file, field)));
    return address;
  }

  #variable(name: string, file: string, field: string): number {
    const found = (module: KernelModule) => module.data.find((data) => data.name === name);
    const own = this.modules.filter((module) => module.file === file).map(found)[0];
    const data = own ?? this.modules.map(found).find((other) => other?.is_global);
    if (data === undefined) throw new RangeError(`the kernel has no variable ${name}`);
    const { type, number } = data;
    return this.addresses[number] + (field === "" || type?.kind !== "struct" ? 0 : type.offset(field));
  }

  /** Bytes from the beginning of a struct to a field: `offset("task_struct", "thread.esp")`. @throws RangeError */
  offset(struct: string, field: string): number {
    const key = `${struct}.${field}`;
    const known = this.known_offsets.get(key);
    if (known !== undefined) return known;
    for (const { structs } of this.modules) {
      const found = structs.find(({ name }) => name === struct);
      if (found === undefined) continue;
      this.known_offsets.set(key, found.offset(field));
      return found.offset(field);
    }
    throw new RangeError(`the kernel has no struct ${struct}`);
  }

  #addresses(): Uint32Array {
    const statics = new Map<string, number>();
    for (const { name, address, binding, unit } of this.symbols) {
      if (binding === "local" && unit !== undefined) statics.set(`${unit}\0${name}`, address);
    }
    const places: [number, number][] = [];
    for (const { file, functions, data, externs } of this.modules) {
      for (const { number, name, is_global } of [...functions, ...data, ...externs]) {
        const address = is_global ? this.globals.get(name) : statics.get(`${file}\0${name}`);
        if (address !== undefined) places.push([number, address]);
      }
    }
    const addresses = new Uint32Array(1 + Math.max(0, ...places.map(([number]) => number)));
    for (const [number, address] of places) addresses[number] = address;
    return addresses;
  }

  /** Tells kernels apart, in files too: 32 bits of a digest of all that this one was linked from. */
  get build_id(): number {
    return this.symbol(BUILD_ID);
  }

  /** Like `symbol`; undefined for a name that it has not. */
  find(name: string): number | undefined {
    return this.globals.get(name);
  }

  symbol(name: string): number {
    const address = this.find(name);
    if (address === undefined) throw new RangeError(`the kernel has no symbol ${name}`);
    return address;
  }

  /** What a variable of 32 bits, or a table's first word, is at the start. */
  initial(name: string): number {
    const [{ physicalAddress: start }] = this.segments;
    const physical = this.symbol(name) - this.symbol("_text") + start;
    for (const { physicalAddress, data } of this.segments) {
      const offset = physical - physicalAddress;
      if (offset >= 0 && offset + 4 <= data.length)
        return new DataView(data.buffer, data.byteOffset).getUint32(offset, true);
    }
    return 0;
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

  data_at(address: number): string | undefined {
    const at = address >>> 0;
    this.known_data ??= this.#data();
    const found = this.known_data.find(({ start, end }) => at >= start && at < end);
    if (found === undefined) return undefined;
    const { name, start, size, type } = found;
    const offset = at - start;
    const cpu = Math.floor(offset / size);
    return `${name}${cpu > 0 ? `(${cpu})` : ""}${type === undefined ? offset_text(offset) : path_to(type, offset % size)}`;
  }

  #data(): readonly ImageData[] {
    return this.modules.flatMap(({ data }) =>
      data.flatMap(({ number, name, size, type, section, per_cpu }) => {
        const start = this.addresses[number];
        if (section === ".rodata" || size === 0 || start === 0) return [];
        return [{ name, start, end: start + size * (per_cpu ? this.cpus : 1), size, type }];
      }),
    );
  }

  line_at(address: number): string | undefined {
    const at = address >>> 0;
    const { lines } = this;
    let low = 0;
    let high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle].address <= at) low = middle + 1;
      else high = middle;
    }
    const line = this.function_at(at) === undefined ? undefined : lines[low - 1];
    return line && `${line.file}:${line.line}`;
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

function offset_text(offset: number): string {
  return offset === 0 ? "" : `+0x${offset.toString(16)}`;
}

/** The field or element that begins so many bytes into a value of a type, of several the outermost. */
export function path_to(type: Type, offset: number): string {
  if (offset === 0) return "";
  if (type.kind === "array") {
    const { element } = type;
    return `[${Math.floor(offset / element.size)}]${path_to(element, offset % element.size)}`;
  }
  if (type.kind !== "struct") return offset_text(offset);
  const [name] = Object.keys(type.fields)
    .filter((field) => type.offset(field) <= offset)
    .slice(-1);
  return `.${name}${path_to(type.fields[name], offset - type.offset(name))}`;
}
