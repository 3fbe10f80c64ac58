import { describe, expect, it } from "vitest";
import { formatDescriptor, viewDescriptor, viewDescriptorTable } from "../../../../emulator/cpu/descriptor-view.ts";
import { gate, segment } from "./guest.ts";

describe("descriptors as text", () => {
  it.each<[descriptor: [number, number], text: string]>([
    [segment(0, 0xfffff, 0x9b, 0xc), "code 32-bit readable accessed, base 00000000, limit ffffffff, DPL 0"],
    [segment(0x12345678, 0xff, 0xf6, 0), "data 16-bit writable expand-down, base 12345678, limit 000000ff, DPL 3"],
    [
      segment(0xfedcba98, 0x12345, 0x1c, 4),
      "code 32-bit conforming, base fedcba98, limit 00012345, DPL 0, not present",
    ],
    [segment(0x3000, 0x67, 0x8b, 0), "tss32 busy, base 00003000, limit 00000067, DPL 0"],
    [segment(0x3800, 0xff, 0x82, 0), "ldt, base 00003800, limit 000000ff, DPL 0"],
    [gate(0x08, 0xc0101234, 0xee), "interrupt gate32 to 0008:c0101234, DPL 3"],
    [gate(0x08, 0xc0101234, 0x87), "trap gate16 to 0008:00001234, DPL 0"],
    [gate(0x1b, 0x1000, 0xec, 3), "call gate32 to 001b:00001000, 3 parameters, DPL 3"],
    [gate(0x28, 0, 0x85), "task gate to 0028, DPL 0"],
    [[0, 0], "invalid, DPL 0, not present"],
  ])("%#: %s", ([low, high], text) => {
    expect(formatDescriptor(viewDescriptor(low, high))).toBe(text);
  });
});

describe("viewDescriptorTable", () => {
  const table = new Uint8Array([
    ...[0, 0, 0, 0, 0, 0, 0, 0],
    ...[0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0],
    ...[0x67, 0, 0x00, 0x10, 0x11, 0x89, 0, 0xc0],
    ...[0x34, 0x12, 0x10],
  ]);

  it("takes every whole descriptor of a table apart", () => {
    expect(viewDescriptorTable(table).map(formatDescriptor)).toEqual([
      "invalid, DPL 0, not present",
      "code 32-bit readable, base 00000000, limit ffffffff, DPL 0",
      "tss32, base c0111000, limit 00000067, DPL 0",
    ]);
  });

  it("finds none in an empty table", () => {
    expect(viewDescriptorTable(new Uint8Array(0))).toEqual([]);
  });
});
