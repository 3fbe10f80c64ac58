/** Pid namespaces: who has which number where, and what the end of a namespace's init does. */
import { describe, expect, it } from "vitest";
import { pid_namespace, task_active_pid_ns } from "../../../kernel/include/linux/pid.ts";
import { for_each_task, task_struct } from "../../../kernel/inspect.ts";
import { pidhash } from "../../../kernel/kernel/pid.ts";
import { boot, ON_ONE_CPU, program, program_tasks, type Run, run } from "../run.ts";

const EINVAL = -22;
const ENOSPC = -28;
const ESRCH = -3;
const ECHILD = -10;
const SIGKILL = 9;
const SIGTERM = 15;

/** SHOW writes a number in decimal and a space; NEW_NAMESPACE clones a child into one, that goes on at its label. */
const PRELUDE = `
.set SYS_gettid, 224
.set SYS_tgkill, 270
.set SYS_exit_group, 252
.set SIGCHLD, 17
.set CLONE_NEWPID, 0x20000000
.macro SHOW value=%eax
	pushl %eax
	movl \\value, %eax
	call show
	popl %eax
.endm
.macro SHOW_CALL name, ebx=, ecx=, edx=
	SYSCALL \\name, \\ebx, \\ecx, \\edx
	SHOW
.endm
.macro FORK label
	SYSCALL fork
	testl %eax, %eax
	jz \\label
.endm
.macro NEW_NAMESPACE label, flags=CLONE_NEWPID+SIGCHLD
	SYSCALL clone, $\\flags, $0
	testl %eax, %eax
	jz \\label
.endm
.macro WAIT pid=$-1
	SYSCALL wait4, \\pid, $status, $0, $0
.endm
.macro NAP
	SYSCALL nanosleep, $tick, $0
.endm
.globl _start
_start:
`;
const END = `
show:	pushal
	leal text+16, %edi
	movb $' ', (%edi)
	movl $10, %esi
	movl %eax, %ebx
	testl %eax, %eax
	jns 1f
	negl %eax
1:	xorl %edx, %edx
	divl %esi
	addb $'0', %dl
	decl %edi
	movb %dl, (%edi)
	testl %eax, %eax
	jnz 1b
	testl %ebx, %ebx
	jns 2f
	decl %edi
	movb $'-', (%edi)
2:	leal text+17, %edx
	subl %edi, %edx
	SYSCALL write, $1, %edi, %edx
	popal
	ret
.data
.align 4
tick:	.long 0, 10000000
text:	.skip 20
.bss
.align 4
status:	.skip 4
word:	.skip 16
.skip 2048
stack:
`;

const numbers = (text: string): number[] => text.trim().split(/\s+/).map(Number);

/** What a program shows until it ends with status 0. */
function shown(source: string): number[] {
  const { stop, output } = run(`${PRELUDE}${source}${END}`);
  expect(stop).toEqual({ kind: "exit", status: 0 });
  return numbers(output());
}

