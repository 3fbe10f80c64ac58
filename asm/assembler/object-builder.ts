/** Makes the object file of what was read: final bytes, relocations, symbols. */
import Long from "long";
import { StatementError } from "../diagnostics.ts";
import type { CodeAddress } from "../dwarf/byte-writer.ts";
import type { SymbolOperator } from "../expression.ts";
import type { Fixup } from "../instruction.ts";
import {
  type ObjectFile,
  type ObjectSymbol,
  R_386_8,
  R_386_16,
  R_386_32,
  R_386_GOTPC,
  R_386_PC8,
  R_386_PC16,
  R_386_PC32,
  type Relocation,
  type Section,
  type SectionLine,
  SHF_MERGE,
  SHT_NOBITS,
} from "../object-file.ts";
import type { Assembler } from "./assembler.ts";
import { frameSections } from "./call-frames.ts";
import { fits, hex } from "./data-directives.ts";
import { addressOf, describeSymbol, type Value } from "./evaluator.ts";
import { relocationFor } from "./explicit-relocations.ts";
import { leb128 } from "./leb128.ts";
import { fillWithNops } from "./nop-padding.ts";
import { ObjectSymbols } from "./object-symbols.ts";
import { relaxSection } from "./relaxation.ts";
import {
  type AlignFragment,
  type Fragment,
  type JumpFragment,
  MAX_OBJECT_SIZE,
  type PendingField,
  type SectionBuilder,
  type Subsection,
} from "./section-builder.ts";
import { positionIn, sourcePosition } from "./statement.ts";
import { type AssemblerSymbol, type DeferredExpression, displayName } from "./symbols.ts";

const ABSOLUTE_TYPES: Readonly<Record<number, number>> = { 1: R_386_8, 2: R_386_16, 4: R_386_32 };
const RELATIVE_TYPES: Readonly<Record<number, number>> = { 1: R_386_PC8, 2: R_386_PC16, 4: R_386_PC32 };

const R_386_GOT32X = 43;

/** The relocation that `@OPERATOR` asks for (System V ABI, i386 supplement; "ELF Handling For Thread-Local Storage"). */
const VIA_TYPES: Readonly<Record<SymbolOperator, number>> = {
  GOT: 3,
  PLT: 4,
  GOTOFF: 9,
  INDNTPOFF: 15,
  GOTNTPOFF: 16,
  NTPOFF: 17,
  TLSGD: 18,
  TLSLDM: 19,
  DTPOFF: 32,
  GOTTPOFF: 33,
  TPOFF: 34,
  SIZE: 38,
  TLSDESC: 39,
  TLSCALL: 40,
};

/** The operators that only mean something of thread-local symbols. */
const THREAD_LOCAL: ReadonlySet<SymbolOperator> = new Set([
  "INDNTPOFF",
  "GOTNTPOFF",
  "NTPOFF",
  "TLSGD",
  "TLSLDM",
  "DTPOFF",
  "GOTTPOFF",
  "TPOFF",
  "TLSDESC",
  "TLSCALL",
]);

const GLOBAL_OFFSET_TABLE = "_GLOBAL_OFFSET_TABLE_";

/** What relocations to absolute addresses refer to: the first entry of every symbol table. */
const NULL_SYMBOL: ObjectSymbol = {
  name: "",
  binding: "local",
  type: "notype",
  section: "absolute",
  value: 0,
  size: 0,
};

interface Target {
  readonly builder: SectionBuilder;
  readonly section: Section;
  /** False if its fragments found no final sizes; distances in it then mean nothing. */
  readonly isSettled: boolean;
}

export class ObjectBuilder {
  private readonly targets = new Map<SectionBuilder, Target>();
  private readonly symbols: ObjectSymbols;

  constructor(private readonly assembler: Assembler) {
    this.symbols = new ObjectSymbols(assembler, (builder) => this.targets.get(builder)!.section);
  }

