import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { container_of, field_paths, type StructType, type Type } from "../../../kernel/host/types.ts";
import { list_for_each, list_head } from "../../../kernel/include/linux/list.ts";
import { mm_struct } from "../../../kernel/include/linux/mm.ts";
import { task_struct } from "../../../kernel/include/linux/sched.ts";
import { timer_list } from "../../../kernel/include/linux/timer.ts";
import { wait_queue_head_t, wait_queue_t } from "../../../kernel/include/linux/wait.ts";
import type { KernelCapture } from "../../../kernel/index.ts";
import { task_list } from "../../../kernel/kernel/pid.ts";
import { runqueue_head } from "../../../kernel/kernel/sched_goodness.ts";
import { timer_vectors } from "../../../kernel/kernel/timer.ts";
import { asm } from "../../../testing/program.ts";
import { breath } from "../../breathing.ts";
import { Lab, LONG } from "./lab.ts";
import { MACROS } from "./paths.ts";

/** Instructions after a wild write: enough for every task to have its turn, end and be waited for. */
const AFTERMATH = 150_000;

/** Every value is tried in every place when ANYWHERE is "all"; else one of four, over the places another one each time. */
const STRIDE = process.env.ANYWHERE === "all" ? 1 : 4;

/** Four tasks: one that runs, and that wakes the reader of a pipe, one that sleeps by the clock; pid 1 waits for all. */
const PROGRAM = asm`${MACROS}
.globl _start
_start:
	SYSCALL pipe, $fds
	SYSCALL fork
	testl %eax, %eax
	jnz 1f
	SYSCALL read, fds, $buffer, $1
	EXIT $1
1:	SYSCALL fork
	testl %eax, %eax
	jnz 2f
	SYSCALL nanosleep, $tick, $0
	EXIT $2
2:	SYSCALL fork
	testl %eax, %eax
	jnz 4f
	SYSCALL sched_yield
begin:	SYSCALL write, fds+4, $buffer, $1
	SYSCALL sched_yield
	movl $20000, %ecx
3:	loop 3b
	SYSCALL fork
	testl %eax, %eax
	jz 5f
	SYSCALL kill, %eax, $9
	SYSCALL waitpid, $-1, $status, $0
5:	EXIT $3
4:	SYSCALL waitpid, $-1, $status, $0
	testl %eax, %eax
	jns 4b
	EXIT
`;

const WORDS_THAT_POINT = new Set(["thread.esp", "thread.eip", "thread.esp0", "data"]);

/** Offsets of all that points in a struct, by path. */
function pointers(type: StructType): { path: string; offset: number }[] {
  return [...field_paths(type)]
    .filter((path) => WORDS_THAT_POINT.has(path) || typeAt(type, path).name.endsWith(" *"))
    .map((path) => ({ path, offset: type.offset(path) }));
}

function typeAt(type: StructType, path: string): Type {
  return path.split(".").reduce((at: Type, name) => (at as StructType).fields[name], type);
}

interface Place {
  readonly name: string;
  readonly address: number;
  readonly of: number;
}

let lab: Lab;
let state: KernelCapture;

/** Where the structs lie in the state that everything begins from. */
function structs(): Readonly<Record<string, readonly { name: string; address: number; type: StructType }[]>> {
  lab.restore(state);
  return lab.kernel.inspect(() => {
    const tasks = task_list().map((address) => task_struct.at(address));
    const timers: number[] = [];
    for (let slot = 0; slot < timer_vectors.value.length; slot++)
      for (const entry of list_for_each(timer_vectors.value.address_of(slot))) timers.push(entry);
    const init = tasks.find(({ pid }) => pid === 1)!;
    const queue = init.wait_chldexit.address;
    const waiting = init.wait_chldexit.task_list.address;
    const waits = [...list_for_each(waiting)].map((entry) => container_of(entry, wait_queue_t, "task_list"));
    return {
      task_struct: tasks.map(({ pid, address }) => ({ name: `task ${pid}`, address, type: task_struct as StructType })),
      mm_struct: tasks
        .filter(({ mm }) => mm !== 0)
        .map(({ pid, mm }) => ({ name: `mm of task ${pid}`, address: mm, type: mm_struct as StructType })),
      "run queue": [{ name: "runqueue_head", address: runqueue_head.address, type: list_head as StructType }],
      "wait queue": [
        { name: "wait_chldexit", address: queue, type: wait_queue_head_t as StructType },
        ...waits.map((address) => ({ name: "wait_queue_t", address, type: wait_queue_t as StructType })),
      ],
      timer: timers.map((address) => ({ name: "timer_list", address, type: timer_list as StructType })),
    };
  });
}

beforeAll(() => {
  lab = new Lab(PROGRAM);
  lab.must("begin");
  state = lab.kernel.capture();
  const all = structs();
  expect(all.task_struct.length).toBe(5);
  expect(all["wait queue"].length).toBe(2);
  expect(all.timer.length).toBe(1);
});

const tally = new Map<string, number>();
afterAll(() => {
  if (process.env.ANYWHERE_TELL) console.log(Object.fromEntries(tally));
});

/** Writes a wild value, runs on, and tells what came of it. The host has to come back from everything the guest does. */
function aftermath({ address }: Place, value: number): string {
  lab.restore(state);
  lab.poke(address, value);
  const stop = lab.kernel.run({ maxInstructions: AFTERMATH });
  const complaints = lab.complaints();
  return complaints.length > 0 && stop.kind !== "panic" ? "oops" : stop.kind;
}

function wild_values(place: Place): Readonly<Record<string, number>> {
  return {
    "0": 0,
    "1": 1,
    "a user's address": 0x08048000,
    itself: place.address,
    "its struct": place.of,
    "0xffffffff": 0xffffffff,
    "other kernel memory": 0xc0300124,
    "kernel text": lab.symbol("schedule"),
    "beyond memory": 0xc0900000,
  };
}

describe("a wild write to a pointer", () => {
  it("undisturbed, the program ends", () => {
    lab.restore(state);
    expect(lab.finish(AFTERMATH)).toMatchObject({ stop: { kind: "exit", status: 0 }, complaints: [] });
  });

  for (const kind of ["task_struct", "mm_struct", "run queue", "wait queue", "timer"]) {
    it(`in ${kind} ends in an oops, a panic, or not at all`, { timeout: LONG }, async () => {
      const seen = new Set<string>();
      let tried = 0;
      for (const { name, address, type } of structs()[kind]) {
        await breath();
        for (const { path, offset } of pointers(type)) {
          const place = { name: `${name}: ${path}`, address: address + offset, of: address };
          for (const [what, value] of Object.entries(wild_values(place))) {
            if (tried++ % STRIDE !== 0) continue;
            const end = aftermath(place, value);
            seen.add(end);
            tally.set(`${kind} ${end}`, (tally.get(`${kind} ${end}`) ?? 0) + 1);
            expect(["exit", "oops", "panic", "budget", "asleep", "input"], `${place.name} = ${what}`).toContain(end);
          }
        }
      }
      // The kernel notices some of it.
      expect(seen.has("oops") || seen.has("panic")).toBe(true);
    });
  }
});
