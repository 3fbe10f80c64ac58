import { describe, expect, it } from "vitest";
import { registerReport } from "../../cli/report.ts";
import { at, crossing, switchTo, traceFile } from "../debug/report/traces.ts";
import { FakeIo, runCommand } from "./fake-io.ts";

const TRACE = traceFile([
  switchTo(100, 0, 1),
  crossing(110, "syscall_exit", { nr: 11, result: 0 }, 1),
  crossing(200, "syscall", { nr: 4 }, 1),
  at(300, "idle_exit"),
]);

async function report(...args: string[]) {
  const io = new FakeIo({ "t.jsonl": TRACE, "cut.jsonl": TRACE.slice(0, -9), "p.json": '{"displayTimeUnit":"ns"' });
  const status = await runCommand(io, registerReport, "report", ...args);
  return { io, status };
}

describe("esp0 report", () => {
  it("prints tables", async () => {
    const { io, status } = await report("t.jsonl");
    expect(status).toBe(0);
    expect(io.errors).toBe("");
    expect(io.out).toMatch(/^trace\n {2}events +4\n/);
    expect(io.out).toContain("time per task\n");
  });

  it("prints JSON", async () => {
    const { io } = await report("t.jsonl", "--format", "json");
    expect(JSON.parse(io.out)).toMatchObject({ cycles: 300, tasks: { "task (1)": { user: 90 } } });
  });

  it("draws into a directory that it makes, and names the files on standard error", async () => {
    const { io, status } = await report("t.jsonl", "--svg", "out/here", "--from", "100", "--to", "250");
    expect(status).toBe(0);
    expect(io.directories).toEqual(["out/here"]);
    expect(io.errors).toBe("out/here/cpu-timeline.svg\n");
    expect(io.text("out/here/cpu-timeline.svg")).toMatch(/^<svg [\s\S]*ring 3: 90\.0 µs[\s\S]*<\/svg>\n$/);
  });

  it.each([
    [["gone.jsonl"], "gone.jsonl: cannot be read: no such file or directory\n"],
    [["cut.jsonl"], "cut.jsonl: line 5: not JSON: "],
    [["p.json"], "p.json: line 1: this is a trace for Perfetto"],
    [["t.jsonl", "--format", "xml"], "--format xml: must be text or json\n"],
    [["t.jsonl", "--from", "9", "--to", "9"], "--from must be before --to\n"],
    [["t.jsonl", "--svg", "/readonly/x"], "/readonly/x: cannot be made: the file system is read-only\n"],
    [["t.jsonl", "--from", "-1"], "--from"],
    [[], "missing required argument"],
  ])("refuses %j with status 2", async (args, message) => {
    const { io, status } = await report(...args);
    expect(status).toBe(2);
    expect(io.errors).toContain(message);
    expect(io.out).toBe("");
  });
});
