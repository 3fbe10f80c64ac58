/**
 * Turns a module's declarations into a relocatable object: its functions in .text, its data, its line table.
 *
 *     name:  pushl %ebp; movl %esp, %ebp
 *            subl  $FRAME, %esp    # variables
 *            hostcall N            # 0F 3F imm16: the first statement
 *            hostcall N+1          # the second
 *            …
 *            leave; ret
 */
import {
  LinkError,
  type ObjectFile,
  type ObjectSymbol,
  R_386_32,
  type Relocation,
  type Section,
  type SectionLine,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
} from "../../asm/index.ts";
import type { CompiledCode } from "./compiled-code.ts";
import type { DataDeclaration, FunctionDeclaration, KernelModule } from "./kernel-module.ts";

export const HOSTCALL_LENGTH = 4;
/** Bytes of `pushl %ebp; movl %esp, %ebp; subl $imm32, %esp`, and of `leave; ret`. */
export const PROLOGUE_LENGTH = 9;
const EPILOGUE_LENGTH = 2;
const MOST_STEPS = 0x10000;
/** Bytes of variables that a function may have: half of a kernel stack. */
const LARGEST_FRAME = 4096;

/** `leal 0(%esi,1), %esi`, four bytes: what stands for a call that is left out. */
const NOP4 = [0x8d, 0x74, 0x26, 0x00];

function function_bytes(code: CompiledCode, first_step: number, configured: ReadonlySet<string>): Uint8Array {
  const { frame, count } = code.lay_out();
  const bytes = new Uint8Array(PROLOGUE_LENGTH + HOSTCALL_LENGTH * count + EPILOGUE_LENGTH);
  const view = new DataView(bytes.buffer);
  bytes.set([0x55, 0x89, 0xe5, 0x81, 0xec]);
  view.setUint32(5, frame, true);
  for (let i = 0; i < count; i++) {
    const at = PROLOGUE_LENGTH + HOSTCALL_LENGTH * i;
    view.setUint16(at, 0x3f0f, true);
    view.setUint16(at + 2, first_step + i, true);
  }
  for (const [step, symbol] of code.table.optional_calls ?? [])
    if (!configured.has(symbol)) bytes.set(NOP4, PROLOGUE_LENGTH + HOSTCALL_LENGTH * step);
  bytes.set([0xc9, 0xc3], bytes.length - EPILOGUE_LENGTH);
  return bytes;
}

/** @throws LinkError for a function whose variables no kernel stack has room for */
function check_frame({ name, code }: FunctionDeclaration): void {
  const { frame, table } = code;
  if (frame <= LARGEST_FRAME) return;
  const place = `${table.file}:${table.start.join(":")}`;
  throw new LinkError([
    `${name} (${place}) has ${frame.toLocaleString("en-US")} bytes of variables, more than fit a kernel stack (at most ` +
      `${LARGEST_FRAME.toLocaleString("en-US")}); declare the large one with kernel_variable, or get memory with kmalloc`,
  ]);
}

/** The lines of a function: the prologue is its name's, each step its statement's, the epilogue its closing brace's. */
function function_lines({ table, count }: CompiledCode, offset: number): SectionLine[] {
  const { file, positions } = table;
  const row = (at: number, line: number, column: number): SectionLine => ({ offset: offset + at, file, line, column });
  return [
    row(0, ...table.start),
    ...Array.from({ length: count }, (_, i) =>
      row(PROLOGUE_LENGTH + HOSTCALL_LENGTH * i, positions[2 * i], positions[2 * i + 1]),
    ),
    row(PROLOGUE_LENGTH + HOSTCALL_LENGTH * count, ...table.end),
  ];
}

const section_flags = {
  ".text": SHF_ALLOC | SHF_EXECINSTR,
  ".rodata": SHF_ALLOC,
  ".data": SHF_ALLOC | SHF_WRITE,
  ".data.init_task": SHF_ALLOC | SHF_WRITE,
  ".bss": SHF_ALLOC | SHF_WRITE,
} as const;
type SectionName = keyof typeof section_flags;

class SectionBuilder {
  readonly section: Section;
  #size = 0;

  constructor(name: SectionName) {
    this.section = {
      name,
      type: name === ".bss" ? SHT_NOBITS : SHT_PROGBITS,
      flags: section_flags[name],
      entrySize: 0,
      alignment: 4,
      data: new Uint8Array(0),
      size: 0,
      relocations: [],
    };
  }

  get size(): number {
    return this.#size;
  }

