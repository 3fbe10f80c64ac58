import { it } from "vitest";
import { readFileSync, writeFileSync } from "node:fs";
import { CodeCache } from "../../../../emulator/cpu/block-cache.ts";
import { Core } from "../../../../emulator/cpu/core.ts";
import { PortBus } from "../../../../emulator/devices/ports.ts";
import { PhysicalMemory } from "../../../../emulator/memory/physical-memory.ts";
it("q", () => {
  const N = Number(process.env["NCASES"]);
  const currentAddr = Number(process.env["CURRENT"]);
  const bin = readFileSync("/tmp/c2q/t.bin");
  const bad: number[] = [];
  let output: number[] = [];
  const run = (from: number) => {
    const memory = new PhysicalMemory(16 << 20, 1);
    const ports = new PortBus();
    ports.register(0xe9, 1, { readPort8: () => 0, writePort8: (_p, v) => void output.push(v) }, "dbg");
    let done = false;
    const core = new Core(0, memory, ports, new CodeCache(memory));
    ports.register(0xf4, 1, { readPort8: () => 0, writePort8: () => { done = true; core.requestStop(); } }, "exit");
    memory.load(bin, 0x100000);
    for (const s of [0, 2, 3, 4, 5]) core.setSegment(s, 0x10, 0, -1, 0xc093);
    core.setSegment(1, 8, 0, -1, 0xc09b);
    core.setSegment(6, 0, 0, 0, 0, false);
    core.cr0 = 0x11;
    core.eip = 0x10000c;
    core.r[4] = 0x6000;
    // start at case `from`: run first instructions then poke
    core.run(4);
    memory.write32(currentAddr, from);
    let last = -1, steps = 0;
    for (;;) {
      core.run(1000);
      if (done) return -1;
      const cur = memory.read32(currentAddr);
      if (cur !== last) { last = cur; steps = 0; }
      if (core.shutdown || core.halted || ++steps > 300) return cur;
    }
  };
  let from = 0;
  for (;;) {
    const k = run(from);
    if (k < 0) break;
    bad.push(k);
    from = k + 1;
    if (from >= N) break;
  }
  writeFileSync("/tmp/c2q/bad.txt", bad.join(","));
  writeFileSync("/tmp/c2q/ours.bin", Buffer.from(output));
});
