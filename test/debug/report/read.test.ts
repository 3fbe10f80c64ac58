import { describe, expect, it } from "vitest";
import { openTrace } from "../../../debug/report/index.ts";
import { at, HEADER, traceFile } from "./traces.ts";

const text = (contents: string) => new TextEncoder().encode(contents);
const header = JSON.stringify(HEADER);
const read = (contents: string) => [...openTrace(text(contents)).events()];

describe("reading a trace", () => {
  it("gives the events behind the header, as often as one likes", () => {
    const events = [at(1, "exec", { pid: 1, comm: "init" }), at(2, "idle_entry")];
    const trace = openTrace(traceFile(events));
    expect([trace.hz, trace.cpus]).toEqual([1_000_000, 1]);
    expect([...trace.events()]).toEqual(events);
    expect([...trace.events()]).toEqual(events);
  });

  it("passes events that it does not know", () => {
    expect(read(`${header}\n${JSON.stringify(at(5, "new_thing", { x: 1 }))}`)).toHaveLength(1);
  });

  it.each([
    ["", "line 1: the file is empty"],
    ["\n", "line 1: not JSON: an empty line"],
    ["hello", "line 1: not JSON: hello"],
    ['{"displayTimeUnit":"ns","traceEvents":[', "line 1: this is a trace for Perfetto"],
    [JSON.stringify(at(0, "idle_entry")), 'the first event of a trace is "trace", not "idle_entry"'],
    [
      JSON.stringify({ ...HEADER, version: 7 }),
      "version 7 of the format; this esp0 reads version 3: record the run again",
    ],
    [
      JSON.stringify({ ...HEADER, version: 2 }),
      "version 2 of the format; this esp0 reads version 3: record the run again",
    ],
    [
      `${header}\n${JSON.stringify(at(1, "sched_wakeup", { pid: 1, by: 0, interrupt: 1, queue: 0 }))}`,
      "line 2: `nr_running` of sched_wakeup must be a number, not undefined",
    ],
    [JSON.stringify({ ...HEADER, hz: 0 }), "`hz` must be 1 to 1000000000000"],
    [JSON.stringify({ ...HEADER, cpus: 1e9 }), "`cpus` must be 1 to 64"],
    [`${header}\n${JSON.stringify(at(1.5, "idle_exit"))}`, "line 2: cycle 1.5 is no whole number"],
    [`${header}\n[]`, "line 2: an event is a JSON object"],
    [`${header}\n{"cycle":1}`, "line 2: `event` must be the event's name"],
    [`${header}\n{"event":"x","cycle":1,"cpu":0}`, "line 2: `instruction` of x must be a number, not undefined"],
    [
      `${header}\n${JSON.stringify(at(1, "exec", { pid: 1 }))}`,
      "line 2: `comm` of exec must be a string, not undefined",
    ],
    [
      `${header}\n${JSON.stringify({ ...at(1, "idle_exit"), cpu: 3 })}`,
      "line 2: cpu 3, but the trace is of 1 (0 to 0)",
    ],
    [
      `${header}\n${JSON.stringify(at(9, "idle_exit"))}\n${JSON.stringify(at(8, "idle_exit"))}`,
      "line 3: cycle 8 is before that of the line above",
    ],
    [`${header}\n${JSON.stringify(at(9, "idle_exit"))}\n{"event":"sche`, 'line 3: not JSON: {"event":"sche'],
  ])("refuses %j and says where", (contents, message) => {
    expect(() => read(contents)).toThrow(message);
  });
});