describe("numbers in a pid namespace", () => {
  it("its first process is 1, without parent, group and session; outside it is what fork says", () => {
    const inside = [1, 1, 0, 0, 0];
    const outside = [2, 2];
    expect(
      shown(`
	SYSCALL setsid
	NEW_NAMESPACE child
	movl %eax, %ebp
	WAIT
	SHOW %ebp
	SHOW
	EXIT
child:	SHOW_CALL getpid
	SHOW_CALL gettid
	SHOW_CALL getppid
	SHOW_CALL getpgrp
	SHOW_CALL getsid, $0
	EXIT
`),
    ).toEqual([...inside, ...outside]);
  });

  it("those of its processes are one above the other, and its own in every namespace above", () => {
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	FORK second			# 2 here, 3 at the top
	movl %eax, %ebp
	WAIT %ebp
	SHOW %ebp
	SHOW
	NEW_NAMESPACE below		# 3 here, 4 at the top
	movl %eax, %ebp
	WAIT
	SHOW %ebp
	SHOW
	SHOW_CALL wait4, $-1, $0, $0
	EXIT
second:	SHOW_CALL getpid
	SHOW_CALL getppid
	EXIT
below:	FORK lowest
	WAIT
	SHOW
	EXIT
lowest:	SHOW_CALL getpid
	SHOW_CALL getppid
	EXIT
`),
    ).toEqual([2, 1, 2, 2, 2, 1, 2, 3, 3, ECHILD]);
  });

  it("agree with the debugger's list: the global number is the PCB's", () => {
    const started = boot(`${PRELUDE}
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	FORK second
	WAIT
	EXIT
second:	SYSCALL getpgrp
	EXIT
${END}`);
    expect(started.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 65).kind).toBe("event");
    expect(started.tasks().map((line) => line.split(" ")[0])).toEqual(["0", "1", "2", "3"]);
    expect(started.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("threads have them too, and clone stores them", () => {
    const CLONE_THREAD_SETTIDS = 0x10f00 | 0x100000 | 0x1000000;
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	SYSCALL set_tid_address, $0
	SHOW
	movl $word, %edx
	movl $word+4, %edi
	SYSCALL clone, $${CLONE_THREAD_SETTIDS}, $stack
	testl %eax, %eax
	jz thread
	movl %eax, %esi
1:	SYSCALL sched_yield
	cmpl $0, word+8
	je 1b
	SHOW %esi
	SHOW word
	SHOW_CALL tgkill, $1, $2, $0
	SHOW_CALL tgkill, $2, $2, $0
	SHOW_CALL tgkill, $1, $3, $0
	SYSCALL exit_group, $0
thread:	SHOW word+4
	SHOW_CALL getpid
	SHOW_CALL gettid
	movl $1, word+8
1:	SYSCALL pause
	jmp 1b
`),
    ).toEqual([1, 2, 1, 2, 2, 2, 0, ESRCH, ESRCH]);
  });

  it("flags that do not go with it, and no more than 32 below each other", () => {
    expect(
      shown(`
	SHOW_CALL clone, $CLONE_NEWPID+0x10f00, $stack
	SHOW_CALL clone, $CLONE_NEWPID+0x8011, $0
	xorl %ebp, %ebp
down:	SYSCALL clone, $CLONE_NEWPID+SIGCHLD, $0
	testl %eax, %eax
	js 1f
	jnz 2f
	incl %ebp
	jmp down
1:	SHOW
	SHOW %ebp
	SHOW_CALL clone, $0x8011, $0	# a sibling of an init
2:	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
`),
    ).toEqual([EINVAL, EINVAL, ENOSPC, 32, EINVAL]);
  });

  it("are given out again from 300 when all have been, without those in use", () => {
    const started = boot(`${PRELUDE}
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	FORK stays
	SYSCALL getpgrp
	FORK stays
	SHOW
	SYSCALL getpgrp
	FORK stays
	SHOW
	EXIT
stays:	SYSCALL pause
	jmp stays
${END}`);
    const { kernel } = started;
    for (let times = 0; times < 2; times++) {
      expect(kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 65).kind).toBe("event");
      const last_pid = kernel.inspect(() => namespace_of(2)) + pid_namespace.offset("last_pid");
      kernel.machine.writePhysical(last_pid - 0xc0000000, Uint8Array.of(0xff, 0x7f, 0, 0));
    }
    expect(started.go()).toEqual({ kind: "exit", status: 0 });
    expect(numbers(started.output())).toEqual([300, 301]);
  });
});

/** The namespace of the task with a global number. */
function namespace_of(pid: number): number {
  for (const p of for_each_task()) if (p.pid === pid) return task_active_pid_ns(p);
  throw new Error(`there is no task ${pid}`);
}

