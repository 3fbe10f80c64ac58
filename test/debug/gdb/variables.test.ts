import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { flatBinary } from "../../../asm/index.ts";
import { bootRaw } from "../../../boot/index.ts";
import { GdbServer } from "../../../debug/gdb/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";
import { describedProgram } from "../../asm/described-program.ts";
import { hasGdb, runGdb } from "./real-gdb.ts";

describe.skipIf(!hasGdb())("a real GDB", () => {
  it("shows parameters and locals of modules in a higher language", { timeout: 60_000 }, async () => {
    const { image, file } = describedProgram();
    const folder = mkdtempSync(join(tmpdir(), "esp0-variables-"));
    const session = DebugSession.forMachine(() => {
      const machine = new Machine({ memoryBytes: 1 << 20 });
      const images = [{ name: "program", bytes: flatBinary(image), address: 0x8000 }];
      bootRaw(machine, { images, mode: "protected" });
      return machine;
    });
    const server = new GdbServer(session);
    try {
      writeFileSync(join(folder, "program"), file);
      const output = await runGdb(join(folder, "program"), await server.listen(0), [
        ...["break *do_fork", "continue", "info args"],
        ...["tbreak *inner_end - 1", "continue", "info locals", "print *prev"],
        ...["tbreak *block_end", "continue", "info locals"],
        ...["tbreak fork.ts:pick", "continue", "backtrace", "finish", "info args", "kill"],
      ]);
      const args = "prev = 0x[0-9a-f]+\\s+flags = 1";
      const locals = "stopped = true\\s+error = -7\\s+time = 81985529216486895\\s+parent = 0x[0-9a-f]+";
      // The arguments are known at the first instruction, before there is a frame.
      expect(output).toMatch(new RegExp(`Breakpoint 1, do_fork .*\n.*\n${args}`));
      expect(output).toMatch(
        new RegExp(`\nvalue = false\\s+value = 77\\s+${locals}\\s+\\$1 = \\{pid = 0, comm = "swapper"`),
      );
      expect(output).toMatch(new RegExp(`112.*\n${locals}`));
      expect(output).toMatch(
        /#0 {2}pick \(\)[\s\S]*#1 .*in do_fork \(prev=0x[0-9a-f]+, flags=1\) at kernel\/fork.ts:112/,
      );
      expect(output).toMatch(new RegExp(`do_fork .* at kernel/fork.ts:113\n.*\n${args}`));
    } finally {
      server.close();
      rmSync(folder, { recursive: true });
    }
  });
});
