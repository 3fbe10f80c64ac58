import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { bootOptions } from "../../../cli/kernel-boot.ts";
import { backtrace, pointersOf } from "../../../debug/frames/frame-walk.ts";
import { Guest } from "../../../debug/frames/guest.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { FakeIo } from "../../cli/fake-io.ts";

const FIRST_FORK = "sys_fork";
const STEPS = 1200;

it("leads out to user space from every instruction of the kernel, for tasks that run and tasks that sleep", async () => {
  const files = { "cow.S": readFileSync(new URL("../../../examples/cow.S", import.meta.url)) };
  const session = DebugSession.forKernel(bootOptions("cow.S", [], {}, new FakeIo(files)));
  const guest = new Guest(session);
  await session.until(session.symbols.lookup(FIRST_FORK)!);
  const lost = new Set<string>();
  for (let i = 0; i < STEPS; i++) {
    for (const { address, pid } of guest.tasks().filter((task) => task.pid !== 0)) {
      const frames = backtrace(guest, pointersOf(guest, address), address);
      if (frames.at(-1)!.kind !== "user") {
        lost.add(`pid ${pid}: ${frames.map(({ pc }) => session.symbols.format(pc)).join(" < ")}`);
      }
    }
    await session.step();
  }
  expect([...lost]).toEqual([]);
});
