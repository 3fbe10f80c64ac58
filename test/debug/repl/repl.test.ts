import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bootRaw } from "../../../boot/index.ts";
import { bootOptions } from "../../../cli/kernel-boot.ts";
import { Repl, SourceTexts } from "../../../debug/repl/index.ts";
import { DebugSession } from "../../../debug/session/index.ts";
import { Machine } from "../../../emulator/index.ts";
import { FakeIo } from "../../cli/fake-io.ts";
import { answers, debugRun } from "./debug-run.ts";

const COW = ["-q", "examples/cow.S"];

async function ask(...commands: readonly string[]): Promise<string[]> {
  return answers(await debugRun(COW, commands));
}

async function askEcho(...commands: readonly string[]): Promise<string[]> {
  return answers(await debugRun(["-q", "examples/echo.S"], commands));
}

/** A REPL on a kernel that has begun to run cow.S, for commands that change nothing; `take` gives what it has printed. */
const booted = (async () => {
  const files = { "cow.S": readFileSync(new URL("../../../examples/cow.S", import.meta.url)) };
  const session = DebugSession.forKernel(bootOptions("cow.S", [], {}, new FakeIo(files)));
  let text = "";
  const repl = new Repl(session, { write: (more) => (text += more), color: false, sources: new SourceTexts() });
  await repl.execute("until _start");
  const take = () => {
    const taken = text;
    text = "";
    return taken;
  };
  take();
  return { repl, take };
})();

