/** `--record` and `--replay`. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleBinary } from "../../asm/index.ts";
import { CommandSession, given, type Run, Typist } from "./command-session.ts";
import { pollingEcho, restingEcho, shell } from "./input-programs.ts";

const RUN = ["run", "-q", "--memory", "8"];
const MACHINE = ["machine", "--memory", "2", "--load", "guest.bin@0x10000"];

const files = { "p.S": shell(600_000) };

/** Somebody who types a line while the job computes, another one afterwards, and ends. */
function typing(stdin: Typist) {
  return {
    stdin,
    onLook: (looks: number) => {
      if (looks === 7) stdin.type("one\n");
    },
    onOutput: (said: string) => {
      if (said === "one\ndone\n") stdin.type("two\n").type("three").end();
    },
    secondsALook: 0.3,
  };
}

async function record(): Promise<{ session: CommandSession; run: Run }> {
  const session = new CommandSession(files);
  const run = await session.esp0([...RUN, "--record", "r", "--trace", "t1", "p.S"], typing(new Typist()));
  return { session, run };
}

let recording: ReturnType<typeof record> | undefined;

/** A session that has made the recording `r`, only to be looked at, and how the run went. */
function recorded(): ReturnType<typeof record> {
  recording ??= record();
  return recording;
}

/** A recording taken somewhere else: nothing but its file is there. */
function elsewhere(session: CommandSession, change: (text: string) => string = (text) => text): CommandSession {
  return new CommandSession({ r: change(session.io.text("r")) });
}

describe("esp0 run", () => {
  it("replays a recording where there is nothing else: the same output, exit status and trace", async () => {
    const { session, run } = await recorded();
    expect(run).toMatchObject({ output: "one\ndone\ntwo\nthree", status: 7 });
    const other = elsewhere(session);
    const stdin = new Typist();
    const replay = await other.esp0(["run", "-q", "--replay", "r", "--trace", "t2"], { stdin });
    expect(replay).toEqual(run);
    expect(other.io.text("t2")).toBe(session.io.text("t1"));
    expect(stdin.wasRead).toBe(false);
  });

  it("records without changing the run", async () => {
    const traces = async (...args: string[]) => {
      const session = new CommandSession(files);
      await session.esp0([...RUN, ...args, "--trace", "t", "p.S"], typing(new Typist()));
      return session.io.text("t");
    };
    expect(await traces("--record", "r")).toBe(await traces());
  });

  it("keeps arguments, options and the files of a source", async () => {
    const session = new CommandSession({
      "main.S":
        '.include "status.inc"\n.globl _start\n_start: movl (%esp), %ebx\naddl $STATUS, %ebx\nmovl $1, %eax\nint $0x80\n',
      "status.inc": ".set STATUS, 40\n",
    });
    const run = await session.esp0(["run", "-q", "--memory", "5", "--record", "r", "main.S", "a", "b"]);
    expect(run.status).toBe(43);
    expect((await elsewhere(session).esp0(["run", "-q", "--replay", "r"])).status).toBe(43);
  });

  it("replays up to Ctrl-C", async () => {
    const session = new CommandSession({ "p.S": shell(50_000_000) });
    const stdin = new Typist();
    const run = await session.esp0([...RUN, "--record", "r", "--stats", "p.S"], {
      stdin,
      onLook: (looks, _, interrupt) => {
        if (looks === 5) stdin.type("one\n");
        if (looks === 12) interrupt();
      },
    });
    expect(run.status).toBe(130);
    const replay = await elsewhere(session).esp0(["run", "-q", "--stats", "--replay", "r"]);
    expect(replay.output).toBe(run.output);
    expect(replay.status).toBe(130);
    const instructions = /^instructions.*$/m;
    expect(instructions.exec(replay.errors)?.[0]).toBe(instructions.exec(run.errors)?.[0]);
    expect(replay.errors).toContain("esp0: the recording r ends (interrupted) here\n");
  });

  it("can be replayed after it was killed in the middle", async () => {
    const { session, run } = await recorded();
    for (const cut of [1, 60, 200]) {
      const other = elsewhere(session, (text) => text.slice(0, text.lastIndexOf('{"end"')).slice(0, -cut));
      const replay = await other.esp0(["run", "-q", "--replay", "r"]);
      expect(run.output.startsWith(replay.output)).toBe(true);
      expect(replay.output).toMatch(/^one\ndone\n/);
      expect(replay.status).toBe(cut === 1 ? 7 : 130);
      if (cut > 1) expect(replay.errors).toMatch(/^esp0: the recording r breaks off here\n$/m);
    }
  });
});

