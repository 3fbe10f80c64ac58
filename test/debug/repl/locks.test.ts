import { describe, expect, it } from "vitest";
import { answers, debugRun } from "./debug-run.ts";

/** What `info locks` says where kmem_cache_free has taken a cache's lock. */
async function locks(args: readonly string[], ...commands: string[]): Promise<string> {
  return answers(await debugRun([...args, "examples/cow.S"], [...commands, "info locks"])).at(-1) ?? "";
}

describe("info locks", () => {
  it("shows who holds what since where, in a kernel that notes it", async () => {
    const given = await locks(["--config", "lockdep=true"], "break do_notify_parent", "continue");
    expect(given).toMatch(
      /^cpu +task +address +lock +since\n0 +cow\/2 +holds +0x\w+ +kernel_flag +\S+ \(kernel\/\S+:\d+\)\n0 +cow\/2 +holds +0x\w+ +tasklist_lock +do_exit\+\S+ \(kernel\/kernel\/exit\.ts:\d+\)$/,
    );
  });

  it("shows which variables' locks are taken in a kernel that does not", async () => {
    const given = await locks(["--config", "smp=true"], "break do_notify_parent", "continue");
    expect(given).toMatch(
      /^address +lock +\n(0x\w+ +\S+ +taken\n)*0x\w+ +tasklist_lock +taken for writing(\n0x\w+ +\S+ +taken)*$/,
    );
    expect(given).toMatch(/kernel_flag +taken$/m);
  });

  it("says when there are none", async () => {
    expect(await locks([])).toMatch(/this kernel is for one CPU and has no locks/);
  });
});
