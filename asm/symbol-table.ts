/** The linker's symbols: which definition each name means, and the address that comes to. */
import { COMMON_SECTION, type OutputSection } from "./layout.ts";
import { didYouMean, nearNames } from "./near-names.ts";
import {
  type ObjectFile,
  type ObjectSymbol,
  type Relocation,
  type Section,
  SHF_ALLOC,
  SHF_WRITE,
  SHT_NOBITS,
} from "./object-file.ts";
import { withoutDuplicates } from "./section-groups.ts";

/** A symbol that the linker itself defines. */
export interface LinkerSymbol {
  readonly name: string;
  readonly address: number;
  /** Undefined for an absolute symbol. */
  readonly output: OutputSection | undefined;
  /**
   * `required`: a definition in an object is an error. `default`: one in an object is used instead. `on demand`: as
   * default, and only defined if an object refers to it.
   */
  readonly policy: "required" | "default" | "on demand";
}

/** A symbol with its final address. */
export interface ResolvedSymbol {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly type: "notype" | "object" | "function";
  readonly binding: "local" | "global" | "weak";
  /** The name of the object that defines it; undefined for the linker's own symbols. */
  readonly unit: string | undefined;
  readonly output: OutputSection | undefined;
}

interface Definition {
  readonly object: ObjectFile;
  readonly symbol: ObjectSymbol;
}

interface UndefinedReference {
  readonly place: string;
  count: number;
}

const hex = (value: number): string => `0x${value.toString(16)}`;

/** Strong definitions win over common symbols, and those over weak definitions. */
function strength({ symbol }: Definition): number {
  if (symbol.binding === "weak") return 0;
  return symbol.section === "common" ? 1 : 2;
}

function definedAt({ object, symbol }: Definition): string {
  if (symbol.section === undefined || typeof symbol.section === "string") return `${object.name} (absolute)`;
  return `${object.name} (${symbol.section.name}+${hex(symbol.value)})`;
}

function resolvedType(type: ObjectSymbol["type"]): ResolvedSymbol["type"] {
  return type === "object" || type === "function" ? type : "notype";
}

export class SymbolTable {
  /** The objects to link, and one more that holds the common symbols if there are any. */
  readonly objects: readonly ObjectFile[];
  private readonly globals = new Map<string, Definition>();
  /** The symbols `NAME@@VERSION` that NAME and NAME@VERSION mean where nothing else has these names. */
  private readonly defaultVersions = new Map<string, string>();
  private readonly referenced = new Set<string>();
  private readonly linkerDefined = new Map<string, LinkerSymbol>();
  private readonly placed = new Map<Section, { output: OutputSection; address: number }>();
  private readonly used = new Set<OutputSection>();
  /** Names that an object keeps from the world outside of the program. */
  private readonly hidden = new Set<string>();
  /** Sections of groups that an object before has too. */
  private readonly discarded = new Set<Section>();
  private readonly undefinedReferences = new Map<string, UndefinedReference>();

  /** @param errors where errors are added as they are found */
  constructor(
    given: readonly ObjectFile[],
    private readonly errors: string[],
  ) {
    const objects = withoutDuplicates(given, this.discarded);
    for (const object of objects) {
      for (const symbol of object.symbols) {
        if (symbol.binding === "local" || symbol.type === "file" || symbol.type === "section") continue;
        if (symbol.visibility === "hidden" || symbol.visibility === "internal") this.hidden.add(symbol.name);
        if (symbol.section === undefined) this.referenced.add(symbol.name);
        else this.declare({ object, symbol });
        // A default version is meant by its name without one, too.
        const [, base, version] = /^(.+)@@(.+)$/.exec(symbol.name) ?? [];
        if (base !== undefined && symbol.section !== undefined) {
          for (const name of [base, `${base}@${version}`]) this.defaultVersions.set(name, symbol.name);
        }
      }
      for (const { relocations } of object.sections) {
        for (const { symbol } of relocations) {
          if (symbol.section === undefined && symbol.name !== "") this.referenced.add(symbol.name);
        }
      }
    }
    const common = this.allocateCommon();
    this.objects = common === undefined ? objects : [...objects, common];
  }

  private declare(definition: Definition): void {
    const { name } = definition.symbol;
    const existing = this.globals.get(name);
    if (existing === undefined) {
      this.globals.set(name, definition);
      return;
    }
    const difference = strength(definition) - strength(existing);
    if (difference > 0) {
      this.globals.set(name, definition);
    } else if (difference === 0 && strength(definition) === 2) {
      this.errors.push(
        `duplicate definition of '${name}': ${definedAt(definition)}, first defined in ${definedAt(existing)}`,
      );
    } else if (difference === 0 && strength(definition) === 1) {
      const size = Math.max(existing.symbol.size, definition.symbol.size);
      const value = Math.max(existing.symbol.value, definition.symbol.value);
      this.globals.set(name, { object: existing.object, symbol: { ...existing.symbol, size, value } });
    }
  }

  /** Gives each common symbol that no definition replaced a section of its own. */
  private allocateCommon(): ObjectFile | undefined {
    const sections: Section[] = [];
    for (const [name, { object, symbol }] of this.globals) {
      if (symbol.section !== "common") continue;
      const section: Section = {
        name: COMMON_SECTION,
        type: SHT_NOBITS,
        flags: SHF_ALLOC | SHF_WRITE,
        entrySize: 0,
        alignment: Math.max(1, symbol.value),
        data: new Uint8Array(0),
        size: symbol.size,
        relocations: [],
      };
      sections.push(section);
      this.globals.set(name, { object, symbol: { ...symbol, section, value: 0, type: "object" } });
    }
    return sections.length === 0 ? undefined : { name: "common symbols", sections, symbols: [] };
  }