describe("esp0 machine", () => {
  it.each([
    ["polls", pollingEcho, "HALq"],
    ["rests", restingEcho, "a\xffb\x00q"],
    ["crashes", restingEcho, "abcz"],
  ])("replays a guest that %s", async (_, guest, input) => {
    const session = new CommandSession({ "guest.bin": guest });
    const stdin = new Typist();
    const letters = [...input];
    stdin.type(letters.shift()!);
    const run = await session.esp0([...MACHINE, "--record", "r"], {
      stdin,
      onOutput: () => {
        if (letters.length > 0) stdin.type(letters.shift()!);
      },
    });
    expect(run.output.length).toBeGreaterThan(2);
    const replay = await elsewhere(session).esp0(["machine", "--replay", "r"]);
    expect(replay).toEqual(run);
  });

  it("replays much input, and its end", async () => {
    const session = new CommandSession({ "guest.bin": restingEcho });
    const text = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(0x80 + (i % 0x70))).join("");
    const run = await session.esp0([...MACHINE, "--record", "r"], { stdin: given(text) });
    expect(run).toMatchObject({ output: text, status: 5 });
    expect(await elsewhere(session).esp0(["machine", "--replay", "r"])).toEqual(run);
  });

  it("replays what was held to real time, with or without holding it", async () => {
    const session = new CommandSession({ "guest.bin": pollingEcho });
    const stdin = new Typist();
    const run = await session.esp0([...MACHINE, "--realtime", "--record", "r"], {
      stdin,
      secondsALook: 0.003,
      onLook: (looks) => {
        if (looks % 10 === 0 && looks <= 40) stdin.type("HALq"[looks / 10 - 1]);
      },
    });
    expect(run).toMatchObject({ output: "IBM", status: 1 });
    expect(await elsewhere(session).esp0(["machine", "--replay", "r"])).toEqual(run);
    const again = await elsewhere(session).esp0(["machine", "--realtime", "--replay", "r"], { secondsALook: 0.0007 });
    expect(again).toEqual(run);
  });

  it("keeps the time of day", async () => {
    const hour = assembleBinary("movb $4, %al\noutb %al, $0x70\ninb $0x71, %al\noutb %al, $0xf4\n", {
      file: "hour.S",
      origin: 0x10000,
    });
    const session = new CommandSession({ "guest.bin": hour });
    const run = await session.esp0([...MACHINE, "--rtc", "2026-11-28T17:30:00", "--record", "r"]);
    expect(run.status).toBe((0x17 << 1) | 1);
    expect(await elsewhere(session).esp0(["machine", "--replay", "r"])).toEqual(run);
    const { errors } = await session.esp0([...MACHINE, "--rtc", "noon"]);
    expect(errors).toContain("It is now, or a date as 2001-01-04T12:00:00 (UTC).");
  });

  it("leaves the disks of a replay alone", async () => {
    // Writes sector 1 of the disk: a boot sector that calls INT 13h, function 3.
    const sector = new Uint8Array(1024);
    const code = [0xb8, 0x01, 0x03, 0xb9, 0x02, 0x00, 0xba, 0x80, 0x00, 0x31, 0xdb, 0x8e, 0xc3, 0xcd, 0x13, 0xe6, 0xf4];
    sector.set(code);
    sector.set([0x55, 0xaa], 510);
    const session = new CommandSession({ "disk.img": sector });
    const run = await session.esp0(["machine", "--disk", "disk.img", "--disk-write", "--record", "r"]);
    expect(run).toMatchObject({ status: 3, errors: "" });
    expect(session.io.readFile("disk.img")).not.toEqual(sector);
    const other = elsewhere(session);
    expect(await other.esp0(["machine", "--replay", "r"])).toEqual(run);
    expect(other.io.files.has("disk.img")).toBe(false);
  });
});

