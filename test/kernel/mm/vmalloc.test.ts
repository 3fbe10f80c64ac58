/** mm/vmalloc.ts: pieces of the area, their pages and guards, and what is left when they are gone. */
import { describe, expect, it } from "vitest";
import { link_kernel } from "../../../kernel/index.ts";
import { memory } from "../../../kernel/inspect.ts";
import { boot } from "../run.ts";
import * as calls from "./vmalloc.kernel.ts";

const image = link_kernel({
  config: { stack: "vmap" },
  modules: [calls],
  system_calls: { 250: "sys_vmalloc", 251: "sys_vfree", 252: "sys_touch" },
});

/** Calls in a row, numbers and arguments; what each of them returns, and the kernel afterwards. */
function after(...sequence: readonly (readonly [number: number, ...args: (number | string)[]])[]) {
  const source = sequence.map(([number, ...args], i) => {
    const loads = args.map(
      (value, at) => `movl ${typeof value === "number" ? `$${value}` : value}, %${["ebx", "ecx"][at]}`,
    );
    return `${loads.join("\n")}\n movl $${number}, %eax\n int $0x80\n movl %eax, results+${4 * i}`;
  });
  const run = boot(
    `.globl _start\n_start:\n${source.join("\n")}\n SYSCALL write, $1, $results, $${4 * sequence.length}\n EXIT\n.bss\n.align 4\nresults: .skip 128`,
    { image, cpus: 1 },
  );
  run.kernel.run_to_user();
  const before = run.memory();
  const bytes: number[] = [];
  run.kernel.on_output = (byte) => bytes.push(byte);
  const stop = run.go();
  const results = new Uint32Array(Uint8Array.from(bytes).buffer);
  return { ...run, stop, before, results: [...results] };
}

describe("vmalloc", () => {
  it("maps whole pages, with one that is not mapped behind them; the first hole that is large enough is taken", () => {
    const { results, kernel } = after(
      [250, 5000, 4096],
      [250, 4096, 4096],
      [250, 8192, 8192],
      [251, "results+4"],
      [250, 4096, 4096],
      [250, 1, 4096],
    );
    const [first, second, third, , again, last] = results;
    const start = kernel.inspect(() => memory().read32(kernel.image.symbol("VMALLOC_START")) >>> 0);
    expect(first % 4096).toBe(0);
    expect(first).toBeGreaterThanOrEqual(start);
    expect(third % 8192).toBe(0);
    expect(again).toBe(second);
    expect(new Set([first, second, third, last]).size).toBe(4);
    kernel.inspect(() => {
      for (const [address, size] of [
        [first, 8192],
        [third, 8192],
        [last, 4096],
      ]) {
        memory().read32(address + size - 4);
        expect(() => memory().read32(address + size)).toThrow("not mapped");
      }
    });
  });

  it("gives memory that can be written, and everything back", () => {
    const { results, before, memory: now } = after([250, 65536, 4096], [252, "results", 65536], [251, "results"]);
    expect(results[1]).toBe(0);
    const { free_pages, ...objects } = now();
    const { free_pages: free_before, ...objects_before } = before;
    expect({ ...objects, free_pages: Math.abs(free_pages - free_before) < 8 }).toEqual({
      ...objects_before,
      free_pages: true,
    });
  });

  it("answers 0 when the area or memory is too small, and keeps nothing", () => {
    const {
      results,
      before,
      memory: now,
    } = after([250, 512 << 20, 4096], [250, 3 << 20, 4096], [250, 0, 4096], [250, 3 << 20, 4096]);
    expect(results[0]).toBe(0);
    expect(results[2]).toBe(0);
    expect(results[3]).toBe(0);
    expect(before.free_pages - now().free_pages).toBeGreaterThanOrEqual(results[1] === 0 ? 0 : 768);
  });

  it("gives its pages up nowhere else: a wrong address is an oops", () => {
    const { log, stop } = after([250, 4096, 4096], [251, 0xc0000000]);
    expect(stop.kind).toBe("panic");
    expect(log()).toContain("vfree: nothing begins at 0xc0000000");
  });
});