  /** Reserves aligned space and returns its offset. */
  place(size: number, alignment: number): number {
    const offset = (this.#size + alignment - 1) & -alignment;
    this.section.alignment = Math.max(this.section.alignment, alignment);
    this.#size = offset + size;
    return offset;
  }

  /** Gives the section its size, and bytes to fill in. */
  finish(): DataView {
    this.section.size = this.#size;
    const bytes = new Uint8Array(this.section.type === SHT_NOBITS ? 0 : this.#size);
    if (this.section.type !== SHT_NOBITS) this.section.data = bytes;
    return new DataView(bytes.buffer);
  }
}

/** A module's object, and where its declarations are in it. */
export interface HostedObject {
  readonly object: ObjectFile;
  /** Number of a declaration, and its symbol. */
  readonly symbols: ReadonlyMap<number, ObjectSymbol>;
}

/**
 * @param first_step number of the module's first step in the kernel
 * @param cpus how many CPUs it is for: variables of which every CPU has its own are there so many times
 * @param configured what the kernel is configured by: calls for what it is not are nops
 * @throws LinkError when the numbers do not suffice, or a kernel stack does not
 */
export function hosted_object(
  module: KernelModule,
  first_step: number,
  cpus: number,
  configured: ReadonlySet<string>,
): HostedObject {
  const builders = new Map(
    (Object.keys(section_flags) as SectionName[]).map((name) => [name, new SectionBuilder(name)]),
  );
  const symbols = new Map<string, ObjectSymbol>();
  const by_number = new Map<number, ObjectSymbol>();
  const define = (
    declaration: { readonly number: number; readonly name: string; readonly is_global: boolean },
    builder: SectionBuilder,
    value: number,
    size: number,
    type: "function" | "object",
  ) => {
    const { name, number, is_global } = declaration;
    const symbol: ObjectSymbol = {
      name,
      binding: is_global ? "global" : "local",
      type,
      section: builder.section,
      value,
      size,
    };
    symbols.set(name, symbol);
    by_number.set(number, symbol);
  };

  const text = builders.get(".text")!;
  const codes: { readonly bytes: Uint8Array; readonly offset: number }[] = [];
  const lines: SectionLine[] = [];
  let step = first_step;
  for (const declaration of module.functions) {
    const { code } = declaration;
    if (step + code.count > MOST_STEPS)
      throw new LinkError([`a kernel has at most ${MOST_STEPS} steps; ${module.file} exceeds that`]);
    const bytes = function_bytes(code, step, configured);
    check_frame(declaration);
    step += code.count;
    const offset = text.place(bytes.length, 16);
    codes.push({ bytes, offset });
    lines.push(...function_lines(code, offset));
    define(declaration, text, offset, bytes.length, "function");
  }
  text.section.lines = lines;
  const placed = module.data.map((declaration) => {
    const builder = builders.get(declaration.section)!;
    const size = declaration.size * (declaration.per_cpu === true ? cpus : 1);
    const offset = builder.place(size, declaration.alignment);
    define(declaration, builder, offset, size, "object");
    return { declaration, builder, offset, size };
  });

  const contents = new Map([...builders.values()].map((builder) => [builder, builder.finish()]));
  for (const { bytes, offset } of codes) text.section.data.set(bytes, offset);
  const reference = (name: string): ObjectSymbol => {
    let symbol = symbols.get(name);
    if (symbol === undefined) {
      symbol = { name, binding: "global", type: "notype", section: undefined, value: 0, size: 0 };
      symbols.set(name, symbol);
    }
    return symbol;
  };
  for (const { declaration, builder, offset, size } of placed) {
    for (let at = 0; at < size; at += declaration.size)
      fill(declaration, contents.get(builder)!, offset + at, builder.section.relocations, reference);
  }
  return {
    object: {
      name: module.file,
      sections: [...builders.values()].filter(({ size }) => size > 0).map(({ section }) => section),
      symbols: [...symbols.values()],
    },
    symbols: by_number,
  };
}

function fill(
  declaration: DataDeclaration,
  view: DataView,
  offset: number,
  relocations: Relocation[],
  reference: (name: string) => ObjectSymbol,
): void {
  for (const [i, byte] of declaration.bytes?.entries() ?? []) view.setUint8(offset + i, byte);
  declaration.words?.forEach((word, i) => {
    if (typeof word === "number") view.setInt32(offset + 4 * i, word, true);
    else relocations.push({ offset: offset + 4 * i, type: R_386_32, symbol: reference(word) });
  });
}