  /**
   * Errors are reported to the assembler; the object is then of no use.
   * @throws AssemblyError if the object is too large to go on
   */
  build(): ObjectFile {
    const { assembler } = this;
    const builders = assembler.sections.all();
    assembler.evaluator.hasAddresses = true;
    const settled = builders.map((builder) =>
      relaxSection(builder, assembler.evaluator, (fragment, message) => {
        const { file, line, column } = "position" in fragment ? fragment.position : fragment.statement;
        assembler.report({ file, line, column }, message, fragment);
      }),
    );
    this.limitSize(builders);
    builders.forEach((builder, index) => {
      this.targets.set(builder, { builder, section: emptySection(builder), isSettled: settled[index] });
    });
    for (const target of this.targets.values()) this.fillSection(target);
    this.addExplicitRelocations();
    const frames = frameSections(assembler.callFrames, {
      sectionOf: (builder) => this.targets.get(builder)!.section,
      resolve: (expression) => this.codeAddress(expression),
    });
    return {
      name: assembler.sourceName ?? assembler.options.file,
      sections: [...[...this.targets.values()].map(({ section }) => section), ...frames],
      symbols: this.symbols.table(),
    };
  }

  /** Padding is not counted before layout: refuses what has become too large with it. */
  private limitSize(builders: readonly SectionBuilder[]): void {
    let total = 0;
    for (const builder of builders) {
      if (total + builder.size <= MAX_OBJECT_SIZE) {
        total += builder.size;
        continue;
      }
      const { statement, order } = builder.inOrder().at(-1)!.fragments.at(-1)!;
      const message = `with its padding, the object would be larger than ${MAX_OBJECT_SIZE / 1024 / 1024} MiB`;
      this.assembler.report(positionIn(statement, 0), message, { statement, order });
      this.assembler.finish();
    }
  }

  private fillSection(target: Target): void {
    const { builder, section } = target;
    const hasContents = section.type !== SHT_NOBITS;
    if (hasContents) section.data = new Uint8Array(section.size);
    for (const subsection of builder.inOrder()) {
      for (const fragment of subsection.fragments) {
        if (hasContents) this.fillFragment(target, subsection, fragment);
      }
    }
    if (builder.isCode) section.lines = lineTable(builder);
  }

  private addExplicitRelocations(): void {
    const { relocations, evaluator } = this.assembler;
    const targets = { evaluator, nullSymbol: NULL_SYMBOL, symbolFor: this.namedTarget };
    for (const relocation of relocations) {
      const { section } = this.targets.get(relocation.section)!;
      try {
        section.relocations.push(relocationFor(relocation, section, targets));
      } catch (error) {
        if (!(error instanceof StatementError)) throw error;
        this.assembler.report(error.position ?? relocation.place.position, error.message, relocation.place.origin);
      }
    }
  }

  /** The symbol itself if it has a name that others can see, else that of its section. */
  private readonly namedTarget = (
    symbol: AssemblerSymbol,
    addend: number,
  ): { symbol: ObjectSymbol; addend: number } => {
    const location = this.assembler.evaluator.locate(symbol);
    if (location !== undefined && (symbol.name === location.section.name || displayName(symbol.name) !== symbol.name)) {
      const { section } = this.targets.get(location.section)!;
      return { symbol: this.symbols.ofSection(section), addend: addend + addressOf(location) };
    }
    if (location === undefined && symbol.temporary) {
      throw new StatementError(`the label '${displayName(symbol.name)}' is not defined in this file`);
    }
    return { symbol: this.symbols.of(symbol), addend };
  };

  private fillFragment(target: Target, subsection: Subsection, fragment: Fragment): void {
    const { data } = target.section;
    const end = fragment.address + fragment.size;
    switch (fragment.kind) {
      case "data":
        data.set(subsection.bytes(fragment.start, fragment.start + fragment.size), fragment.address);
        for (const field of fragment.fields) this.fillField(target, fragment, field);
        return;
      case "jump":
        if (target.isSettled || fragment.form === "long") this.fillJump(target, fragment);
        return;
      case "leb128": {
        const value = this.assembler.evaluator.constant(fragment.expression);
        if (value !== undefined) data.set(leb128(BigInt(value.toString()), fragment.isSigned), fragment.address);
        return;
      }
      case "align":
        this.fillPadding(fragment, data.subarray(fragment.address, end));
        return;
      default:
        data.fill(fragment.fill, fragment.address, end);
    }
  }

