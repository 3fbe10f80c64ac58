/** The symbols of an object: what the source's become in its table, and those of its sections. */
import { StatementError } from "../diagnostics.ts";
import { type ObjectSymbol, type Section, SHF_TLS } from "../object-file.ts";
import type { Assembler } from "./assembler.ts";
import { absoluteOffset, addressOf } from "./evaluator.ts";
import type { SectionBuilder } from "./section-builder.ts";
import { appearanceOf, withVersions } from "./symbol-versions.ts";
import type { AssemblerSymbol } from "./symbols.ts";

export class ObjectSymbols {
  private readonly sectionSymbols = new Map<Section, ObjectSymbol>();
  private readonly objectSymbols = new Map<AssemblerSymbol, ObjectSymbol>();

  constructor(
    private readonly assembler: Assembler,
    private readonly sectionOf: (builder: SectionBuilder) => Section,
  ) {}

  /** The symbol of a section, by which places in it are known that have no name. */
  ofSection(section: Section): ObjectSymbol {
    let symbol = this.sectionSymbols.get(section);
    if (symbol === undefined) {
      symbol = { name: section.name, binding: "local", type: "section", section, value: 0, size: 0 };
      this.sectionSymbols.set(section, symbol);
    }
    return symbol;
  }

  /** The symbol as the object has it; from now on it is in the table, whatever its name. */
  of(symbol: AssemblerSymbol): ObjectSymbol {
    let made = this.objectSymbols.get(symbol);
    if (made === undefined) {
      made = this.makeSymbol(symbol);
      this.objectSymbols.set(symbol, made);
    }
    return made;
  }

  private makeSymbol(symbol: AssemblerSymbol): ObjectSymbol {
    const { definition } = symbol;
    this.inheritFromTarget(symbol);
    const size = this.symbolSize(symbol);
    const defined = { ...this.appearance(symbol), type: symbol.type, size };
    const location = this.assembler.evaluator.locate(symbol);
    if (location !== undefined) {
      const section = this.sectionOf(location.section);
      const type = (section.flags & SHF_TLS) !== 0 ? "tls" : symbol.type;
      return { ...defined, type, section, value: addressOf(location) };
    }
    if (definition?.kind === "common") {
      return { ...defined, section: "common", value: definition.alignment, size: definition.size };
    }
    const offset = absoluteOffset(symbol);
    if (offset !== undefined) return { ...defined, section: "absolute", value: offset };
    const constant =
      definition?.kind === "value" ? this.assembler.evaluator.constant(definition.expression) : undefined;
    if (constant !== undefined) return { ...defined, section: "absolute", value: constant.toInt() >>> 0 };
    // What this file does not define is for others to define.
    return { ...defined, binding: isOptional(symbol) ? "weak" : "global", section: undefined, value: 0 };
  }

  private appearance(symbol: AssemblerSymbol): ReturnType<typeof appearanceOf> {
    try {
      return appearanceOf(symbol);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      this.assembler.report(error.position!, error.message, symbol.versions[0].origin);
      return symbol;
    }
  }

  /** A name for a symbol that was not defined yet gets its attributes here. */
  private inheritFromTarget({ name, definition }: AssemblerSymbol): void {
    if (definition?.kind !== "value" || definition.expression.kind !== "symbol") return;
    const target = this.assembler.symbols.byKey(definition.expression.name);
    if (target !== undefined) this.assembler.symbols.inherit(name, target);
  }

  private symbolSize({ name, size }: AssemblerSymbol): number {
    if (size === undefined) return 0;
    const { evaluator } = this.assembler;
    const value = evaluator.constant(size.expression);
    if (value !== undefined) return value.toInt();
    const message = `the .size of '${name}' must be a constant, but ${evaluator.reason}`;
    this.assembler.report(size.position, message, size.origin);
    return 0;
  }

  /** The file and section symbols, other local ones, then global ones; each in order of first mention. */
  table(): ObjectSymbol[] {
    const { symbols, sourceName } = this.assembler;
    const named: ObjectSymbol[] = [];
    for (const symbol of symbols.all()) {
      const isRelocated = this.objectSymbols.has(symbol);
      if (!isRelocated && (symbol.temporary || !symbols.isPresent(symbol) || this.isIdle(symbol))) continue;
      named.push(...withVersions(symbol, this.of(symbol)));
    }
    const local = named.filter(({ binding }) => binding === "local");
    const others = named.filter(({ binding }) => binding !== "local");
    const file: ObjectSymbol[] =
      sourceName === undefined
        ? []
        : [{ name: sourceName, binding: "local", type: "file", section: "absolute", value: 0, size: 0 }];
    return [...file, ...this.sectionSymbols.values(), ...local, ...others];
  }

  /** Whether an unused symbol stands for nothing in this file: a weak name, or another name for an undefined symbol. */
  private isIdle(symbol: AssemblerSymbol): boolean {
    if (symbol.definition === undefined) return isOptional(symbol) || symbol.versions.length > 0;
    if (symbol.definition.kind !== "value") return false;
    const { evaluator } = this.assembler;
    const { expression, position, origin } = symbol.definition;
    if (evaluator.evaluate(expression) === undefined) {
      this.assembler.report(position, `'${symbol.name}' has no value: ${evaluator.reason}`, origin);
    }
    return evaluator.locate(symbol) === undefined && evaluator.constant(expression) === undefined;
  }
}

/** Whether a symbol that is undefined here need not be defined anywhere. */
function isOptional({ binding, isWeaklyReferenced, isReferenced }: AssemblerSymbol): boolean {
  return binding === "weak" || (isWeaklyReferenced && !isReferenced && binding === "local");
}
