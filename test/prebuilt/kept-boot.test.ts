/** The file in which the build keeps a booted kernel is as good as the boot, or is not taken. */
import { describe, expect, it } from "vitest";
import { kernel_image } from "../../kernel/index.ts";
import { KeptBoot } from "../../prebuilt/index.ts";

const MiB = 1 << 20;
const image = kernel_image();
const booted = KeptBoot.boot({ image, memoryBytes: 8 * MiB })!;
const file = booted.encode();

describe("a kept boot", () => {
  it("has the state and the events of the boot", () => {
    const read = KeptBoot.decode(file, image)!;
    expect(read.events).toEqual(booted.events);
    expect(read.events.length).toBeGreaterThan(0);
    expect(read.state.log).toBe(booted.state.log);
    expect(Buffer.compare(read.encode(), file)).toBe(0);
  });

  it("is not taken when it is cut or changed", () => {
    for (let length = 0; length < file.length; length += 9973)
      expect(KeptBoot.decode(file.subarray(0, length), image) === undefined, `${length} bytes`).toBe(true);
    for (const at of [0, 4, 60, file.length - 1]) {
      const changed = file.slice();
      changed[at] ^= 0xff;
      expect(KeptBoot.decode(changed, image) === undefined, `byte ${at}`).toBe(true);
    }
  });
});