describe("esp0 debug", () => {
  it("shows the sources beside it where a recording of a run has none", async () => {
    const { session } = await recorded();
    const name = "kernel/kernel/panic.ts";
    const here = new CommandSession({ r: session.io.text("r"), [name]: readFileSync(name, "utf8") });
    const { stdout } = await here.esp0(["debug", "-q", "--replay", "r"], { stdin: given("reverse-stepi\n") });
    expect(stdout).toMatch(/stop_machine \(value=7\) at kernel\/kernel\/panic\.ts:(\d+)\n +\1 {2}/);
  });

  const script = ["break child", "continue", "set var $esi = 5", "step 3", "input hello", "", "p nonsense"].join("\n");

  it("replays a session: commands, changes and input", async () => {
    const session = new CommandSession({ ...files, script });
    const run = await session.esp0(["debug", "-q", "--record", "r", "--commands", "script", "p.S"]);
    expect(run.status).toBe(1);
    expect(run.stdout).toContain("(esp0) step 3\n");
    const replay = await elsewhere(session).esp0(["debug", "-q", "--replay", "r"], { stdin: given("") });
    expect(replay.stdout).toBe(run.stdout);
    expect(replay).toMatchObject({ errors: "", status: 0 });
  });

  it("goes on where the recording ends, and back", async () => {
    const session = new CommandSession({ ...files, script: "break child\ncontinue\np $pid" });
    await session.esp0(["debug", "-q", "--record", "r", "--commands", "script", "p.S"]);
    const { stdout, status } = await elsewhere(session).esp0(["debug", "-q", "--replay", "r"], {
      stdin: given("p $pid\nreverse-step\np $pid\n"),
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/\(esp0\) p \$pid\n\$1 = 2\n\(esp0\) p \$pid\n\$2 = 2\n\(esp0\) reverse-step\n/);
  });

  it("replays what Ctrl-C stopped, and what was done from there", async () => {
    const session = new CommandSession({
      "p.S": shell(0xffffffff),
      script: "break child\ncontinue\ncontinue\n\np $ecx\nstep\n",
    });
    let pending: NodeJS.Timeout | undefined;
    const run = await session.esp0(["debug", "-q", "--record", "r", "--commands", "script", "p.S"], {
      onReady: (interrupt) => {
        pending = setInterval(interrupt, 300);
      },
    });
    clearInterval(pending);
    expect(session.io.text("r")).toContain('"interrupted":true');
    const replay = await elsewhere(session).esp0(["debug", "-q", "--replay", "r"], { stdin: given("") });
    expect(replay).toMatchObject({ errors: "", status: 0 });
    const value = /\$1 = .*/;
    expect(value.exec(replay.stdout)?.[0]).toBe(value.exec(run.stdout)?.[0]);
  });

  it("takes up a recorded run: stands at its end, and finds its input again on every way through", async () => {
    const { session } = await recorded();
    const { stdout, status, errors } = await elsewhere(session).esp0(["debug", "-q", "--replay", "r"], {
      stdin: given("goto 0\nbreak child\ncontinue\ncontinue\n"),
    });
    expect(errors).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(/^one\ndone\ntwo\nthree\n#/);
    expect(stdout).toContain("Breakpoint 1, hit 1 time.");
    expect(stdout).toMatch(/The guest has ended with status 7\..*/);
  });

  it("takes up a recorded machine", async () => {
    const session = new CommandSession({ "guest.bin": restingEcho });
    await session.esp0([...MACHINE, "--record", "r"], { stdin: new Typist().type("abq") });
    const { stdout, errors } = await elsewhere(session).esp0(["debug", "--replay", "r"], {
      stdin: given("p/c $al\nreverse-step\ngoto 0\ncontinue\n"),
    });
    expect(errors).toBe("");
    expect(stdout).toMatch(/^ab\n/);
    expect(stdout.match(/The guest has ended with status 0/g)).toHaveLength(1);
  });
});

describe("a replay that comes to something else", () => {
  const diverge = async (change: (text: string) => string) => {
    const { session } = await recorded();
    return await elsewhere(session, change).esp0(["run", "-q", "--replay", "r"]);
  };

  it("says so, where both agreed last, and ends with status 6", async () => {
    const { status, errors } = await diverge((text) => text.replace('"text":"one\\n"', '"text":"two\\n"'));
    expect(status).toBe(6);
    expect(errors).toMatch(
      /^esp0: the replay has left its recording r\. Both agree up to instruction \d+;\n {2}where the recording has instruction \d+ \(cycle \d+, eip [0-9a-f]{8}\), its registers, or what it has sent, are not the same\n$/,
    );
    const [agreed, recordedAt] = Array.from(errors.matchAll(/instruction (\d+)/g), ([, at]) => Number(at));
    expect(agreed).toBeGreaterThan(100_000);
    expect(recordedAt).toBeGreaterThan(agreed);
  });

  it("names the version that recorded it", async () => {
    const { errors } = await diverge((text) =>
      text.replace(/"version":"[^"]*"/, '"version":"0.0.9"').replace('"text":"one\\n"', '"text":"won\\n"'),
    );
    expect(errors).toMatch(/\n {2}It was recorded by esp0 0\.0\.9; this is \S+\.\n$/);
  });

  it.each([
    [
      "ends earlier",
      (text: string) => text.replace(/\{"cycle":(\d+),(.*)"close-input"/, '{"cycle":9$1,$2"close-input"'),
    ],
    ["ends otherwise", (text: string) => text.replace('"end":"exit","status":7', '"end":"exit","status":8')],
    ["goes on", (text: string) => text.replace(/(\{"end".*"cycle":)\d/, "$1")],
    ["leaves other memory", (text: string) => text.replace(/"memory":"\w/, '"memory":"x')],
  ])("is found when it %s", async (_, change) => {
    const { status, errors } = await diverge(change);
    expect([status, errors]).toEqual([6, expect.stringContaining("the replay has left its recording")]);
  });

  it("is found by the debugger too", async () => {
    const { session } = await recorded();
    const other = elsewhere(session, (text) => text.replace('"text":"one\\n"', '"text":"two\\n"'));
    const { status, errors } = await other.esp0(["debug", "-q", "--replay", "r"], { stdin: given("") });
    expect([status, errors]).toEqual([6, expect.stringContaining("the replay has left its recording")]);
  });
});

describe("what cannot be replayed", () => {
  const refused = async (contents: string | Uint8Array, args: readonly string[] = []) => {
    const { status, errors, output } = await new CommandSession({ r: contents }).esp0([
      "run",
      "--replay",
      "r",
      ...args,
    ]);
    expect([status, output]).toEqual([2, ""]);
    expect(errors).not.toMatch(/\n\s+at /);
    return errors;
  };
  const changed = async (change: (text: string) => string) => refused(change((await recorded()).session.io.text("r")));

  it.each(["", "\n", "hello\n", "{}\n", "[1]\n", '"x"', '{"esp0":"trace"}\n', "\x7fELF\x01\x01\x01\n"])(
    "%j, which is no recording",
    async (text) => {
      expect(await refused(text)).toBe("r: not a recording of esp0 (--record writes them)\n");
    },
  );

  it("a missing file", async () => {
    const { errors } = await new CommandSession({}).esp0(["run", "--replay", "gone"]);
    expect(errors).toBe("gone: cannot be read: no such file or directory\n");
  });

  it("one of another format", async () => {
    expect(await changed((text) => text.replace('"format":1', '"format":2'))).toBe(
      "r: a recording in format 2, of esp0 0.1.0; this esp0 reads format 1\n",
    );
  });

  it("one of another command", async () => {
    expect(await changed((text) => text.replace('"command":"run"', '"command":"machine"'))).toBe(
      "r: a recording of `esp0 machine`: use esp0 machine --replay r\n",
    );
  });

  it.each([
    ["options", '"options":{"memory":8}', '"options":{"memory":"much"}', 'r:1: .*the option memory cannot be "much"'],
    ["unknown options", '"options":{', '"options":{"constructor":1,', "r:1: .*there is no option constructor"],
    ["arguments", '"args":[]', '"args":[1]', "r:1: .*it does not say what was run"],
    ["a copy of a file", '"part":"', '"part":"A', "r:.*its copy of p.S"],
    ["the size of a file", '"size":', '"size":1', "r:.*its copy of p.S"],
    ["a line", '"do":"input"', '"do""input"', "r:\\d+: .*this line is not JSON"],
    ["an action", '"do":"input"', '"do":"shout"', 'r:\\d+: .*do: "shout" is nothing that can be done to a machine'],
    ["a place", '"sent":0', '"sent":-1', "r:\\d+: .*sent: -1 is no whole number"],
    [
      "its end",
      '{"end"',
      '{"end":"exit","status":0,"cycle":1,"instruction":1,"eip":"0","sent":0,"state":"","memory":""}\n{"end"',
      "r:\\d+: .*something follows the end",
    ],
  ])("one with damaged %s", async (_, from, to, message) => {
    expect(await changed((text) => text.replace(from, to))).toMatch(new RegExp(`^${message}`));
  });

  it("one that asks for a register that is not there", async () => {
    const action =
      '{"cycle":0,"instruction":0,"eip":"0","sent":0,"state":"","do":"register","name":"rax","value":1,"core":0}';
    expect(await changed((text) => text.replace(/(\{"part".*\n)/, `$1${action}\n`))).toMatch(
      /: name: there is no rax$/m,
    );
  });

  it("anything that a file can be, without more than a message", async () => {
    const session = new CommandSession({ "p.S": ".globl _start\n_start: movl $1, %eax\nint $0x80\n" });
    await session.esp0([...RUN, "--record", "r", "p.S"], { secondsALook: 2 });
    const original = session.io.readFile("r");
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (let i = 0; i < 45; i++) {
      const changed = original.slice(0, i % 3 === 0 ? random(original.length) : original.length);
      for (let n = 0; n < i % 5; n++) changed[random(changed.length)] = random(256);
      // Whatever is no message of the command's own would be thrown here.
      const { status } = await new CommandSession({ r: changed }).esp0(["run", "-q", "--replay", "r"]);
      expect([0, 2, 6, 130]).toContain(status);
    }
  });

  it("one with other options than it was recorded with", async () => {
    const { session } = await recorded();
    const errors = async (...args: string[]) =>
      (await elsewhere(session).esp0(["run", "--replay", "r", ...args])).errors;
    expect(await errors("--memory", "9")).toMatch(/^esp0: --memory does not go with --replay/);
    expect(await errors("other.S")).toMatch(/^esp0: other\.S does not go with --replay/);
    expect(await errors("--record", "x")).toMatch(/^esp0: either --record or --replay/);
  });
});
