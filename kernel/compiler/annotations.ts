/** What type annotations say of the kind of a value. */
import ts from "typescript-api";
import { type Kind, scalar_kind } from "./kinds.ts";
import { is_scalar_name } from "./scalars.ts";

/** The scalar type that a type annotation names: `u32`, `i32`, `u8`. */
export function annotated_scalar(type: ts.TypeNode | undefined): string | undefined {
  if (type === undefined || !ts.isTypeReferenceNode(type) || !ts.isIdentifier(type.typeName)) return undefined;
  return is_scalar_name(type.typeName.text) ? type.typeName.text : undefined;
}

/** The kind that a type annotation names. */
export function annotated_kind(type: ts.TypeNode | undefined): Kind | undefined {
  const name = annotated_scalar(type);
  return name === undefined ? undefined : scalar_kind(name);
}

/** What `Steps<…>` says a function returns. */
export function annotated_result(type: ts.TypeNode | undefined): ts.TypeNode | undefined {
  return type !== undefined && ts.isTypeReferenceNode(type) ? type.typeArguments?.[0] : undefined;
}