describe("the hash of pids", () => {
  const BUCKETS = 1024;
  const bucket_of = (pid: number) => ((pid >> 8) ^ pid) & (BUCKETS - 1);
  /** The first two are of one bucket. */
  const PIDS = [2, 1030, 1031];

  it("has every task in its bucket, wherever it is in the task list", () => {
    const started = boot(`${PRELUDE}
	SYSCALL getpgrp
	FORK stays
	SYSCALL getpgrp
	FORK stays
	FORK stays
	SYSCALL getpgrp
	SYSCALL kill, $2, $9
	SYSCALL wait4, $2, $0, $0, $0
	SYSCALL getpgrp
	EXIT
stays:	SYSCALL pause
	jmp stays
${END}`);
    const { kernel } = started;
    const next_call = () =>
      expect(kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 65).kind).toBe("event");
    const found = () =>
      kernel.inspect(() => {
        const all = program_tasks().filter(({ pid }) => pid !== 0);
        return all.map(({ address, pid }) => {
          let at = pidhash.value.get(bucket_of(pid));
          while (at !== 0 && at !== address) at = task_struct.at(at).pidhash_next;
          return at === address ? pid : "lost";
        });
      });
    next_call();
    next_call();
    const last_pid = kernel.image.symbol("last_pid") - 0xc0000000;
    kernel.machine.writePhysical(last_pid, new Uint8Array(Int32Array.of(PIDS[1] - 1).buffer));
    kernel.machine.writePhysical(kernel.image.symbol("next_safe") - 0xc0000000, new Uint8Array(4));
    next_call();
    expect(PIDS.slice(0, 2).map(bucket_of)).toEqual([2, bucket_of(2)]);
    expect(found()).toEqual([1, ...PIDS]);
    next_call();
    expect(found()).toEqual([1, ...PIDS.slice(1)]);
  });
});

describe("process groups in a pid namespace", () => {
  it("have its numbers, for setpgid, getpgid, wait and kill", () => {
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	SHOW_CALL setpgid, $0, $0	# -> 1
	SYSCALL setsid			# leads its group already: EPERM
	SHOW
	FORK second			# 2, in group 1
	SHOW_CALL setpgid, $2, $2
	SHOW_CALL getpgid, $2
	FORK third			# 3
	SHOW_CALL setpgid, $3, $2
	SHOW_CALL setpgid, $3, $7	# no such group: EPERM
	SHOW_CALL getpgid, $3
	SHOW_CALL kill, $-7, $15
	SHOW_CALL kill, $-2, $15
	WAIT $-2
	WAIT $-2
	SHOW status
	WAIT $-2
	SHOW
	EXIT
second:
third:	SYSCALL pause
	jmp third
`),
    ).toEqual([0, -1, 0, 2, 0, -1, 2, ESRCH, 0, SIGTERM, ECHILD]);
  });

  it("sessions too; a group outlives its leader", () => {
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	EXIT
child:	FORK second
	WAIT
	FORK after
	WAIT
	WAIT
	SHOW
	SHOW_CALL wait4, $-1, $0, $0
	EXIT
second:	SHOW_CALL setsid
	FORK third
	EXIT				# 3 stays in group and session 2
third:	NAP
	NAP
	SHOW_CALL getpgrp
	SHOW_CALL getsid, $0
	SHOW_CALL getsid, $1
	EXIT
after:	EXIT				# 4
`),
    ).toEqual([2, 2, 2, 0, 3, ECHILD]);
  });

  it("a process outside may join one; it does not see ours", () => {
    expect(
      shown(`
	SYSCALL setpgid, $0, $0
	NEW_NAMESPACE child
	movl %eax, %ebp
	SYSCALL setpgid, %ebp, %ebp
	SHOW_CALL setpgid, $0, %ebp	# group 2 of init's session
	SHOW_CALL getpgrp
	SYSCALL kill, %ebp, $9
	SHOW_CALL wait4, $0, $0, $0
	FORK last
	WAIT
	EXIT
last:	SHOW_CALL getpgrp
	SYSCALL setpgid, $0, $0
	EXIT
child:	SYSCALL pause
	jmp child
`),
    ).toEqual([0, 2, 2, 2]);
  });

  it("of the terminal", () => {
    const [TIOCGPGRP, TIOCSPGRP] = [0x540f, 0x5410];
    expect(
      shown(`
	SYSCALL setpgid, $0, $0
	movl $1, word
	SHOW_CALL ioctl, $1, $${TIOCSPGRP}, $word
	NEW_NAMESPACE child
	WAIT
	SHOW_CALL ioctl, $1, $${TIOCGPGRP}, $word
	SHOW word
	EXIT
child:	SYSCALL ioctl, $1, $${TIOCGPGRP}, $word
	SHOW word
	SYSCALL setpgid, $0, $0
	movl $1, word
	SHOW_CALL ioctl, $1, $${TIOCSPGRP}, $word
	SYSCALL ioctl, $1, $${TIOCGPGRP}, $word
	SHOW word
	movl $5, word
	SHOW_CALL ioctl, $1, $${TIOCSPGRP}, $word
	EXIT
`),
    ).toEqual([0, 0, 0, 1, ESRCH, 0, 2]);
  });
});

