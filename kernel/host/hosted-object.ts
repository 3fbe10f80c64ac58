/**
 * Turns the kernel's declarations into an object file: a stub in .text for every hosted function, and its data.
 *
 *     name:  pushl %ebp; movl %esp, %ebp
 *            pushl $0              # -4(%ebp): the activation's handle, 0 until it has begun
 *            subl  $LOCALS, %esp   # only when the function has locals
 *            hostcall ID           # one step of the generator; EIP stays here until it returns
 *            leave; ret
 *
 * The handle makes a fresh call distinguishable from a resumed one by guest memory alone, also when a stack is reused
 * by another task after its last owner died in the middle of a function.
 */
import {
  type ObjectFile,
  type ObjectSymbol,
  R_386_32,
  type Relocation,
  type Section,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NOBITS,
  SHT_PROGBITS,
} from "../../asm/index.ts";
import { type DataDeclaration, declarations, type FunctionDeclaration } from "./declarations.ts";

/** The name of the object. */
export const HOSTED = "hosted";

/** Distance in bytes from a stub's symbol to its hostcall. */
export function hostcall_offset(locals: number): number {
  return 5 + (locals === 0 ? 0 : locals < 128 ? 3 : 6);
}

function stub_bytes({ id, locals }: FunctionDeclaration): number[] {
  const allocate =
    locals === 0
      ? []
      : locals < 128
        ? [0x83, 0xec, locals]
        : [0x81, 0xec, locals & 0xff, (locals >> 8) & 0xff, (locals >> 16) & 0xff, locals >>> 24];
  const hostcall = [0x0f, 0x3f, id! & 0xff, id! >> 8];
  return [0x55, 0x89, 0xe5, 0x6a, 0x00, ...allocate, ...hostcall, 0xc9, 0xc3];
}

const section_flags = {
  ".text": SHF_ALLOC | SHF_EXECINSTR,
  ".rodata": SHF_ALLOC,
  ".data": SHF_ALLOC | SHF_WRITE,
  ".data.init_task": SHF_ALLOC | SHF_WRITE,
  ".bss": SHF_ALLOC | SHF_WRITE,
} as const;

class SectionBuilder {
  readonly bytes: number[] = [];
  size = 0;
  readonly section: Section;

  constructor(readonly name: keyof typeof section_flags) {
    const type = name === ".bss" ? SHT_NOBITS : SHT_PROGBITS;
    this.section = {
      name,
      type,
      flags: section_flags[name],
      entrySize: 0,
      alignment: 4,
      data: new Uint8Array(0),
      size: 0,
      relocations: [],
    };
  }

  /** Reserves aligned space and returns its offset. */
  place(size: number, alignment: number): number {
    const offset = (this.size + alignment - 1) & -alignment;
    this.section.alignment = Math.max(this.section.alignment, alignment);
    this.size = offset + size;
    return offset;
  }

  finish(data: Uint8Array): void {
    this.section.size = this.size;
    if (this.section.type !== SHT_NOBITS) this.section.data = data;
  }
}

/** The object file of everything declared in TypeScript. */
export function hosted_object(): ObjectFile {
  const { functions, data } = declarations();
  const builders = new Map(
    (Object.keys(section_flags) as (keyof typeof section_flags)[]).map((name) => [name, new SectionBuilder(name)]),
  );
  const symbols = new Map<string, ObjectSymbol>();
  const writes: (() => void)[] = [];
  const contents = new Map<SectionBuilder, DataView>();

  const define = (name: string, builder: SectionBuilder, value: number, size: number, type: "function" | "object") =>
    symbols.set(name, {
      name,
      binding: name.startsWith(".L") ? "local" : "global",
      type,
      section: builder.section,
      value,
      size,
    });
  const reference = (name: string): ObjectSymbol => {
    let symbol = symbols.get(name);
    if (symbol === undefined) {
      symbol = { name, binding: "global", type: "notype", section: undefined, value: 0, size: 0 };
      symbols.set(name, symbol);
    }
    return symbol;
  };

  const text = builders.get(".text")!;
  for (const declaration of functions) {
    if (declaration.id === undefined) continue;
    const bytes = stub_bytes(declaration);
    const offset = text.place(bytes.length, 16);
    define(declaration.name, text, offset, bytes.length, "function");
    writes.push(() => {
      for (const [i, byte] of bytes.entries()) contents.get(text)!.setUint8(offset + i, byte);
    });
  }
  for (const declaration of data) {
    const builder = builders.get(declaration.section)!;
    const offset = builder.place(declaration.size, declaration.alignment);
    define(declaration.name, builder, offset, declaration.size, "object");
    writes.push(() => fill(declaration, contents.get(builder)!, offset, builder.section.relocations, reference));
  }
  for (const builder of builders.values()) {
    if (builder.section.type !== SHT_NOBITS) contents.set(builder, new DataView(new ArrayBuffer(builder.size)));
  }
  for (const write of writes) write();
  for (const builder of builders.values())
    builder.finish(new Uint8Array(contents.get(builder)?.buffer ?? new ArrayBuffer(0)));
  return {
    name: HOSTED,
    sections: [...builders.values()].filter((builder) => builder.size > 0).map((builder) => builder.section),
    symbols: [...symbols.values()],
  };
}

function fill(
  declaration: DataDeclaration,
  view: DataView | undefined,
  offset: number,
  relocations: Relocation[],
  reference: (name: string) => ObjectSymbol,
): void {
  for (const [i, byte] of declaration.bytes?.entries() ?? []) view!.setUint8(offset + i, byte);
  declaration.words?.forEach((word, i) => {
    if (typeof word === "number") view!.setInt32(offset + 4 * i, word, true);
    else relocations.push({ offset: offset + 4 * i, type: R_386_32, symbol: reference(word) });
  });
}
