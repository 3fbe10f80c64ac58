import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { MachineSession } from "./machine-session.ts";

const source = readFileSync(new URL("../../examples/machine/dekker.S", import.meta.url), "utf8");
const binary = (defines = "") => assembleBinary(`${defines}\n${source}`, { file: "dekker.S", origin: 0x10000 });
const FILES = { "dekker.bin": binary(), "fenced.bin": binary(".set FENCE, 1") };

async function both(...args: string[]): Promise<number> {
  const session = new MachineSession(FILES);
  const file = args.includes("fenced") ? "fenced.bin" : "dekker.bin";
  const options = args.filter((each) => each !== "fenced");
  expect(await session.esp0(["machine", "--cpus", "2", "--load", `${file}@0x10000`, ...options])).toBe(1);
  return Number(session.errors);
}

describe("esp0 machine --memory-model, --interleave", () => {
  it("M8: both go in with tso and without a fence", async () => {
    expect(await both("--interleave", "random:1:5", "--memory-model", "tso")).toBeGreaterThan(0);
    expect(await both("--interleave", "random:1:5")).toBe(0);
    expect(await both("--interleave", "random:1:5", "--memory-model", "sc")).toBe(0);
    expect(await both("fenced", "--interleave", "random:1:5", "--memory-model", "tso")).toBe(0);
  });

  it("takes turns as it is told", async () => {
    const counts = await Promise.all(
      ["random:1", "random:1:5", "random:2:5", "round-robin:7", "pct:1:3:20000"].map((how) =>
        both("--memory-model", "tso", "--interleave", how),
      ),
    );
    expect(new Set(counts).size).toBeGreaterThan(2);
  });

  it.each(["random", "random:x", "round-robin:0", "pct:1:2", "pct:1:0:5", "fair:1", "random:1:2:3"])(
    "refuses %s",
    async (how) => {
      const session = new MachineSession(FILES);
      expect(await session.esp0(["machine", "--load", "dekker.bin@0x10000", "--interleave", how])).not.toBe(0);
      expect(session.errors).toMatch(/--interleave.*(is expected|expected a)/s);
    },
  );

  it("is in recordings", async () => {
    const session = new MachineSession(FILES);
    const options = [
      "--cpus",
      "2",
      "--load",
      "dekker.bin@0x10000",
      "--interleave",
      "random:1:5",
      "--memory-model",
      "tso",
    ];
    await session.esp0(["machine", ...options, "--record", "run.rec"]);
    const recorded = session.errors;
    const replaying = new MachineSession({ "run.rec": session.io.files.get("run.rec") ?? "" });
    expect(await replaying.esp0(["machine", "--replay", "run.rec"])).toBe(1);
    expect(replaying.errors).toBe(recorded);
    const damaged = session.io.text("run.rec").replace("random:1:5", "random:x");
    const refusing = new MachineSession({ "run.rec": damaged });
    expect(await refusing.esp0(["machine", "--replay", "run.rec"])).toBe(2);
    expect(refusing.errors).toContain('the option interleave cannot be "random:x"');
  });
});