describe("esp0 debug", () => {
  it("steps forwards and backwards through the same places", async () => {
    const [, there, one, back, again] = await ask(
      "break sys_fork",
      "continue",
      "stepi 5",
      "reverse-stepi 5",
      "stepi 5",
    );
    const position = (text: string | undefined) => /^#([\d,]+)/m.exec(text ?? "")?.[1];
    expect(position(back)).toBe(position(there));
    expect(position(again)).toBe(position(one));
    expect(again).toBe(one);
  });

  it("shows unsigned words that may be addresses in decimal, and in hex beside it", async () => {
    const given = await ask(
      ...["tbreak _start", "c", "p current->thread.esp0", "p/x current->thread.esp0", "p (unsigned int)65535"],
      ...[
        "p 65536u",
        "p -65536",
        "p current->pid",
        "p (u32)65536",
        "p (unsigned char)200",
        "p (unsigned long long)1 << 33",
      ],
    );
    const esp0 = given[3].replace("$2 = ", "");
    expect(given[2]).toBe(`$1 = ${Number(esp0)} (${esp0})`);
    expect(given.slice(4)).toEqual([
      ...["$3 = 65535", "$4 = 65536 (0x10000)", "$5 = -65536", "$6 = 1", "$7 = 0x00010000"],
      ...["$8 = 200 '\\310'", "$9 = 8589934592"],
    ]);
  });

  it("repeats with an empty line", async () => {
    const given = await ask("goto 100", "stepi", "", "");
    expect(given.map((text) => /^#(\d+)/.exec(text)?.[1])).toEqual(["100", "101", "102", "103"]);
  });

  it("goes back to the last breakpoint, and to the reset when there is none", async () => {
    const given = await ask("tbreak child", "c", "break sys_fork", "reverse-continue", "reverse-continue");
    expect(given[3]).toContain("sys_fork");
    expect(given[3]).toMatch(/^Breakpoint 2, hit 1 time\./);
    expect(given[4]).toMatch(/^At the reset/);
  });

  it("names all breakpoints at a place, counts them, and carries out the commands of each", async () => {
    const given = await ask(
      ...["break schedule", "break schedule if current->pid == 1", "tbreak schedule", "commands 1", "silent", "p 11"],
      ...["end", "commands 2", "p 22", "end", "c", "info break", "c", "goto -1", "reverse-continue"],
    );
    const [once, list, again, , back] = given.slice(-5);
    expect(once).toMatch(/^Breakpoint 3, hit 1 time\.\n#[\d,]+ {2}cpu 0, pid 0[\s\S]*\n\$1 = 11$/);
    expect(list).toMatch(/^ {2}1 .*\[hit 1 time\]\n[\s\S]*^ {2}2 .* if current->pid == 1\n {8}p 22$/m);
    expect(list).not.toContain("temporary");
    expect(again).toMatch(/^Breakpoint 2, hit 1 time\.\n#[\d,]+ {2}cpu 0, pid 1[\s\S]*\n\$2 = 11\n\$3 = 22$/);
    expect(back).toBe("$4 = 11");
  });

  it("names all watchpoints and catchpoints that one instruction has met", async () => {
    const given = await ask(
      ...["tbreak child", "c", "watch value", "awatch value", "c", "delete", "catch exit", "catch exit", "c"],
    );
    expect(given[4]).toMatch(/^Watchpoint 2: wrote .*\nWatchpoint 3: wrote 1 byte at value.*\n#/);
    expect(given[8]).toMatch(/^Catchpoint 4: exit .*\nCatchpoint 5: exit .*\n#/m);
  });

  it("removes a temporary breakpoint that it has gone back to", async () => {
    const given = await ask(
      "tbreak child",
      "c",
      "tbreak sys_fork",
      "reverse-continue",
      "info break",
      "reverse-continue",
    );
    expect(given[3]).toMatch(/^Breakpoint 2, hit 1 time\./);
    expect(given[4]).toBe("There are no breakpoints.");
    expect(given[5]).toMatch(/^At the reset/);
  });

  it("obeys conditions, counts and temporary breakpoints", async () => {
    const given = await ask(
      "break system_call if eax == 4 && current->pid == 2",
      "c",
      "p $eax",
      "p current->pid",
      "delete",
      "tbreak system_call count 2",
      "c",
      "info break",
    );
    expect(given.slice(2, 4)).toEqual(["$1 = 4", "$2 = 2"]);
    expect(given[6]).toMatch(/^Breakpoint 2, hit 2 times/);
    expect(given[7]).toBe("There are no breakpoints.");
  });

  it("stops, and says so, when a condition cannot be evaluated", async () => {
    const [, stop] = await ask("break child if *(u32 *)0x10 == 1", "c");
    expect(stop).toMatch(/The condition .* cannot be evaluated: 0x00000010 is not mapped/);
  });

  it("watches memory", async () => {
    const [, , stop, , read] = await ask("watch value", "tbreak sys_write", "c", "rwatch value", "c");
    expect(stop).toMatch(/^Watchpoint 1: wrote 1 byte at value .*0x3f -> 0x63\./);
    expect(read).toMatch(/^(Watchpoint 3: read|Breakpoint 2)/);
  });

  it("catches what the kernel does", async () => {
    const given = await ask(
      "catch fork",
      "c",
      "delete",
      "catch syscall wait4",
      "c",
      "delete",
      "catch exception pf if $cpl == 3 || $cpl == 0",
      "c",
    );
    expect(given[1]).toMatch(/^Catchpoint 1: fork .*child=1 clone_flags=0x[0-9a-f]+ task=0xc[0-9a-f]+$/m);
    expect(given[4]).toContain("wait4");
    expect(given[7]).toContain("#PF page fault");
  });

  it("sets registers and memory, and undoes it by going back", async () => {
    const given = await ask(
      "break child",
      "c",
      "set $ebx = 0x1234",
      "p/x $ebx",
      "set value = 7",
      "p/x value",
      "reverse-step",
      "p/x $ebx",
    );
    expect(given[2]).toContain("4660");
    expect(given[3]).toMatch(/0x1234$/);
    expect(given[5]).toMatch(/0x7$/);
    expect(given[7]).toMatch(/= 0x0$/);
  });

  it("shows a sleeping task's calls out to user space", async () => {
    const given = await ask("break child", "c", "bt of 1", "stack 1");
    expect(given[2]).toMatch(
      /#0 {2}switch_to \(.*\n.*context_switch \(.*\n.*schedule \(.*\n.*sys_wait4 \(.*\n.*system_call \(.*\n.*system call.*\n.*user space.*\n.*parent \(/,
    );
    expect(given[3]).toContain("saved esi (switch_to)");
  });

  it("crosses an exception taken in the kernel's and the user's code", async () => {
    const given = await ask("break do_page_fault if ((pt_regs *)regs_address)->eip == &child", "c", "bt");
    expect(given[2]).toMatch(/do_page_fault.*\n.*error_code.*\n.*exception.*\n.*user space.*\n.*child/);
  });

  it("shows every table and device without an error", async () => {
    const commands = [
      ...[
        "regs",
        "regs eax",
        "segments",
        "flags",
        "cr",
        "gdt",
        "gdt 0x10",
        "ldt",
        "idt",
        "idt 14",
        "tss",
        "pic",
        "pit",
      ],
      ...[
        "apic",
        "ioapic",
        "tlb",
        "tlb $esp",
        "pt $esp",
        "pt $eip of 1",
        "xp/8 $cr3",
        "x/8xb $esp",
        "x/2s current->comm",
      ],
      ...[
        "x/3i $eip",
        "x/4a $esp",
        "x/2t $esp",
        "x/4d $esp",
        "",
        "ps",
        "task",
        "task 1",
        "bt",
        "bt full",
        "bt 2",
        "bt of 0",
        "frame",
        "up",
        "down",
        "thread 1",
        "thread",
        "frame 1",
        "info frame",
        "info args",
        "info locals",
        "thread 2",
        "stack",
        "stack 0",
      ],
      ...["ptregs 1", "maps", "maps 1", "runqueue", "waitqueues", "timers", "softirqs", "interrupts", "locks", "dmesg"],
      ...[
        "dmesg 2",
        "events",
        "events 2",
        "list schedule",
        "list entry.S:141",
        "",
        "info symbol $eip",
        "info line child",
      ],
      ...[
        "info files",
        "info registers",
        "cpu",
        "cpu 0",
        "where",
        "info threads",
        "info source",
        "whatis current",
        "why",
        "disas",
        "disas schedule",
        "",
        "help",
        "help x",
      ],
      ...[
        "p *current",
        "p $",
        "p $1",
        "p/t 5",
        "p/c 65",
        "p/a $eip",
        "p bh_base",
        "p kstat",
        "ptype current",
        "ptype u32",
      ],
      ...[
        "p init_tss",
        "echo hello",
        "condition 1 eax == 1",
        "condition 1",
        "ignore 1 2",
        "disable",
        "enable 1",
        "delete",
      ],
    ];
    const run = await debugRun(COW, ["break do_wp_page", "continue", ...commands]);
    expect(run.output).not.toMatch(/^Error:/m);
    expect(run.status).toBe(0);
    expect(answers(run)).toHaveLength(commands.length + 2);
  });

  it.each([
    ["brek schedule", "no command brek; did you mean break?"],
    ["re", "re could be"],
    ["b shedule", "no symbol shedule; did you mean schedule?\n  shedule\n  ^"],
    ["b switch_to.S:999", "no instruction comes from line 999 of switch_to.S"],
    ["b swich_to.S:21", "no line of a file swich_to.S"],
    ["list nofile:3", "no line of a file nofile is known"],
    ["list shed.ts:3", "no line of a file shed.ts is known; near names: sched.ts"],
    ["list mm/sched.ts:3,5", "no line of a file mm/sched.ts is known; near names: kernel/kernel/sched.ts"],
    ["b nofile:main", "no line of a file nofile is known"],
    ["b kernel/sched.ts:schedul", "kernel/kernel/sched.ts has no function schedul"],
    ["ptype struct task_strukt", "no type struct task_strukt; did you mean task_struct?"],
    ["ptype struct nosuch", "no type struct nosuch"],
    ["whatis struct pag *", "no type struct pag; did you mean page?"],
    ["p sizeof(struct mm_strct)", "no type struct mm_strct; did you mean mm_struct?"],
    ["p current->pdi", "no member pdi"],
    ["p $1", "nothing has been printed as $1 yet"],
    ["p 1 +", "the expression ends too early: a value is expected\n  1 +\n     ^"],
    ["p *(u32 *)0x10", "0x00000010 is not mapped"],
    ["x/4q $esp", "'q' is no format"],
    ["x", "x what?"],
    ["bt of 99", "no task with pid 99"],
    ["bt 0", "how many frames?"],
    ["up 1000000 1", "an operator is expected"],
    ["thread 99", "no task with pid 99"],
    ["frame 99", "no frame 99"],
    ["commands 9", "there is no breakpoint 9"],
    ["find 1", "find START, END|+LENGTH, VALUE"],
    ["last-write 5", "does not lie in memory"],
    ["display/q 5", "formats are"],
    ["info functions (", "no regular expression"],
    ["catch sycall", "did you mean syscall?"],
    ["catch syscall fork2", "no system call fork2; did you mean"],
    ["catch switch of 2", "from PID, to PID is expected"],
    ["catch switch to 99999", "pid 99999: 0 to 32767 is expected"],
    ["catch exception 99", "vector of an exception 99: 0 to 31 is expected"],
    ["catch exception pg", "no exception pg; did you mean"],
    ["catch exception nosuch", "; there are de, db, bp"],
    ["catch exception pf gp", "nothing is expected behind this event, not 'gp'"],
    ["catch interrupt 256", "vector 256: 0 to 255 is expected"],
    ["catch irq 99", "line 99: 0 to 23 is expected"],
    ["catch irq 0.5", "line 0.5: 0 to 23 is expected"],
    ["catch syscall nosuch", "no system call nosuch"],
    ["catch syscall write read", "nothing is expected behind this event, not 'read'"],
    ["catch syscall 0x100000000", "system call 0x100000000: 0 to 4294967295 is expected"],
    ["catch signal SIGSEV", "no signal SIGSEV; did you mean SIGSEGV?"],
    ["catch signal 65", "numbers go from 1 to 64"],
    ["catch softirq 32", "bottom half 32: 0 to 31 is expected"],
    ["watch -p", "watch what?"],
    ["watch -p 0x100000000", "0x100000000 is no address: they have 32 bits, and end at 0xffffffff"],
    ["watch -p 0xfffffffe 4", "4 bytes to watch at 0xfffffffe: addresses end at 0xffffffff, so that there are 2"],
    ["watch -p 0x1000 0", "0 bytes to watch: expected 1 or more"],
    ["watch -p jiffies", "jiffies lies at the linear address 0xc01"],
    ["break *0x123456789", "0x123456789 is no address"],
    ["x 0x100000000", "0x100000000 is no address"],
    ["tbreak schedule count 1.5", "1 or more is expected"],
    ["delete 7", "there is no breakpoint 7"],
    ["goto nowhere", "no symbol nowhere"],
    ["cpu 3", "core 3"],
    ["break child if $_", "no register or variable $_"],
    ["advance", "advance to where?"],
    ["info nothing", "nothing is called nothing"],
    ["set 5 = 6", "5 cannot be set"],
    ["step 0", "1 or more is expected"],
    ["regs eaxx", "no register eaxx"],
  ])("says what is wrong with: %s", async (command, message) => {
    const { repl, take } = await booted;
    expect(await repl.execute(command)).toBe("failed");
    const answer = take();
    expect(answer).toContain(message);
    expect(answer).toMatch(/^Error: /);
    expect(answer).not.toMatch(/\.ts:\d/);
  });

  it("says which line it cannot list, when the text of a file is not at hand", async () => {
    const { repl, take } = await booted;
    expect(await repl.execute("list kernel/kernel/sched.ts:42")).toBe("failed");
    expect(take()).toBe("Error: kernel/kernel/sched.ts:42, but the text of kernel/kernel/sched.ts is not at hand\n");
  });

  it("lists a range of lines in the file where it begins", async () => {
    const given = await ask("list cow.S:3,5", "list cow.S:3,+1");
    const lines = given.map((text) => [...text.matchAll(/^(?:=>| {2}) *(\d+) {2}/gm)].map(([, line]) => Number(line)));
    expect(lines).toEqual([
      [3, 4, 5],
      [3, 4],
    ]);
  });

  it("says that the guest has ended, and goes back", async () => {
    const run = await debugRun(COW, ["c", "reverse-step", "c", "step"]);
    expect(answers(run)[0]).toContain("The guest has ended with status 0.");
    expect(answers(run)[2]).toContain("The guest has ended with status 0.");
    expect(answers(run)[3]).toMatch(/^Error: the guest has ended/);
    expect(run.output.match(/parent: value is now p/g)).toHaveLength(1);
  });

  it("shows who waits for what, and what the devices are set to", async () => {
    const given = await askEcho("c", "waitqueues", "ps", "pit", "pic", "tlb $esp");
    expect(given[1]).toMatch(/^queue 0x\w+.*\n {2}pid 1 \(echo\), entry at 0x/);
    expect(given[2]).toMatch(/1 +0 +S .* - .*echo +/);
    expect(given[3]).toContain("counter 0: mode 2, period 11932, 100.00 Hz");
    expect(given[4]).toMatch(/IRQ 0 +timer +vector 0x20 +open/);
    expect(given[5]).toMatch(/^0x\w{8} -> 0x\w{8} {2}kernel rw global$/);
  });

  it("gives input, again after going back", async () => {
    const run = await debugRun(
      ["-q", "examples/echo.S"],
      ["c", "input hello", "c", "input --eof", "c", "goto 100", "c"],
    );
    expect(answers(run)[0]).toContain("a task waits for input");
    expect(run.output).toContain("hello");
    expect(answers(run).at(-1)).toContain("The guest has ended");
  });
});

describe("a bare machine", () => {
  // movl $5, %eax; 1: decl %eax; jnz 1b; movb $3, 0x2000; hlt
  const code = [0xb8, 5, 0, 0, 0, 0x48, 0x75, 0xfd, 0xc6, 0x05, 0x00, 0x20, 0, 0, 3, 0xf4];
  const make = () => {
    const machine = new Machine();
    bootRaw(machine, { images: [{ name: "code", bytes: Uint8Array.from(code), address: 0x1000 }], mode: "protected" });
    return machine;
  };

  const session = (...lines: readonly string[]) => answersOf(make, lines);

  async function answersOf(make: () => Machine, lines: readonly string[]): Promise<string[]> {
    const texts: string[] = [];
    const repl = new Repl(DebugSession.forMachine(make), {
      write: (text) => (texts[texts.length - 1] += text),
      color: false,
      sources: new SourceTexts(),
    });
    for (const line of lines) {
      texts.push("");
      await repl.execute(line);
    }
    return texts;
  }

  it("says which exceptions led to a triple fault, and what their error codes mean", async () => {
    const crash = () => {
      const machine = make();
      machine.writePhysical(0x1000, Uint8Array.of(0x0f, 0x0b));
      machine.setRegister("idtr_limit", 0);
      return machine;
    };
    const [shutDown, , caught] = await answersOf(crash, ["continue", "catch exception", "reverse-continue"]);
    const causes = [
      "  #UD undefined opcode",
      "  #GP general protection, error code 0033: IDT entry 06, #UD (EXT)",
      "  #GP general protection, error code 006b: IDT entry 0d, #GP (EXT)",
      "  #DF double fault, error code 0000",
      "  #GP general protection, error code 0043: IDT entry 08, #DF (EXT)",
    ].join("\n");
    expect(shutDown).toContain("Triple fault: CPU 0 has shut down.");
    expect(shutDown).toContain(causes);
    expect(caught).toMatch(/Catchpoint 1: exception vector=8 \(#DF double fault\).* error_code=0x0000/);
    expect(caught).toContain(causes);
  });

  it("is stepped, watched and taken back", async () => {
    const given = await session(
      "break *0x1006 if eax == 2",
      "c",
      "p $eax",
      "watch -p 0x2000 1",
      "delete 1",
      "c",
      "reverse-continue",
      "x/1xb 0x2000",
    );
    expect(given[1]).toContain("Breakpoint 1");
    expect(given[2]).toBe("$1 = 2\n");
    expect(given[5]).toMatch(/Watchpoint 2: wrote 1 byte at 0x00002000: 0x00 -> 0x03/);
    expect(given[6]).toContain("At the reset");
    expect(given[7]).toMatch(/0x00\n$/);
  });

  it("says what only a kernel has", async () => {
    const given = await session("ps", "catch fork", "p current", "pt 0x1000", "bt", "regs");
    expect(given[0]).toContain("bare machine");
    expect(given[1]).toContain("bare machine");
    expect(given[2]).toContain("bare machine");
    expect(given[3]).toContain("paging is off");
    expect(given[5]).toContain("eip=00001000");
  });
});

describe("completion", () => {
  const repl = new Repl(
    DebugSession.forMachine(() => new Machine()),
    { write: () => {}, color: false, sources: new SourceTexts() },
  );

  it("knows commands, registers and events", () => {
    expect(repl.complete("reverse-")[0]).toEqual([
      ...["reverse-continue", "reverse-finish", "reverse-next", "reverse-nexti", "reverse-step", "reverse-stepi"],
    ]);
    expect(repl.complete("p $ea")).toEqual([["$eax"], "$ea"]);
    expect(repl.complete("catch sy")).toEqual([["syscall"], "sy"]);
    expect(repl.complete("help br")).toEqual([["break"], "br"]);
    expect(repl.complete("nonsense x")[0]).toEqual([]);
  });
});

describe("completion before the kernel runs", () => {
  const session = DebugSession.forKernel(
    bootOptions("cow.S", [], {}, new FakeIo({ "cow.S": readFileSync("examples/cow.S") })),
  );
  const repl = new Repl(session, { write: () => {}, color: false, sources: new SourceTexts() });

  it("knows the members of tasks that are not there yet", () => {
    expect(repl.complete("p current->pi")[0]).toContain("pid");
    expect(repl.complete("p task(1)->thread.esp")[0]).toContain("thread.esp0");
    expect(repl.complete("p nonsense->")[0]).toEqual([]);
  });

  it("changes nothing", () => {
    const before = session.registers().eax;
    repl.complete("p (eax = 99)->");
    expect(session.registers().eax).toBe(before);
  });
});

describe("completion of a kernel's names", () => {
  it("knows symbols and members", async () => {
    const { repl } = await booted;
    expect(repl.complete("break sys_wait")[0]).toContain("sys_wait4");
    expect(repl.complete("p init_tss.esp")[0]).toEqual([
      "init_tss.esp",
      "init_tss.esp0",
      "init_tss.esp1",
      "init_tss.esp2",
    ]);
    expect(repl.complete("p ((task_struct *)0xc0104000)->thr")[0]).toEqual(["thread", "thread_group", "thread_info"]);
    expect(repl.complete("p current->thread.esp")[0]).toEqual(["thread.esp", "thread.esp0"]);
  });
});
