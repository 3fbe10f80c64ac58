/** Accesses to scalars in guest memory, straight to their addresses: no view is made for them. */
import ts from "typescript-api";
import { type Code, code } from "./code.ts";
import type { Emitter } from "./emitter.ts";
import type { Environment } from "./environment.ts";
import { Variable } from "./environment.ts";
import type { ModuleNames } from "./imports.ts";
import type { Meaning } from "./meaning.ts";
import type { ModuleVariables } from "./module-variables.ts";
import { narrow_word } from "./scalars.ts";

/** A scalar in guest memory, as text. */
export interface GuestPlace {
  readonly read: Code;
  readonly write: (value: Code) => Code;
}

/** A struct in guest memory: so many fields deep in one that lies at `base`. */
interface Struct {
  /** Text of a linear address. */
  readonly base: Code;
  /** Text of the outer struct's type. */
  readonly type: string;
  readonly path: readonly string[];
}

type Render = (node: ts.Node, env: Environment) => Code;

/** Bits of an access, and text behind what is read. */
function access_of(scalar: string): { readonly bits: number; readonly narrow: string } {
  if (scalar === "i32") return { bits: 32, narrow: "" };
  if (scalar === "u32" || scalar.endsWith(" *")) return { bits: 32, narrow: " >>> 0" };
  // Reads of 8 and 16 bits give unsigned numbers.
  return { bits: Number(scalar.slice(1)), narrow: scalar.startsWith("u") ? "" : narrow_word[scalar] };
}

export class Fields {
  /** Expressions of the offsets in use. */
  readonly offsets = new Set<string>();

  constructor(
    private readonly meaning: Meaning,
    private readonly names: ModuleNames,
    private readonly emitter: Emitter,
    private readonly variables: ModuleVariables,
  ) {}

  /** The scalar that an expression names; undefined when it is none, or only a view leads there. */
  place(node: ts.Expression, env: Environment, render: Render): GuestPlace | undefined {
    if (!ts.isPropertyAccessExpression(node) || ts.isOptionalChain(node)) return undefined;
    const { expression, name } = node;
    if (this.#is_variable(node)) {
      const scalar = this.meaning.scalar_name(this.meaning.variable_type(expression));
      return scalar === undefined ? undefined : place_at(code`${render(expression, env)}.address`, scalar);
    }
    const scalar = this.#field(expression, name.text);
    const struct = scalar === undefined ? undefined : this.#struct(expression, env, render);
    return struct && place_at(this.#address({ ...struct, path: [...struct.path, name.text] }), scalar!);
  }

  /** A field of the struct that a variable is a view of; undefined when that is no scalar. */
  field_of(variable: Variable, expression: ts.Expression, name: string): GuestPlace | undefined {
    const scalar = this.#field(expression, name);
    const type = scalar === undefined ? undefined : this.#type(expression);
    if (type === undefined) return undefined;
    return place_at(this.#address({ base: this.emitter.address_of(variable), type, path: [name] }), scalar!);
  }

  /** Text of the address of a view; undefined when only the view knows it. */
  address(view: ts.Expression, env: Environment, render: Render): Code | undefined {
    const struct = this.meaning.fields_of(this.meaning.type_of(view)) && this.#struct(view, env, render);
    return struct && code`((${this.#address(struct)}) >>> 0)`;
  }

  /** Whether a place is the value of a kernel variable, and no field of that name. */
  #is_variable({ expression, name }: ts.PropertyAccessExpression): boolean {
    if (name.text !== "value" || this.meaning.fields_of(this.meaning.type_of(expression)) !== undefined) return false;
    return this.meaning.variable_type(expression) !== undefined;
  }

  /** Name of the scalar type of a field; undefined for other fields, and for what is no view. */
  #field(view: ts.Expression, name: string): string | undefined {
    const fields = this.meaning.fields_of(this.meaning.type_of(view));
    return fields && this.meaning.scalar_name(this.meaning.property(fields, name));
  }

  #type(view: ts.Expression): string | undefined {
    const struct = this.meaning.struct_of(this.meaning.type_of(view));
    return struct && this.names.exported_name(struct.symbol, view);
  }

  #address({ base, type, path }: Struct): Code {
    if (path.length === 0) return base;
    const offset = `${type}.offset(${JSON.stringify(path.join("."))})`;
    this.offsets.add(offset);
    return code`${base} + ${this.variables.constant(offset)}`;
  }

  #struct(node: ts.Expression, env: Environment, render: Render): Struct | undefined {
    // What else is said of types may make it a view of another struct.
    if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node))
      return this.#struct(node.expression, env, render);
    if (ts.isIdentifier(node)) {
      const binding = env.get(this.meaning.symbol_of(node));
      if (binding === undefined) return undefined;
      if ("argument" in binding) return this.#struct(binding.argument, binding.env, render);
      if (!(binding instanceof Variable)) return undefined;
      const type = this.#type(node);
      return type === undefined ? undefined : { base: this.emitter.address_of(binding), type, path: [] };
    }
    if (ts.isCallExpression(node)) {
      const { expression } = node;
      if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== "at") return undefined;
      if (this.meaning.literal_of(this.meaning.type_of(expression.expression), "kind") !== "struct") return undefined;
      if (!is_fixed(expression.expression) || node.arguments.length !== 1) return undefined;
      const type = render(expression.expression, env);
      if (type.uses.size > 0) return undefined;
      return { base: code`(${render(node.arguments[0], env)})`, type: type.text, path: [] };
    }
    if (!ts.isPropertyAccessExpression(node) || ts.isOptionalChain(node)) return undefined;
    const { expression, name } = node;
    if (this.#is_variable(node)) {
      if (this.meaning.fields_of(this.meaning.type_of(node)) === undefined) return undefined;
      const variable = render(expression, env);
      if (!is_fixed(expression) || variable.uses.size > 0) return undefined;
      return { base: code`${variable}.address`, type: `${variable.text}.type`, path: [] };
    }
    if (this.meaning.fields_of(this.meaning.type_of(expression)) === undefined) return undefined;
    const outer = this.#struct(expression, env, render);
    return outer && { ...outer, path: [...outer.path, name.text] };
  }
}

/** Whether an expression is a name, or names behind dots: offsets are looked up outside of the steps, and once. */
function is_fixed(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return true;
  return ts.isPropertyAccessExpression(node) && !ts.isOptionalChain(node) && is_fixed(node.expression);
}

function place_at(address: Code, scalar: string): GuestPlace {
  const { bits, narrow } = access_of(scalar);
  const read = code`$g.read${bits}(${address})`;
  return {
    read: narrow === "" ? read : code`(${read}${narrow})`,
    write: (value) => code`$g.write${bits}(${address}, ${value})`,
  };
}
