/** Relocations that the source asks for by name, where it wants them (`.reloc`). */
import { StatementError } from "../diagnostics.ts";
import { R_386_NONE, relocationName } from "../elf-format.ts";
import type { Expression } from "../expression.ts";
import { type ObjectSymbol, R_386_32, type Relocation, type Section, SHT_NOBITS } from "../object-file.ts";
import { RELOCATION_FIELDS, readField, writeField } from "../relocation-field.ts";
import { addressOf, type Evaluator } from "./evaluator.ts";
import type { SectionBuilder } from "./section-builder.ts";
import type { AssemblerSymbol, DeferredExpression } from "./symbols.ts";

/** A relocation that was asked for; what its place and its symbol are is known at the end. */
export interface ExplicitRelocation {
  readonly section: SectionBuilder;
  readonly type: number;
  readonly place: DeferredExpression;
  readonly target: Expression | undefined;
}

/** Of the relocations that a static link cannot do. */
const WORD = RELOCATION_FIELDS[R_386_32]!;

/** What the object's builder knows of symbols. */
export interface RelocationTargets {
  readonly evaluator: Evaluator;
  /** The symbol to name for one of the source's, and the addend that stands for the rest. */
  symbolFor(symbol: AssemblerSymbol, addend: number): { readonly symbol: ObjectSymbol; readonly addend: number };
  readonly nullSymbol: ObjectSymbol;
}

/** @throws StatementError for a place outside of the section, or what no relocation can name */
export function relocationFor(
  { section: builder, type, place, target }: ExplicitRelocation,
  section: Section,
  { evaluator, symbolFor, nullSymbol }: RelocationTargets,
): Relocation {
  const offset = offsetIn(builder, place.expression, evaluator);
  if (section.type === SHT_NOBITS) throw new StatementError(`${section.name} has no contents to relocate`);
  const field = type === R_386_NONE ? undefined : (RELOCATION_FIELDS[type] ?? WORD);
  const size = field?.size ?? 0;
  if (offset < 0 || offset + size > section.size) {
    throw new StatementError(
      `${relocationName(type)} at ${offset} lies outside of section ${section.name}, which has ${section.size} bytes`,
    );
  }
  const value = target === undefined ? undefined : evaluator.evaluate(target);
  if (target !== undefined && (value === undefined || value.subtract !== undefined || value.via !== undefined)) {
    throw new StatementError("a relocation is to a symbol, or a symbol plus a number");
  }
  const constant = value?.constant.toInt() ?? 0;
  const { symbol, addend } =
    value?.add === undefined ? { symbol: nullSymbol, addend: constant } : symbolFor(value.add, constant);
  if (addend !== 0 && field !== undefined) {
    const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.length);
    writeField(view, offset, field, readField(view, offset, field) + addend);
  }
  return { offset, type, symbol };
}

/** A number is an offset in the section; a label must be in it. */
function offsetIn(section: SectionBuilder, expression: Expression, evaluator: Evaluator): number {
  const value = evaluator.evaluate(expression);
  const location = value?.add === undefined ? undefined : evaluator.locate(value.add);
  const isKnown = value !== undefined && value.subtract === undefined && (value.add === undefined || location);
  if (!isKnown || (location !== undefined && location.section !== section)) {
    throw new StatementError(`the place of a relocation is an offset in ${section.name}, or a label in it`);
  }
  return value.constant.toInt() + (location === undefined ? 0 : addressOf(location));
}
