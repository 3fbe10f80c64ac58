/** Call frame information as the `.cfi_` directives of a source build it up. */
import type { Position } from "../diagnostics.ts";
import { ByteWriter, type CodeAddress } from "../dwarf/byte-writer.ts";
import { DWARF_EIP } from "../dwarf/dwarf-format.ts";
import {
  ENTRY_RULES,
  type Frame,
  type FrameInstruction,
  type FrameSection,
  writeFrames,
} from "../dwarf/frame-table.ts";
import { relocatableSections } from "../dwarf/relocatable-sections.ts";
import type { Section } from "../object-file.ts";
import { addressOf } from "./evaluator.ts";
import type { Origin, SectionBuilder, Subsection } from "./section-builder.ts";
import type { DeferredExpression, Location } from "./symbols.ts";

/** A rule as a source states it. */
export type Rule =
  | Exclude<FrameInstruction, { kind: "advance" | "val_address" }>
  | { readonly kind: "val_address"; readonly register: number; readonly address: DeferredExpression };

/** A rule, or the place from which the next ones hold. */
type Step = Rule | { readonly kind: "advance"; readonly to: Location };

/** From `.cfi_startproc` to `.cfi_endproc`. */
export class Procedure {
  returnColumn = DWARF_EIP;
  isSignalFrame = false;
  /** Bytes from the register that the CFA is counted from, as far as is known. */
  cfaOffset = 0;
  readonly steps: Step[] = [];
  end: Location | undefined;
  private last: Location;
  /** Offsets of the CFA at `.cfi_remember_state`. */
  private readonly remembered: number[] = [];

  constructor(
    readonly start: Location,
    /** Where the `.cfi_startproc` stands. */
    readonly opened: Position,
    readonly origin: Origin,
  ) {
    this.last = start;
  }

  /** Adds a rule that holds from `here` on. */
  add(rule: Rule, here: Location): void {
    if (rule.kind === "def_cfa" || rule.kind === "def_cfa_offset") this.cfaOffset = rule.offset;
    if (here.fragment !== this.last.fragment || here.offset !== this.last.offset) {
      this.steps.push({ kind: "advance", to: here });
      this.last = here;
    }
    this.steps.push(rule);
  }

  remember(here: Location): void {
    this.remembered.push(this.cfaOffset);
    this.add({ kind: "remember_state" }, here);
  }

  /** Returns whether there was a state to go back to. */
  restore(here: Location): boolean {
    const offset = this.remembered.pop();
    if (offset === undefined) return false;
    this.add({ kind: "restore_state" }, here);
    this.cfaOffset = offset;
    return true;
  }
}

export class CallFrames {
  /** Where the frames go; as `.cfi_sections` said. */
  sections: ReadonlySet<FrameSection> = new Set([".debug_frame"]);
  /** In the order of their beginnings. */
  readonly procedures: Procedure[] = [];
  /** Each part of a section may be within one. */
  private readonly open = new Map<Subsection, Procedure>();

  /** The one that the present place is in. */
  at(place: Subsection): Procedure | undefined {
    return this.open.get(place);
  }

  start(place: Subsection, start: Location, opened: Position, origin: Origin, isSimple: boolean): void {
    const procedure = new Procedure(start, opened, origin);
    if (!isSimple) for (const rule of ENTRY_RULES) procedure.add(rule, start);
    this.open.set(place, procedure);
    this.procedures.push(procedure);
  }

  end(place: Subsection, procedure: Procedure, end: Location): void {
    procedure.end = end;
    this.open.delete(place);
  }

  /** Those that no `.cfi_endproc` has ended. */
  unclosed(): Iterable<Procedure> {
    return this.open.values();
  }
}

/** What is known once fragments have their addresses. */
export interface Addresses {
  sectionOf(builder: SectionBuilder): Section;
  /** Where an expression points to in this object; undefined, and an error reported, if it points nowhere there. */
  resolve(expression: DeferredExpression): CodeAddress | undefined;
}

/** The sections with the frames. */
export function frameSections(frames: CallFrames, addresses: Addresses): Section[] {
  const closed = frames.procedures.filter(({ end }) => end !== undefined);
  if (closed.length === 0) return [];
  const described = closed.map((procedure) => frameOf(procedure, addresses));
  const writers = new Map<string, ByteWriter>();
  for (const name of [".eh_frame", ".debug_frame"] as const) {
    if (!frames.sections.has(name)) continue;
    const writer = new ByteWriter();
    writeFrames(writer, described, name);
    writers.set(name, writer);
  }
  return relocatableSections(writers);
}

function frameOf(procedure: Procedure, addresses: Addresses): Frame {
  const { returnColumn, isSignalFrame, start: place, end, steps } = procedure;
  const start = addressOf(place);
  return {
    start: { section: addresses.sectionOf(place.section), value: start },
    size: addressOf(end!) - start,
    returnColumn,
    isSignalFrame,
    instructions: steps.flatMap((step): FrameInstruction[] => {
      if (step.kind === "advance") return [{ kind: "advance", to: addressOf(step.to) - start }];
      if (step.kind !== "val_address") return [step];
      const address = addresses.resolve(step.address);
      return address === undefined ? [] : [{ ...step, address }];
    }),
  };
}
