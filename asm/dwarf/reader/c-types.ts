/** The types of C programs. What types are made of is found when it is asked for, since types are made of each other. */

interface Sized {
  /** Bytes; 0 when it is not known. */
  readonly size: number;
}

export interface IntegerType extends Sized {
  readonly kind: "integer";
  readonly name: string;
  readonly signed: boolean;
  /** What values look like. */
  readonly shows: "number" | "character" | "boolean";
}

export interface FloatType extends Sized {
  readonly kind: "float";
  readonly name: string;
}

export interface EnumType extends Sized {
  readonly kind: "enum";
  /** The tag; empty when it has none. */
  readonly tag: string;
  readonly signed: boolean;
  readonly enumerators: readonly { readonly name: string; readonly value: number }[];
}

export interface PointerType extends Sized {
  readonly kind: "pointer";
  readonly to: CType;
}

export interface ArrayType extends Sized {
  readonly kind: "array";
  readonly element: CType;
  /** Elements; undefined for `[]`. */
  readonly length: number | undefined;
}

export interface Member {
  /** Empty for a struct or union without a name, whose members count as this one's. */
  readonly name: string;
  readonly type: CType;
  /** Bytes from the start. */
  readonly offset: number;
  /** Of a bit-field: its lowest bit, from the first byte's bit 0 on, and its number of bits. */
  readonly bits?: { readonly first: number; readonly count: number };
}

export interface StructType extends Sized {
  readonly kind: "struct";
  readonly keyword: "struct" | "union";
  /** Empty when it has none. */
  readonly tag: string;
  readonly members: readonly Member[];
  /** Whether it is only declared. */
  readonly isIncomplete: boolean;
}

export interface TypedefType extends Sized {
  readonly kind: "typedef";
  readonly name: string;
  readonly to: CType;
}

export interface QualifiedType extends Sized {
  readonly kind: "qualified";
  readonly qualifier: "const" | "volatile" | "restrict" | "_Atomic";
  readonly to: CType;
}

export interface FunctionType extends Sized {
  readonly kind: "function";
  readonly returns: CType;
  readonly parameters: readonly CType[];
  /** Whether its parameters are declared. */
  readonly isPrototyped: boolean;
  readonly isVariadic: boolean;
}

export interface VoidType extends Sized {
  readonly kind: "void";
}

/** Code or data of which nobody has said what it is. */
export interface UnknownType extends Sized {
  readonly kind: "code" | "untyped";
}

export type CType =
  | IntegerType
  | FloatType
  | EnumType
  | PointerType
  | ArrayType
  | StructType
  | TypedefType
  | QualifiedType
  | FunctionType
  | VoidType
  | UnknownType;

export type PlainType = Exclude<CType, TypedefType | QualifiedType>;

/** Typedefs of typedefs, and pointers to pointers, followed at most. */
const DEEPEST = 64;

export const VOID: VoidType = { kind: "void", size: 1 };

/** The type without typedefs and qualifiers. */
export function plainType(type: CType): PlainType {
  let at = type;
  for (let i = 0; i < DEEPEST; i++) {
    if (at.kind !== "typedef" && at.kind !== "qualified") return at;
    at = at.to;
  }
  return VOID;
}

/** The type as C writes it, around the name of what is declared: `int (*table[4])(char *)`. */
export function declare(type: CType, declarator = "", depth = 0): string {
  const join = (base: string) => (declarator === "" ? base : `${base} ${declarator}`);
  if (depth > DEEPEST) return join("...");
  switch (type.kind) {
    case "integer":
    case "float":
    case "typedef":
      return join(type.name);
    case "enum":
      return join(`enum ${type.tag === "" ? "{...}" : type.tag}`);
    case "struct":
      return join(`${type.keyword} ${type.tag === "" ? "{...}" : type.tag}`);
    case "void":
      return join("void");
    case "code":
      return join("<text variable, no debug info>");
    case "untyped":
      return join("<data variable, no debug info>");
    case "pointer": {
      const to = type.to.kind;
      const star = `*${declarator}`;
      return declare(type.to, to === "array" || to === "function" ? `(${star})` : star, depth + 1);
    }
    case "qualified":
      if (type.to.kind === "pointer") {
        return declare(type.to, ` ${type.qualifier}${declarator === "" ? "" : ` ${declarator}`}`, depth + 1);
      }
      return `${type.qualifier} ${declare(type.to, declarator, depth + 1)}`;
    case "array": {
      const bounds = `[${type.length ?? ""}]`;
      return declare(type.element, `${declarator}${bounds}`, depth + 1);
    }
    case "function": {
      const list = type.parameters.map((parameter) => declare(parameter, "", depth + 1));
      if (type.isVariadic) list.push("...");
      if (list.length === 0 && type.isPrototyped) list.push("void");
      return declare(type.returns, `${declarator}(${list.join(", ")})`, depth + 1);
    }
  }
}

/** The type's name. */
export function typeName(type: CType): string {
  return declare(type);
}

export function pointerTo(to: CType): PointerType {
  return { kind: "pointer", size: 4, to };
}

export function arrayOf(element: CType, length: number | undefined): ArrayType {
  return { kind: "array", size: element.size * (length ?? 0), element, length };
}

export function integer(
  name: string,
  size: number,
  signed: boolean,
  shows: IntegerType["shows"] = "number",
): IntegerType {
  return { kind: "integer", name, size, signed, shows };
}

/** A member by name, also of structs and unions without a name within it; its offset is from the start of the whole. */
export function findMember(type: StructType, name: string, depth = 0): Member | undefined {
  for (const member of type.members) {
    if (member.name === name) return member;
    const inner = plainType(member.type);
    if (member.name !== "" || inner.kind !== "struct" || depth > DEEPEST) continue;
    const found = findMember(inner, name, depth + 1);
    if (found !== undefined) return { ...found, offset: member.offset + found.offset };
  }
  return undefined;
}

/** Names of members, with those of structs and unions without a name. */
export function memberNames(type: StructType, depth = 0): string[] {
  return type.members.flatMap((member) => {
    const inner = plainType(member.type);
    if (member.name !== "") return [member.name];
    return inner.kind === "struct" && depth < DEEPEST ? memberNames(inner, depth + 1) : [];
  });
}
