/** What modules tell a debugger: their structs, variables and functions, with the variables of these. */
import type { DebugBlock, DebugInfo, DebugLocal, DebugParameter, DebugSignature, DebugType } from "../../asm/index.ts";
import type { BlockTable, CompiledCode } from "./compiled-code.ts";
import { HOSTCALL_LENGTH, PROLOGUE_LENGTH } from "./hosted-object.ts";
import type { FunctionDeclaration, KernelModule } from "./kernel-module.ts";
import type { Type } from "./types.ts";

/** The C types of the scalars, and of the kinds of variables that the compiler names. */
const simple: Readonly<Record<string, DebugType>> = {
  u8: { kind: "integer", name: "unsigned char", size: 1, isSigned: false },
  u16: { kind: "integer", name: "unsigned short", size: 2, isSigned: false },
  u32: { kind: "integer", name: "unsigned int", size: 4, isSigned: false },
  i8: { kind: "integer", name: "signed char", size: 1, isSigned: true },
  i16: { kind: "integer", name: "short", size: 2, isSigned: true },
  i32: { kind: "integer", name: "int", size: 4, isSigned: true },
  number: { kind: "integer", name: "long long", size: 8, isSigned: true },
  boolean: { kind: "boolean", size: 4 },
  char: { kind: "character" },
};

class TypeNames {
  readonly #structs: ReadonlySet<string>;

  constructor(modules: readonly KernelModule[]) {
    this.#structs = new Set(modules.flatMap(({ structs }) => structs.map(({ name }) => name)));
  }

  /** The type of that name; undefined for `void`, and for what is not declared. */
  named(name: string): DebugType | undefined {
    if (name.endsWith(" *")) return { kind: "pointer", to: this.named(name.slice(0, -2)) };
    return simple[name] ?? (this.#structs.has(name) ? { kind: "struct", name } : undefined);
  }

  of(type: Type): DebugType {
    switch (type.kind) {
      case "scalar":
        return this.named(type.name) ?? simple[type.size === 1 ? "u8" : type.size === 2 ? "u16" : "u32"];
      case "chars":
        return { kind: "array", element: { kind: "character" }, length: type.size };
      case "array":
        return { kind: "array", element: this.of(type.element), length: type.length };
      case "struct":
        return { kind: "struct", name: type.name };
    }
  }

  /** Of a variable, whose kind the compiler named. */
  variable(kind: string): DebugType {
    return this.named(kind) ?? simple.u32;
  }
}

function words_of(kind: string): number {
  return kind === "number" ? 2 : 1;
}

function signature({ code, parameters, returns, fastcall }: FunctionDeclaration, types: TypeNames): DebugSignature {
  const { table } = code.lay_out();
  let end = 0;
  const debug_parameters = table.parameters.map(([name, kind], index): DebugParameter => {
    const declared = parameters?.[index];
    const by_value = declared?.kind === "by_value" ? declared.struct : undefined;
    const offset = fastcall ? undefined : end;
    end += by_value === undefined ? 4 * words_of(kind) : (by_value.size + 3) & ~3;
    const type =
      by_value !== undefined
        ? types.of(by_value)
        : declared?.kind === "scalar"
          ? types.of(declared)
          : types.variable(kind);
    return { name, type, offset };
  });
  return {
    parameters: debug_parameters,
    returns: returns && types.of(returns),
    locals: locals_of(code, table.block, types),
    blocks: table.block.blocks.map((block) => block_of(code, block, types)),
  };
}

function locals_of(code: CompiledCode, block: BlockTable, types: TypeNames): DebugLocal[] {
  return [
    ...block.variables.map(([name, kind, offset]) => ({ name, type: types.variable(kind), offset })),
    ...block.locals.map(([name, index]) => ({ name, type: types.of(code.locals[index]), offset: code.at[index] })),
  ];
}

function block_of(code: CompiledCode, block: BlockTable, types: TypeNames): DebugBlock {
  return {
    start: PROLOGUE_LENGTH + HOSTCALL_LENGTH * block.start,
    size: HOSTCALL_LENGTH * (block.end - block.start),
    locals: locals_of(code, block, types),
    blocks: block.blocks.map((inner) => block_of(code, inner, types)),
  };
}

/**
 * Of each module, an entry.
 * @param cpus how many CPUs the kernel is for
 */
export function debug_info(modules: readonly KernelModule[], cpus: number): DebugInfo[] {
  const types = new TypeNames(modules);
  const pointers: DebugType = { kind: "pointer", to: undefined };
  return modules.map(({ file, structs, data, functions }) => ({
    unit: file,
    structs: structs.map((struct) => ({
      name: struct.name,
      size: struct.size,
      members: Object.entries(struct.fields).map(([name, type]) => ({
        name,
        offset: struct.offset(name),
        type: types.of(type),
      })),
    })),
    variables: new Map(
      data
        .filter(({ name }) => !name.startsWith(".L"))
        .map(({ name, type, words, per_cpu }) => {
          const own: DebugType =
            type === undefined ? { kind: "array", element: pointers, length: words?.length ?? 0 } : types.of(type);
          return [name, per_cpu === true && cpus > 1 ? { kind: "array", element: own, length: cpus } : own];
        }),
    ),
    functions: new Map(functions.map((declaration) => [declaration.name, signature(declaration, types)])),
  }));
}
