/**
 * Settles the size of every fragment of a section. Jumps start short and grow when their target is out of reach; none
 * shrinks again, so this ends. The order of decisions is that of GNU as, so that where alignment makes more than one
 * outcome possible ours is the same.
 */

import type { Expression } from "../expression.ts";
import { addressOf, type Evaluator } from "./evaluator.ts";
import { leb128 } from "./leb128.ts";
import {
  type AlignFragment,
  type Fragment,
  type JumpFragment,
  type Leb128Fragment,
  MAX_OBJECT_SIZE,
  type OriginFragment,
  type SectionBuilder,
  type SpaceFragment,
} from "./section-builder.ts";
import type { Location } from "./symbols.ts";

/** Receives an error of a fragment. */
export type ReportAt = (fragment: Fragment, message: string) => void;

/** A jump whose target lies in the same section. */
interface JumpTarget {
  readonly location: Location;
  readonly addend: number;
}

/** Visits to fragments before a section counts as one that never settles: a second or two of the host's time. */
const MAX_STEPS = 100_000_000;

interface Relaxation {
  readonly section: SectionBuilder;
  readonly fragments: readonly Fragment[];
  readonly targets: ReadonlyMap<JumpFragment, JumpTarget>;
  readonly evaluator: Evaluator;
}

/**
 * Gives each fragment of `section` its address and size, and the section its size. `.skip` and `.org` may count only
 * on distances within this section and those relaxed before. The evaluator must take addresses as known.
 * Returns whether that worked; if not, jumps may not reach their targets.
 */
export function relaxSection(section: SectionBuilder, evaluator: Evaluator, report: ReportAt): boolean {
  const fragments = section.inOrder().flatMap((subsection) => subsection.fragments);
  const targets = new Map<JumpFragment, JumpTarget>();
  layOut(fragments);
  evaluator.addressesChanged();
  for (const fragment of fragments) {
    if (fragment.kind === "jump") chooseForm(fragment, section, evaluator, targets);
  }
  layOut(fragments);
  evaluator.addressesChanged();
  const isSettled = settle({ section, fragments, targets, evaluator }, report);
  const last = fragments.at(-1);
  section.size = last === undefined ? 0 : last.address + last.size;
  return isSettled;
}

/** Jumps that can't be resolved in this section take the long form for good; the others start short. */
function chooseForm(
  fragment: JumpFragment,
  section: SectionBuilder,
  evaluator: Evaluator,
  targets: Map<JumpFragment, JumpTarget>,
): void {
  const value = evaluator.evaluate(fragment.short.fixups[0].expression);
  const location = value?.add && value.subtract === undefined ? evaluator.locate(value.add) : undefined;
  const isElsewhere = location === undefined || location.section !== section;
  const { binding } = value?.add ?? { binding: "local" };
  if (isElsewhere || binding === "weak" || (value!.via !== undefined && binding !== "local")) {
    fragment.form = "long";
    fragment.size = fragment.long.bytes.length;
    return;
  }
  targets.set(fragment, { location, addend: value!.constant.toInt() });
  fragment.form = "short";
  fragment.size = fragment.short.bytes.length;
}

/** First addresses: jumps short, .org and .skip with expressions empty. */
function layOut(fragments: readonly Fragment[]): void {
  let address = 0;
  let region = 0;
  fragments.forEach((fragment, ordinal) => {
    fragment.ordinal = ordinal;
    fragment.region = region;
    fragment.address = address;
    if (fragment.kind === "align") fragment.size = padding(fragment, address);
    if (fragment.kind === "align" || fragment.kind === "origin") region++;
    address += fragment.size;
  });
}

/** Errors of a pass: before the last pass sizes are provisional and prove nothing. */
type Faults = Map<Fragment, string>;

function settle(relaxation: Relaxation, report: ReportAt): boolean {
  const { fragments } = relaxation;
  // Sizes that chase each other (.skip of a distance that the .skip itself is part of) never settle. Honest sources
  // need a handful of passes.
  const mostPasses = Math.min(100 + fragments.length, MAX_STEPS / fragments.length);
  const faults: Faults = new Map();
  for (let pass = 0; ; pass++) {
    faults.clear();
    const unsettled = relaxOnce(relaxation, (fragment, message) => faults.set(fragment, message));
    if (unsettled === undefined) break;
    if (pass >= mostPasses) {
      faults.set(unsettled, "the size of this statement depends on itself and never settles");
      break;
    }
  }
  if (faults.size === 0) return true;
  for (const [fragment, message] of faults) report(fragment, message);
  // Sizes are left as they were: addresses that agree with them let other errors be found.
  let address = 0;
  for (const fragment of fragments) {
    fragment.address = address;
    address += fragment.size;
  }
  return false;
}

