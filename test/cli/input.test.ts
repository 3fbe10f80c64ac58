/** Input while the guest runs, and while it rests. */
import { describe, expect, it } from "vitest";
import { CommandSession, given, type Run, Typist } from "./command-session.ts";
import { poller, pollingEcho, restingEcho, shell } from "./input-programs.ts";

const RUN = ["run", "-q", "--memory", "8"];
const MACHINE = ["machine", "--memory", "2", "--load", "guest.bin@0x10000"];

/** Runs a shell whose job takes `turns`, with input. */
function runShell(turns: number, stdin: Typist, args: readonly string[] = []): Promise<Run> {
  return new CommandSession({ "p.S": shell(turns) }).esp0([...RUN, ...args, "p.S"], { stdin });
}

describe("esp0 run", () => {
  it("answers what is typed while a job computes in the background, before that ends", async () => {
    const stdin = new Typist();
    const session = new CommandSession({ "p.S": shell(3_000_000) });
    const { output, status } = await session.esp0([...RUN, "p.S"], {
      stdin,
      onLook: (looks, said) => {
        if (looks === 10) stdin.type("one\n");
        if (said() === "one\n") stdin.type("two\n").end();
      },
    });
    expect(output).toMatch(/^one\ntwo\n(two\n)*done\n$/);
    expect(status).toBe(7);
  });

  it("answers a program that never waits for input, but looks for it", async () => {
    const stdin = new Typist();
    const { output, status } = await new CommandSession({ "p.S": poller }).esp0([...RUN, "p.S"], {
      stdin,
      onLook: (looks) => {
        if (looks === 8) stdin.type("found\n");
      },
    });
    expect([output, status]).toEqual(["found\n", 0]);
  });

  it("gives the same run for the same input, however it is cut and as long as it does not stop coming", async () => {
    const text = "first\nsecond line\nthird\n".repeat(20);
    const trace = async (stdin: Typist) => {
      const session = new CommandSession({ "p.S": shell(400_000) });
      await session.esp0([...RUN, "--trace", "t", "p.S"], { stdin });
      return session.io.text("t");
    };
    const slowly = new Typist(10_000);
    void (async () => {
      for (let at = 0; at < text.length; at += 7) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        slowly.type(text.slice(at, at + 7));
      }
      slowly.end();
    })();
    expect(await trace(slowly)).toBe(await trace(new Typist(10_000).type(text).end()));
  });

  it("does not hold a guest that runs for input that does not come", async () => {
    const stdin = new Typist(20).type("now\n");
    const session = new CommandSession({ "p.S": shell(1_000_000) });
    const { output } = await session.esp0([...RUN, "p.S"], {
      stdin,
      onOutput: (said) => {
        if (said.endsWith("done\n")) stdin.end();
      },
    });
    expect(output).toBe("now\ndone\n");
  });

  it("gives bytes as they are, a last line without its newline, and long lines", async () => {
    const binary = String.fromCharCode(
      ...Array.from({ length: 256 }, (_, byte) => byte).filter((b) => ![3, 4, 10, 13, 21, 26, 28, 127].includes(b)),
    );
    const text = `${binary}\n${"x".repeat(3000)}\nlast`;
    expect((await runShell(0, given(text))).output).toBe(`done\n${text}`);
  });

  it("takes Ctrl-D within the input as the end of what is read, not of the input", async () => {
    const { output } = await runShell(0, given("one\x04two\n\x04more\n"));
    expect(output).toBe("done\nonetwo\n");
  });

  it("gives much input", async () => {
    const text = Array.from({ length: 400 }, (_, line) => `${line} ${"=".repeat(line % 60)}\n`).join("");
    const { output, status } = await runShell(100_000, given(text));
    expect(output.replace("done\n", "")).toBe(text);
    expect(status).toBe(7);
  });

  it("does not read what nobody asks for, and leaves what comes after the end", async () => {
    const exits = new CommandSession({ "p.S": ".globl _start\n_start: movl $1, %eax\nmovl $3, %ebx\nint $0x80\n" });
    const stdin = given("ignored\n");
    expect((await exits.esp0([...RUN, "p.S"], { stdin })).status).toBe(3);
    expect(stdin.wasRead).toBe(false);
  });
});

describe("esp0 machine", () => {
  it("answers a guest that polls and never rests", async () => {
    const stdin = new Typist();
    const session = new CommandSession({ "guest.bin": pollingEcho });
    const { output, status } = await session.esp0(MACHINE, {
      stdin,
      onLook: (looks, said) => {
        if (looks === 5) stdin.type("HAL");
        if (said() === "IBM") stdin.type("q");
      },
    });
    expect(output).toMatch(/^IBM/);
    expect(status).toBe(1);
  });

  it("runs the same for the same input, however that is cut", async () => {
    const text = "a line\nanother\n\nmore, without an end: q";
    const end = async (stdin: Typist) =>
      (await new CommandSession({ "guest.bin": pollingEcho }).esp0([...MACHINE, "--stats"], { stdin })).errors;
    const slowly = new Typist(10_000);
    void (async () => {
      for (const letter of text) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        slowly.type(letter);
      }
      slowly.end();
    })();
    const errors = await end(slowly);
    expect(errors).toMatch(/^instructions +\d/);
    expect(errors).toBe(await end(new Typist(10_000).type(text).end()));
  });

  it("wakes one that rests", async () => {
    const session = new CommandSession({ "guest.bin": restingEcho });
    const { output, status } = await session.esp0(MACHINE, { stdin: new Typist().type("abc\n").type("\xff\x00dq") });
    expect(output).toBe("abc\n\xff\x00d");
    expect(status).toBe(1);
  });

  it("ends when it rests and no more will come", async () => {
    const session = new CommandSession({ "guest.bin": restingEcho });
    const { output, status } = await session.esp0(MACHINE, { stdin: given("abc") });
    expect(output).toBe("abc");
    expect(status).toBe(5);
  });
});