describe("signals and a pid namespace", () => {
  it("nobody outside is reached: not by number, and not by kill(-1)", () => {
    expect(
      shown(`
	FORK other			# 2
	NEW_NAMESPACE child		# 3
	WAIT $3
	SYSCALL kill, $2, $0
	SHOW
	SYSCALL kill, $2, $9
	WAIT $2
	SHOW
	EXIT
child:	SHOW_CALL kill, $3, $9
	SHOW_CALL kill, $4, $9
	SHOW_CALL getpgid, $3
	SHOW_CALL kill, $-1, $9		# nobody there
	FORK other			# 2 here
	SHOW_CALL kill, $-1, $9
	WAIT
	SHOW
	EXIT
other:	SYSCALL pause
	jmp other
`),
    ).toEqual([ESRCH, ESRCH, ESRCH, ESRCH, 0, 2, 0, 2]);
  });

  it("si_pid is the sender's number where the signal is taken; 0 for one that is not there", () => {
    const handle = (signal: number) => `SYSCALL rt_sigaction, $${signal}, $action, $0, $8`;
    const told = shown(`
	${handle(10)}
	${handle(12)}
	${handle(17)}
	NEW_NAMESPACE child
	SYSCALL kill, %eax, $12
1:	WAIT
	cmpl $2, %eax
	jne 1b
	EXIT
child:	FORK second
1:	WAIT
	cmpl $2, %eax
	jne 1b
	FORK third
1:	WAIT
	cmpl $3, %eax
	jne 1b
1:	cmpl $0, word
	je 1b
	EXIT
second:	EXIT
third:	SYSCALL kill, $1, $10
	EXIT
handler: movl 8(%esp), %edx
	SHOW 12(%edx)
	cmpl $0, 12(%edx)
	jne 1f
	movl $1, word
1:	ret
.data
.align 4
action:	.long handler, 4, 0, -1, -1	# SA_SIGINFO, with all signals blocked
.text
`);
    expect(told.sort()).toEqual([0, 2, 2, 3, 3]);
  });

  it("its init is not killed from within, but from outside; with a handler it takes what it handles", () => {
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	SHOW status
	NEW_NAMESPACE idle
	movl %eax, %esi
	SYSCALL kill, %esi, $15
	NAP
	SHOW_CALL kill, %esi, $15	# does nothing
	SYSCALL kill, %esi, $9
	WAIT
	SHOW status
	NEW_NAMESPACE faulty
	WAIT
	SHOW status
	EXIT
child:	FORK second
	WAIT
	SHOW_CALL kill, $1, $9
	SHOW_CALL kill, $1, $15
	EXIT $5
second:	SHOW_CALL kill, $1, $9
	SHOW_CALL kill, $1, $19
	SHOW_CALL kill, $1, $15
	EXIT
idle:	SYSCALL pause
	jmp idle
faulty:	movl $0, 0
`),
    ).toEqual([0, 0, 0, 0, 0, 5 << 8, 0, SIGKILL, 11]);
  });
});

describe("the end of a pid namespace's init", () => {
  const OUTSIDE = `
	NEW_NAMESPACE child
	WAIT
	SHOW
	SHOW_CALL wait4, $-1, $0, $0
	EXIT
`;
  it("it takes orphans", () => {
    expect(
      shown(`${OUTSIDE}
child:	FORK second
	WAIT
	WAIT
	SHOW
	SHOW status
	EXIT
second:	FORK third
	EXIT
third:	NAP
	NAP
	SHOW_CALL getppid
	EXIT $3
`),
    ).toEqual([1, 3, 3 << 8, 2, ECHILD]);
  });

  const TREE = `
child:	FORK sleeper
	FORK busy
	NEW_NAMESPACE below
	SYSCALL clone, $0x10f00, $stack
	testl %eax, %eax
	jz busy
	NAP
	SYSCALL exit_group, $0
below:	FORK sleeper
	FORK busy
	NEW_NAMESPACE busy
	jmp sleeper
sleeper: SYSCALL pause
	jmp sleeper
busy:	jmp busy
`;

  it("ends everybody in it, in namespaces below too", () => {
    expect(shown(`${OUTSIDE}${TREE}`)).toEqual([2, ECHILD]);
  });

  it("leaves nothing behind", () => {
    const started = boot(`${PRELUDE}
	movl $4, %ebp
again:	SYSCALL getpgrp
	NEW_NAMESPACE child
	WAIT
	decl %ebp
	jnz again
	NAP
	SYSCALL getpgrp
	EXIT
${TREE}${END}`);
    const balance: Record<string, number>[] = [];
    for (let times = 0; times < 5; times++) {
      expect(started.kernel.run_to_event(({ event, nr }) => event === "syscall" && nr === 65).kind).toBe("event");
      balance.push(in_use(started));
    }
    expect(balance[4]).toEqual(balance[1]);
    expect(started.go()).toEqual({ kind: "exit", status: 0 });
  });

  it("nobody gets away by forking", () => {
    expect(
      shown(`${OUTSIDE}
child:	FORK bomb
	FORK bomb
	NAP
	NAP
	EXIT
bomb:	SYSCALL fork
	SYSCALL sched_yield
	jmp bomb
`),
    ).toEqual([2, ECHILD]);
  });

  it("comes when its last thread ends, and not before", () => {
    expect(
      shown(`
	NEW_NAMESPACE child
	WAIT
	SHOW
	EXIT
child:	FORK sleeper
	SYSCALL clone, $0x10f00, $stack
	testl %eax, %eax
	jz thread
	EXIT				# the leader only
thread:	NAP
	NAP
	SHOW_CALL kill, $2, $0
	SHOW_CALL getpid
	FORK orphan
	WAIT $4
	SYSCALL exit_group, $0
orphan:	SHOW_CALL getppid
	EXIT
sleeper: SYSCALL pause
	jmp sleeper
`),
    ).toEqual([0, 1, 1, 2]);
  });

  it("an exec by another of its threads makes that one the init", () => {
    const { stop, output } = run(
      `${PRELUDE}
	NEW_NAMESPACE child
	WAIT
	WAIT				# its leader's zombie, and the one that it became
	EXIT
child:	FORK sleeper
	SYSCALL clone, $0x10f00, $stack
	testl %eax, %eax
	jz thread
1:	SYSCALL pause
	jmp 1b
thread:	SYSCALL execve, $path, $0, $0
sleeper: NAP
	NAP
	NAP
	SHOW_CALL getppid
	EXIT
.data
path:	.asciz "/init2"
${END}`,
      {
        files: {
          "/init2": program(`${PRELUDE}
	SHOW_CALL getpid
	NAP
	SHOW_CALL kill, $2, $0
	SYSCALL wait4, $2, $0, $0, $0
	SHOW
	EXIT
${END}`),
        },
      },
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(numbers(output())).toEqual([3, 0, 3, 2]);
  });
});

/** What must be the same whenever the same tasks are there. Idle CPUs keep the address space of who ran there last. */
function in_use({ memory }: Run): Record<string, number> {
  const { free_pages, mm_struct, ...others } = memory();
  return ON_ONE_CPU ? { ...others, free_pages, mm_struct } : others;
}