  /** Takes note of where the input sections have come to lie. */
  place(outputs: readonly OutputSection[]): void {
    for (const output of outputs) {
      for (const { section, offset } of output.inputs) {
        this.placed.set(section, { output, address: output.address + offset });
      }
    }
    for (const { output } of this.all()) {
      if (output !== undefined) this.used.add(output);
    }
  }

  /** Adds the linker's own symbols. */
  define(symbols: readonly LinkerSymbol[]): void {
    for (const symbol of symbols) {
      const { name, policy } = symbol;
      const existing = this.globals.get(name);
      if (policy === "required") {
        if (existing !== undefined) {
          this.errors.push(`duplicate definition of '${name}': ${definedAt(existing)}, and defined by the linker`);
        } else if (this.linkerDefined.get(name)?.policy === "required") {
          this.errors.push(`duplicate definition of '${name}': the link options define it twice`);
        }
        if (symbol.output !== undefined) this.used.add(symbol.output);
      } else if (existing !== undefined || this.linkerDefined.has(name)) continue;
      else if (policy === "on demand" && !this.referenced.has(name)) continue;
      this.linkerDefined.set(name, symbol);
      if (policy === "on demand" && symbol.output !== undefined) this.used.add(symbol.output);
    }
  }

  /** The objects that define the name for themselves alone. */
  localDefinitions(name: string): string[] {
    const isLocal = (symbol: ObjectSymbol): boolean => symbol.binding === "local" && symbol.section !== undefined;
    return this.objects
      .filter(({ symbols }) => symbols.some((symbol) => symbol.name === name && isLocal(symbol)))
      .map(({ name: object }) => object);
  }

  /** Whether a symbol is defined in this section, so that it is needed even if it is empty. */
  isUsed(output: OutputSection): boolean {
    return this.used.has(output);
  }

  /** Undefined if no object and not the linker defines it. */
  addressOfGlobal(name: string): number | undefined {
    const definition = this.globals.get(name) ?? this.globals.get(this.defaultVersions.get(name) ?? "");
    if (definition !== undefined) return this.addressOfDefinition(definition.symbol);
    return this.linkerDefined.get(name)?.address;
  }

  private addressOfDefinition({ section, value }: ObjectSymbol): number {
    if (section === undefined || typeof section === "string") return value >>> 0;
    return ((this.placed.get(section)?.address ?? 0) + value) >>> 0;
  }

  /**
   * The address a relocation's symbol stands for.
   * An undefined one is noted as an error against `place` and taken for 0.
   */
  addressFor(relocation: Relocation, place: () => string): number {
    const { symbol } = relocation;
    if (symbol.binding === "local" && (symbol.section !== undefined || symbol.name === "")) {
      return this.addressOfDefinition(symbol);
    }
    const address = this.addressOfGlobal(symbol.name);
    if (address !== undefined) return address;
    if (symbol.binding === "weak") return 0;
    const known = this.undefinedReferences.get(symbol.name);
    if (known === undefined) this.undefinedReferences.set(symbol.name, { place: place(), count: 1 });
    else known.count++;
    return 0;
  }

  /** Whether a symbol is local to a section that another object's copy has replaced. */
  isDiscarded({ binding, section }: ObjectSymbol): boolean {
    return binding === "local" && typeof section === "object" && this.discarded.has(section);
  }

  /** Turns the undefined references met so far into errors, one for each name. */
  reportUndefined(): void {
    for (const [name, { place, count }] of this.undefinedReferences) {
      const others = count === 1 ? "" : ` and ${count - 1} other place${count === 2 ? "" : "s"}`;
      this.errors.push(`undefined symbol '${name}', needed at ${place}${others}${this.suggestion(name)}`);
    }
  }

  /** ` (did you mean …?)`, or nothing if no global symbol's name is near. */
  suggestion(name: string): string {
    const near = nearNames(name, [...this.globals.keys(), ...this.linkerDefined.keys()]);
    return didYouMean(near.map((candidate) => `'${candidate}'`));
  }

  /** Every symbol that the program has, local ones first, in the order of the objects. */
  all(): ResolvedSymbol[] {
    const resolved: ResolvedSymbol[] = [];
    const add = (unit: string, symbol: ObjectSymbol): void => {
      const { name, size, section } = symbol;
      const binding = this.hidden.has(name) ? "local" : symbol.binding;
      const inSection = typeof section === "object";
      const placed = inSection ? this.placed.get(section) : undefined;
      if (inSection && placed === undefined) return;
      const address = this.addressOfDefinition(symbol);
      resolved.push({ name, address, size, type: resolvedType(symbol.type), binding, unit, output: placed?.output });
    };
    for (const object of this.objects) {
      for (const symbol of object.symbols) {
        if (symbol.binding !== "local" || symbol.section === undefined || symbol.name === "") continue;
        if (symbol.type !== "section" && symbol.type !== "file") add(object.name, symbol);
      }
    }
    const globals = [...this.globals.values()];
    const isHidden = ({ symbol }: Definition): boolean => this.hidden.has(symbol.name);
    for (const { object, symbol } of globals.filter(isHidden)) add(object.name, symbol);
    for (const { object, symbol } of globals.filter((definition) => !isHidden(definition))) add(object.name, symbol);
    for (const { name, address, output } of this.linkerDefined.values()) {
      resolved.push({ name, address, size: 0, type: "notype", binding: "global", unit: undefined, output });
    }
    return resolved;
  }
}
