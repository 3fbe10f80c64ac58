/** System calls that take and give a reader/writer semaphore and a semaphore, and write down in which order they got them. */
import { kernel_function, kernel_variable, type Steps } from "../../../kernel/host/declarations.ts";
import { array, i32, u32 } from "../../../kernel/host/types.ts";
import { atomic_add, atomic_sub } from "../../../kernel/include/asm/atomic.ts";
import {
  down,
  down_interruptible,
  down_trylock,
  sema_init,
  semaphore,
  up,
} from "../../../kernel/include/asm/semaphore.ts";
import {
  down_read,
  down_read_trylock,
  down_write,
  down_write_trylock,
  downgrade_write,
  init_rwsem,
  rw_semaphore,
  up_read,
  up_write,
} from "../../../kernel/include/linux/rwsem.ts";
import { current, TASK_INTERRUPTIBLE } from "../../../kernel/include/linux/sched.ts";
import { schedule_timeout } from "../../../kernel/kernel/sched.ts";

export const rwsem = kernel_variable("test_rwsem", rw_semaphore);
export const sem = kernel_variable("test_sem", semaphore);

/** What was noted, in order. */
const LONGEST = 64;
const notes = kernel_variable("test_notes", array(u32, LONGEST));
const noted = kernel_variable("test_noted", u32);

/** The notes as letters. */
export function written(): string {
  return String.fromCharCode(...Array.from({ length: noted.value }, (_, i) => notes.value.get(i)));
}

function note(letter: number): void {
  notes.value.set(noted.value, letter);
  noted.value++;
}

/** sem_init(count): both are free, the semaphore for so many. */
export const sys_sem_init = kernel_function("sys_sem_init", [i32], i32, function* (count) {
  init_rwsem(rwsem.address);
  sema_init(sem.address, count);
  return 0;
});

/** rwsem(what): r, R: takes it for reading, gives it; w, W: for writing; d: a writer becomes a reader; t, T: tries to read, to write. */
export const sys_rwsem = kernel_function("sys_rwsem", [u32], i32, function* (what) {
  switch (what) {
    case 0x72:
      yield* down_read(rwsem.address);
      return 0;
    case 0x52:
      yield* up_read(rwsem.address);
      return 0;
    case 0x77:
      yield* down_write(rwsem.address);
      return 0;
    case 0x57:
      yield* up_write(rwsem.address);
      return 0;
    case 0x64:
      yield* downgrade_write(rwsem.address);
      return 0;
    case 0x74:
      return yield* down_read_trylock(rwsem.address);
    case 0x54:
      return yield* down_write_trylock(rwsem.address);
    default:
      return -1;
  }
});

/** sem(what): d, i, t: down, down_interruptible, down_trylock; u: up. */
export const sys_sem = kernel_function("sys_sem", [u32], i32, function* (what) {
  switch (what) {
    case 0x64:
      yield* down(sem.address);
      return 0;
    case 0x69:
      return yield* down_interruptible(sem.address);
    case 0x74:
      return yield* down_trylock(sem.address);
    case 0x75:
      yield* up(sem.address);
      return 0;
    default:
      return -1;
  }
});

/** note(letter) */
export const sys_note = kernel_function("sys_note", [u32], i32, function* (letter) {
  note(letter);
  return 0;
});

/** Who is in now: readers, and 1,000 for a writer or for who has the semaphore; and how often that was more than may be. */
const inside = kernel_variable("test_inside", i32);
export const wrong = kernel_variable("test_wrong", i32);
export const most = kernel_variable("test_most", i32);

/** Is in for a while, or sleeps there. `allowed` is how many may be. */
function* stay(weight: i32, allowed: i32, sleeps: boolean): Steps<void> {
  yield* atomic_add(weight, inside.address);
  for (let i: i32 = 0; i < 8; i++) {
    if (inside.value > allowed) wrong.value = wrong.value + 1;
    if (inside.value > most.value) most.value = inside.value;
  }
  if (sleeps) {
    current().state = TASK_INTERRUPTIBLE;
    yield* schedule_timeout(1);
    if (inside.value > allowed) wrong.value = wrong.value + 1;
  }
  yield* atomic_sub(weight, inside.address);
}

const WRITER = 1000;

/** visit(turn): reads, writes, writes and then reads, or tries. */
export const sys_visit = kernel_function("sys_visit", [u32], i32, function* (turn) {
  const sleeps = turn % 5 === 0;
  if (turn % 4 === 0) {
    yield* down_write(rwsem.address);
    yield* stay(WRITER, WRITER, sleeps);
    yield* up_write(rwsem.address);
  } else if (turn % 8 === 2) {
    yield* down_write(rwsem.address);
    yield* stay(WRITER, WRITER, sleeps);
    yield* downgrade_write(rwsem.address);
    yield* stay(1, WRITER - 1, sleeps);
    yield* up_read(rwsem.address);
  } else if (turn % 8 === 3) {
    if ((yield* down_write_trylock(rwsem.address)) === 0) return 0;
    yield* stay(WRITER, WRITER, sleeps);
    yield* up_write(rwsem.address);
  } else {
    if (turn % 8 !== 7) yield* down_read(rwsem.address);
    else if ((yield* down_read_trylock(rwsem.address)) === 0) return 0;
    yield* stay(1, WRITER - 1, sleeps);
    yield* up_read(rwsem.address);
  }
  return 0;
});

/** visit_sem(turn, allowed): takes the semaphore, which so many may have. */
export const sys_visit_sem = kernel_function("sys_visit_sem", [u32, u32], i32, function* (turn, allowed) {
  if (turn % 4 === 1) {
    if ((yield* down_trylock(sem.address)) !== 0) return 0;
  } else if (turn % 4 === 2) {
    if ((yield* down_interruptible(sem.address)) !== 0) return 0;
  } else yield* down(sem.address);
  yield* stay(1, allowed, turn % 5 === 0);
  yield* up(sem.address);
  return 0;
});