  private fillPadding(fragment: AlignFragment, target: Uint8Array): void {
    const { fill, fillSize, codeSize } = fragment;
    if (fill === undefined) {
      fillWithNops(target, codeSize);
    } else if (fillSize === 1) {
      target.fill(fill);
    } else if (target.length % fillSize === 0) {
      for (let at = 0; at < target.length; at++) target[at] = fill >> (8 * (at % fillSize));
    } else {
      const { file, line, column } = fragment.statement;
      const message = `the padding takes ${target.length} bytes, no multiple of the ${fillSize} bytes that fill it`;
      this.assembler.report({ file, line, column }, message, fragment);
    }
  }

  private fillJump(target: Target, fragment: JumpFragment): void {
    const { bytes, fixups } = fragment[fragment.form];
    target.section.data.set(bytes, fragment.address);
    for (const fixup of fixups) this.fillField(target, fragment, jumpField(fragment, fixup, bytes.length), true);
  }

  /**
   * Fills a field, or leaves its addend there and adds a relocation. `resolvesGlobals`: also distances to global
   * symbols of this section are final, as GNU as has it for jumps that it may shorten.
   */
  private fillField(target: Target, fragment: Fragment, field: PendingField, resolvesGlobals = false): void {
    try {
      this.resolveField(target, fragment, field, resolvesGlobals);
    } catch (error) {
      if (!(error instanceof StatementError)) throw error;
      this.assembler.report(error.position ?? field.position, error.message, field);
    }
  }

  private resolveField(target: Target, fragment: Fragment, field: PendingField, resolvesGlobals: boolean): void {
    const { evaluator } = this.assembler;
    const value = evaluator.evaluate(field.expression);
    if (value === undefined) throw new StatementError(`this can't be expressed in an object file: ${evaluator.reason}`);
    const { builder, section } = target;
    const offset = fragment.address + field.offset;
    const { add, subtract, via } = value;
    let { constant } = value;
    let isRelative = field.relativeTo !== undefined;
    if (isRelative) constant = constant.subtract(fragment.address + field.relativeTo! - offset);
    if (subtract !== undefined) {
      // A distance from this section is a distance from the field, and that has relocations.
      const location = evaluator.locate(subtract);
      if (isRelative || location?.section !== builder) throw this.inexpressible(value, builder);
      constant = constant.add(offset - addressOf(location));
      isRelative = true;
    }
    if (add !== undefined && isRelative) {
      const location = evaluator.locate(add);
      const isFinal = add.binding === "local" || (resolvesGlobals && add.binding !== "weak" && via === undefined);
      if (location?.section === builder && isFinal) {
        this.store(section, offset, field, constant.add(addressOf(location) - offset), true);
        return;
      }
    }
    if (add === undefined && !isRelative) {
      this.store(section, offset, field, constant, false);
      return;
    }
    if (add !== undefined && via !== undefined) {
      this.relocateVia(section, offset, field, add, via, constant);
      return;
    }
    if (add?.name === GLOBAL_OFFSET_TABLE && field.size === 4 && !isRelative) {
      // The distance of the table from the instruction.
      this.store(section, offset, field, constant.add(field.inInstruction ?? 0), false);
      section.relocations.push({ offset, type: R_386_GOTPC, symbol: this.symbols.of(add) });
      return;
    }
    const type = (isRelative ? RELATIVE_TYPES : ABSOLUTE_TYPES)[field.size];
    if (type === undefined) {
      throw new StatementError(`a ${field.size * 8}-bit field can't hold an address; use .long`);
    }
    const { symbol, addend } =
      add === undefined ? { symbol: NULL_SYMBOL, addend: constant } : this.relocated(add, constant, section);
    this.store(section, offset, field, addend, isRelative);
    section.relocations.push({ offset, type, symbol } satisfies Relocation);
  }

  /** `symbol@OPERATOR`. */
  private relocateVia(
    section: Section,
    offset: number,
    field: PendingField,
    symbol: AssemblerSymbol,
    via: SymbolOperator,
    constant: Long,
  ): void {
    if (field.size !== 4) throw new StatementError(`@${via} needs a field of 32 bits, not ${8 * field.size}`);
    if (THREAD_LOCAL.has(via)) symbol.type = "tls";
    // GNU as counts only displacements from the section.
    const isSectional = via === "GOTOFF" && field.isDisplacement === true;
    const target = isSectional
      ? this.relocated(symbol, constant, section)
      : { symbol: this.symbols.of(symbol), addend: constant };
    const type = via === "GOT" && field.isRelaxable ? R_386_GOT32X : VIA_TYPES[via];
    this.store(section, offset, field, target.addend, false);
    section.relocations.push({ offset, type, symbol: target.symbol });
  }

