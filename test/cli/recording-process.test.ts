/** Recordings made by one process and replayed by another: the built command, its streams and its end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { ESP0 } from "../dist.ts";
import { shell } from "./input-programs.ts";

const directory = mkdtempSync(join(tmpdir(), "esp0-recording-"));
afterAll(() => rmSync(directory, { recursive: true }));

const program = join(directory, "shell.S");
writeFileSync(program, shell(3_000_000));
const path = (name: string) => join(directory, name);

function esp0(args: readonly string[], input = "") {
  const { stdout, stderr, status } = spawnSync(process.execPath, [ESP0, ...args], {
    input,
    cwd: "/",
    encoding: "latin1",
  });
  return { stdout, stderr, status };
}

/** Waits until a child has put out a text. */
function said(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let all = "";
    child.stdout!.on("data", (chunk: Buffer) => {
      all += chunk.toString("latin1");
      if (all.includes(text)) resolve();
    });
  });
}

it("replays in another process what came through a pipe while the guest ran", async () => {
  const child = spawn(process.execPath, [
    ...[ESP0, "run", "-q", "--record", path("a.rec"), "--trace", path("a.jsonl"), program],
  ]);
  child.stdin.write("one\n");
  await said(child, "one\n");
  child.stdin.end(Buffer.from("two\n\x80last", "latin1"));
  await new Promise((resolve) => child.on("close", resolve));
  const replay = esp0(["run", "-q", "--replay", path("a.rec"), "--trace", path("b.jsonl")], "not read\n");
  expect(replay.stdout).toMatch(/^one\n/);
  expect(replay.stdout.replace("done\n", "")).toBe("one\ntwo\n\x80last");
  expect(replay).toMatchObject({ stderr: "", status: 7 });
  expect(readFileSync(path("b.jsonl")).equals(readFileSync(path("a.jsonl")))).toBe(true);
});

it("gives the same run twice for the same input through a pipe", () => {
  const traces = ["c", "d"].map((name) => {
    esp0(["run", "-q", "--trace", path(name), program], "one\ntwo\nthree\n");
    return readFileSync(path(name));
  });
  expect(traces[0].equals(traces[1])).toBe(true);
});

it("leaves a recording that can be used when it is killed", async () => {
  const endless = path("endless.S");
  writeFileSync(endless, shell(0xffffffff));
  const child = spawn(process.execPath, [ESP0, "run", "-q", "--record", path("killed.rec"), endless]);
  child.stdin.write("one\n");
  await said(child, "one\n");
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("close", resolve));
  const script = path("script");
  writeFileSync(script, "p $pid\n");
  const { stdout, status } = esp0(["debug", "-q", "--replay", path("killed.rec"), "--commands", script]);
  expect(stdout).toMatch(/\n\(esp0\) p \$pid\n\$1 = \d\n/);
  expect(status).toBe(0);
});

it("says on a line what is wrong with a file, without a stack trace of the host", () => {
  writeFileSync(path("bad.rec"), "no recording\n");
  expect(esp0(["machine", "--replay", path("bad.rec")])).toEqual({
    stdout: "",
    stderr: `${path("bad.rec")}: not a recording of esp0 (--record writes them)\n`,
    status: 2,
  });
});
