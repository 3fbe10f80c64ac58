import { Parser } from "binary-parser";
import {
  accessDpl,
  descriptorAccess,
  descriptorBase,
  descriptorLimit,
  isCode,
  isConformingCode,
  isExpandDown,
  isReadable,
  isWritableData,
  systemType,
} from "./descriptors.ts";
import { ACCESS_ACCESSED, ACCESS_BIG, ACCESS_PRESENT } from "./state-layout.ts";

/** What the types of system segments and gates are called, by type; undefined for reserved ones. */
const SYSTEM_KINDS: readonly (string | undefined)[] = [
  undefined,
  "tss16",
  "ldt",
  "tss16 busy",
  "call gate16",
  "task gate",
  "interrupt gate16",
  "trap gate16",
  undefined,
  "tss32",
  undefined,
  "tss32 busy",
  "call gate32",
  undefined,
  "interrupt gate32",
  "trap gate32",
];

interface CommonView {
  readonly present: boolean;
  /** Descriptor privilege level, 0 to 3. */
  readonly dpl: number;
}

/** A descriptor taken apart for people: debuggers and traces. */
export type DescriptorView =
  | (CommonView & {
      readonly kind: "code" | "data";
      /** Linear address, unsigned. */
      readonly base: number;
      /** Bytes, granularity applied, unsigned. */
      readonly limit: number;
      /** D/B: 32-bit code, stack or upper bound. */
      readonly is32Bit: boolean;
      readonly readable: boolean;
      readonly writable: boolean;
      readonly conforming: boolean;
      readonly expandDown: boolean;
      readonly accessed: boolean;
    })
  | (CommonView & { readonly kind: "system"; readonly name: string; readonly base: number; readonly limit: number })
  | (CommonView & {
      readonly kind: "gate";
      readonly name: string;
      readonly selector: number;
      /** Offset of the entry point, unsigned; 0 for a task gate. */
      readonly offset: number;
      /** Slots that a call gate copies. */
      readonly parameters: number;
    })
  | (CommonView & { readonly kind: "invalid" });

/** Takes the two doublewords of a descriptor apart. */
export function viewDescriptor(low: number, high: number): DescriptorView {
  const access = descriptorAccess(high);
  const common = { present: (access & ACCESS_PRESENT) !== 0, dpl: accessDpl(access) };
  const base = descriptorBase(low, high) >>> 0;
  const limit = descriptorLimit(low, high);
  const type = systemType(access);
  if (type < 0) {
    return {
      ...common,
      kind: isCode(access) ? "code" : "data",
      base,
      limit,
      is32Bit: (access & ACCESS_BIG) !== 0,
      readable: isReadable(access),
      writable: isWritableData(access),
      conforming: isConformingCode(access),
      expandDown: isExpandDown(access),
      accessed: (access & ACCESS_ACCESSED) !== 0,
    };
  }
  const name = SYSTEM_KINDS[type];
  if (name === undefined) return { ...common, kind: "invalid" };
  if (!name.includes("gate")) return { ...common, kind: "system", name, base, limit };
  const offset = name.endsWith("32") ? ((low & 0xffff) | (high & 0xffff0000)) >>> 0 : low & 0xffff;
  return {
    ...common,
    kind: "gate",
    name,
    selector: low >>> 16,
    offset: name === "task gate" ? 0 : offset,
    parameters: name.startsWith("call") ? high & 0x1f : 0,
  };
}

const DESCRIPTOR_SIZE = 8;

/** GDT, LDT and IDT are arrays of descriptors, each two doublewords (Intel SDM vol. 3, 3.4.5, 6.11). */
let tableParser: Parser | undefined;

/**
 * Takes a descriptor table apart: GDT, LDT or IDT, as it lies in memory. Bytes behind the last whole descriptor are left
 * out, as the CPU cannot use them.
 */
export function viewDescriptorTable(bytes: Uint8Array): DescriptorView[] {
  tableParser ??= new Parser().array("descriptors", {
    type: new Parser().endianness("little").uint32("low").uint32("high"),
    readUntil: "eof",
  });
  const whole = bytes.subarray(0, bytes.length - (bytes.length % DESCRIPTOR_SIZE));
  const { descriptors } = tableParser.parse(whole) as { descriptors: { low: number; high: number }[] };
  return descriptors.map(({ low, high }) => viewDescriptor(low, high));
}

/** One line for a descriptor: `code 32-bit readable accessed, base 00000000, limit ffffffff, DPL 0`. */
export function formatDescriptor(view: DescriptorView): string {
  const tail = `DPL ${view.dpl}${view.present ? "" : ", not present"}`;
  switch (view.kind) {
    case "invalid":
      return `invalid, ${tail}`;
    case "system":
      return `${view.name}, base ${hex8(view.base)}, limit ${hex8(view.limit)}, ${tail}`;
    case "gate": {
      const target = view.selector.toString(16).padStart(4, "0");
      const entry = view.name === "task gate" ? target : `${target}:${hex8(view.offset)}`;
      const copies = view.parameters === 0 ? "" : `, ${view.parameters} parameters`;
      return `${view.name} to ${entry}${copies}, ${tail}`;
    }
    default: {
      const words: string[] = [view.kind, view.is32Bit ? "32-bit" : "16-bit"];
      if (view.kind === "code" && view.readable) words.push("readable");
      if (view.writable) words.push("writable");
      if (view.conforming) words.push("conforming");
      if (view.expandDown) words.push("expand-down");
      if (view.accessed) words.push("accessed");
      return `${words.join(" ")}, base ${hex8(view.base)}, limit ${hex8(view.limit)}, ${tail}`;
    }
  }
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, "0");
}