  /** The symbol that a relocation in `from` names and the addend: local symbols give way to their section's symbol. */
  private relocated(symbol: AssemblerSymbol, addend: Long, from: Section): { symbol: ObjectSymbol; addend: Long } {
    const location = this.assembler.evaluator.locate(symbol);
    if (location === undefined && symbol.temporary) {
      const name = displayName(symbol.name);
      throw new StatementError(
        /^[0-9]/.test(name)
          ? `no label '${name}:' follows this '${name}f'`
          : `the label '${name}' is not defined in this file`,
      );
    }
    if (location !== undefined && symbol.binding === "local") {
      const { section } = this.targets.get(location.section)!;
      const isInMerged = (section.flags & SHF_MERGE) !== 0 && !addend.isZero();
      const isInOther = isOnce(section) && section !== from && !symbol.temporary;
      if (!isInMerged && !isInOther)
        return { symbol: this.symbols.ofSection(section), addend: addend.add(addressOf(location)) };
    }
    return { symbol: this.symbols.of(symbol), addend };
  }

  private store(section: Section, offset: number, field: PendingField, value: Long, isRelative: boolean): void {
    const { size } = field;
    if (size < 4) {
      const limit = Long.ONE.shiftLeft(8 * size - 1);
      // A distance is signed, but IP wraps at 64 KiB.
      const isSigned = isRelative && size === 1;
      const inRange = isSigned ? value.lessThan(limit) && value.greaterThanOrEqual(limit.negate()) : fits(value, size);
      if (!inRange) {
        throw new StatementError(
          isRelative
            ? `the target is out of reach: ${value} bytes away, and ${8 * size} bits hold ${limit.negate()} to ${limit.subtract(1)}`
            : `the value ${hex(value)} does not fit in ${8 * size} bits`,
        );
      }
    }
    section.data.set(value.toBytesLE().slice(0, size), offset);
  }

  private inexpressible({ add, subtract }: Value, builder: SectionBuilder): StatementError {
    if (subtract!.definition === undefined) {
      const name = displayName(subtract!.name);
      return new StatementError(`'${name}' is subtracted, so it must be defined here or given as a constant`);
    }
    const difference = `${add === undefined ? "0" : describeSymbol(add)} minus ${describeSymbol(subtract!)}`;
    return new StatementError(
      `${difference} is not known here and has no relocation; both must be in one section, or the second in ${builder.name}`,
    );
  }

  private codeAddress({ expression, position, origin }: DeferredExpression): CodeAddress | undefined {
    const { evaluator } = this.assembler;
    const value = evaluator.evaluate(expression);
    const location = value?.add && value.subtract === undefined ? evaluator.locate(value.add) : undefined;
    if (location === undefined) {
      this.assembler.report(position, "expected a label that is defined in this file", origin);
      return undefined;
    }
    const offset = addressOf(location) + value!.constant.toInt();
    return { section: this.targets.get(location.section)!.section, value: offset };
  }
}

/** Whether of several objects' sections of this kind a program has one. */
function isOnce({ group, name }: Section): boolean {
  return group?.isComdat === true || name.startsWith(".gnu.linkonce");
}

/** The lines of a section whose fragments have their addresses. */
function lineTable(builder: SectionBuilder): SectionLine[] {
  const lines: SectionLine[] = [];
  for (const { lineMarks } of builder.inOrder()) {
    for (const { fragment, offset, statement } of lineMarks) {
      const { file, line } = sourcePosition(statement);
      lines.push({ offset: fragment.address + offset, file, line });
    }
  }
  return lines;
}

function emptySection(builder: SectionBuilder): Section {
  const { name, type, flags, entrySize, alignment, size, group } = builder;
  return { name, type, flags, entrySize, alignment, size, data: new Uint8Array(0), relocations: [], group };
}

function jumpField(fragment: JumpFragment, fixup: Fixup, end: number): PendingField {
  const { statement, order, position } = fragment;
  const relativeTo = fixup.kind === "relative" ? end : undefined;
  return {
    offset: fixup.offset,
    size: fixup.size,
    relativeTo,
    expression: fixup.expression,
    position,
    statement,
    order,
  };
}