/** One pass over the fragments. Returns a fragment whose size changed, undefined if there was none. */
function relaxOnce(relaxation: Relaxation, report: ReportAt): Fragment | undefined {
  let stretch = 0;
  let changed: Fragment | undefined;
  for (const fragment of relaxation.fragments) {
    if (stretch !== 0) {
      fragment.address += stretch;
      relaxation.evaluator.addressesChanged();
    }
    const size = relaxedSize(fragment, stretch, relaxation, report);
    if (size === fragment.size) continue;
    stretch += size - fragment.size;
    fragment.size = size;
    changed = fragment;
    if (fragment.address + size > MAX_OBJECT_SIZE) {
      fragment.size = 0;
      report(fragment, `the section would be larger than ${MAX_OBJECT_SIZE / 1024 / 1024} MiB`);
      return undefined;
    }
  }
  return changed;
}

function relaxedSize(
  fragment: Fragment,
  stretch: number,
  { section, targets, evaluator }: Relaxation,
  report: ReportAt,
): number {
  switch (fragment.kind) {
    case "data":
      return fragment.size;
    case "align":
      return padding(fragment, fragment.address);
    case "jump": {
      const target = targets.get(fragment);
      if (fragment.form === "short" && target !== undefined && !reaches(fragment, target, stretch)) {
        fragment.form = "long";
      }
      return fragment[fragment.form].bytes.length;
    }
    case "space":
      return spaceSize(fragment, evaluator, report);
    case "leb128":
      return leb128Size(fragment, evaluator, (message) => report(fragment, message));
    case "origin":
      return originSize(fragment, section, evaluator, report);
  }
}

/** Whether the short form reaches its target. `stretch` is what this pass has moved the jump by. */
function reaches(jump: JumpFragment, { location, addend }: JumpTarget, stretch: number): boolean {
  const target = location.fragment;
  let address = addressOf(location) + addend;
  // A fragment that this pass has yet to reach will move like this one, unless alignment between them absorbs it.
  if (stretch !== 0 && target.ordinal > jump.ordinal) {
    if (target.region === jump.region) address += stretch;
    else if (address < jump.address) return true;
  }
  const distance = address - (jump.address + jump.short.bytes.length);
  return distance >= -128 && distance <= 127;
}

/** Bytes of padding at `address`. */
function padding({ alignment, limit }: AlignFragment, address: number): number {
  const bytes = -address & (alignment - 1);
  return bytes > limit ? 0 : bytes;
}

function spaceSize(fragment: SpaceFragment, evaluator: Evaluator, report: ReportAt): number {
  const count = evaluator.constant(fragment.count)?.toNumber();
  if (count === undefined) {
    report(fragment, `the count of .skip must be a constant, but ${evaluator.reason}`);
    return 0;
  }
  if (count < 0) report(fragment, `the count of .skip is ${count}; it can't be negative`);
  return Math.max(0, count);
}

function leb128Size(
  { expression, isSigned }: Leb128Fragment,
  evaluator: Evaluator,
  report: (message: string) => void,
): number {
  const value = evaluator.constant(expression);
  if (value === undefined) {
    report(`${isSigned ? ".sleb128" : ".uleb128"} needs a constant, but ${evaluator.reason}`);
    return 1;
  }
  return leb128(BigInt(value.toString()), isSigned).length;
}

/** Where .org goes: an address in this section, or a constant counted from its start. */
function originSize(fragment: OriginFragment, section: SectionBuilder, evaluator: Evaluator, report: ReportAt): number {
  const target = originTarget(fragment.target, section, evaluator);
  if (target === undefined) {
    report(fragment, ".org needs a constant or a place in this section");
    return 0;
  }
  if (target < fragment.address) {
    report(
      fragment,
      `.org goes back to 0x${target.toString(16)} from 0x${fragment.address.toString(16)}; it can only go on`,
    );
    return 0;
  }
  return target - fragment.address;
}

function originTarget(target: Expression, section: SectionBuilder, evaluator: Evaluator): number | undefined {
  const value = evaluator.evaluate(target);
  if (value === undefined || value.subtract !== undefined) return undefined;
  if (value.add === undefined) return value.constant.toNumber();
  const location = evaluator.locate(value.add);
  return location?.section === section ? addressOf(location) + value.constant.toNumber() : undefined;
}
