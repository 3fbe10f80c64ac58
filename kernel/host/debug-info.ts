/** What the declarations tell a debugger: the kernel's structs, variables and hosted functions. */
import type { DebugInfo, DebugParameter, DebugSignature, DebugType } from "../../asm/index.ts";
import { declarations, type FunctionDeclaration, type Parameter } from "./declarations.ts";
import { HOSTED } from "./hosted-object.ts";
import { declared_structs, type Type } from "./types.ts";

/** The C types of the scalars. */
const integers: Readonly<Record<string, DebugType>> = {
  u8: { kind: "integer", name: "unsigned char", size: 1, isSigned: false },
  u16: { kind: "integer", name: "unsigned short", size: 2, isSigned: false },
  u32: { kind: "integer", name: "unsigned int", size: 4, isSigned: false },
  i8: { kind: "integer", name: "signed char", size: 1, isSigned: true },
  i16: { kind: "integer", name: "short", size: 2, isSigned: true },
  i32: { kind: "integer", name: "int", size: 4, isSigned: true },
};

/** The type of that name; undefined for `void`, and for what is not declared. */
function named_type(name: string): DebugType | undefined {
  if (name.endsWith(" *")) return { kind: "pointer", to: named_type(name.slice(0, -2)) };
  if (name === "char") return { kind: "character" };
  return integers[name] ?? (declared_structs().has(name) ? { kind: "struct", name } : undefined);
}

function debug_type(type: Type): DebugType {
  switch (type.kind) {
    case "scalar":
      return named_type(type.name) ?? integers[type.size === 1 ? "u8" : type.size === 2 ? "u16" : "u32"];
    case "chars":
      return { kind: "array", element: { kind: "character" }, length: type.size };
    case "array":
      return { kind: "array", element: debug_type(type.element), length: type.length };
    case "struct":
      return { kind: "struct", name: type.name };
  }
}

/** The names of the parameters, as far as the text of the body shows them. */
function parameter_names({ body, parameters }: FunctionDeclaration): string[] {
  const list = /^[^(]*\(([^)]*)\)/.exec(String(body))?.[1] ?? "";
  const names = list.split(",").map((text) => /^\s*([A-Za-z_]\w*)/.exec(text)?.[1]);
  return parameters.map((_, index) => names[index] ?? `argument${index + 1}`);
}

function parameter_type(parameter: Parameter): { readonly type: DebugType; readonly size: number } {
  if (parameter.kind === "by_value")
    return { type: debug_type(parameter.struct), size: (parameter.struct.size + 3) & ~3 };
  return { type: debug_type(parameter), size: 4 };
}

function signature(declaration: FunctionDeclaration): DebugSignature {
  const names = parameter_names(declaration);
  let end = 0;
  const parameters = declaration.parameters.map((parameter, index): DebugParameter => {
    const { type, size } = parameter_type(parameter);
    const offset = declaration.fastcall ? undefined : end;
    end += size;
    return { name: names[index], type, offset };
  });
  return { parameters, returns: declaration.returns && debug_type(declaration.returns) };
}

/** Of everything declared so far. */
export function debug_info(): DebugInfo {
  const { functions, data } = declarations();
  const pointers: DebugType = { kind: "pointer", to: undefined };
  return {
    unit: HOSTED,
    structs: [...declared_structs().values()].map((struct) => ({
      name: struct.name,
      size: struct.size,
      members: Object.entries(struct.fields).map(([name, type]) => ({
        name,
        offset: struct.offset(name),
        type: debug_type(type),
      })),
    })),
    variables: new Map(
      data
        .filter(({ name }) => !name.startsWith(".L"))
        .map(({ name, type, words }) => [
          name,
          type === undefined ? { kind: "array", element: pointers, length: words?.length ?? 0 } : debug_type(type),
        ]),
    ),
    functions: new Map(
      functions.filter(({ id }) => id !== undefined).map((declaration) => [declaration.name, signature(declaration)]),
    ),
  };
}
