/** Which locks a CPU holds, from guest memory: by the locks' own words, and by what a kernel that checks locks notes. */
import type { Core } from "../../emulator/index.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import type { NeededLock } from "../host/needed-context.ts";
import { kernel_flag } from "../include/asm/smplock.ts";
import { RW_LOCK_BIAS } from "../include/asm/spinlock.ts";
import { debug_locks, held_lock, held_locks, LOCK_READ } from "../include/linux/lockdep.ts";
import { task_struct } from "../include/linux/sched.ts";
import { cpu_of, peek, task_of } from "./peek.ts";

const LOCK_DEPTH = task_struct.offset("lock_depth");
const LOCKS = held_locks.type.offset("locks");
const INSTANCE = held_lock.offset("instance");
const STATE = held_lock.offset("state");

/** What is needed, and what is so instead. */
interface Missing {
  readonly lock: string;
  readonly found: string;
}

/** Whether the kernel notes who holds what, and still does. */
function knows_owners(core: Core, image: KernelImage): boolean {
  return image.configured.has("CONFIG_PROVE_LOCKING") && peek(core, debug_locks.address) !== 0;
}

/** Addresses of the held_lock of each lock that a CPU holds or waits for. */
function* held_by(core: Core, cpu: number): Generator<number> {
  const stack = held_locks.address_of(cpu);
  const depth = peek(core, stack);
  for (let i = 0; i < depth; i++) yield stack + LOCKS + i * held_lock.size;
}

/**
 * A spinlock that a CPU holds, by name; undefined for none and where that is not noted. The big kernel lock is none.
 * @param but_for addresses of locks that do not count
 */
export function lock_held_by(
  core: Core,
  image: KernelImage,
  cpu: number,
  but_for: readonly number[],
): string | undefined {
  if (!knows_owners(core, image)) return undefined;
  for (const held of held_by(core, cpu)) {
    const instance = peek(core, held + INSTANCE) >>> 0;
    if (instance !== kernel_flag.address && !but_for.includes(instance))
      return image.data_at(instance) ?? `the lock at 0x${instance.toString(16)}`;
  }
  return undefined;
}

/** The address of a lock that is needed. @param file of the function that needs it */
export function address_of(
  image: KernelImage,
  file: string,
  { name, field, parameter }: NeededLock,
  value_of: (parameter: number) => number,
): number {
  return parameter === undefined || field === undefined
    ? image.variable(name, file, field)
    : ((value_of(parameter) >>> 0) + image.offset(name, field)) >>> 0;
}

/** Why a lock that is needed is not held by who calls; undefined when it is. @param lock its address */
export function not_held(
  core: Core,
  image: KernelImage,
  { name, field, mode }: NeededLock,
  lock: number,
): Missing | undefined {
  const text = `${field === undefined ? name : `${name}.${field}`} held${mode === undefined ? "" : ` for ${mode}`}`;
  const found = missing(core, image, lock, mode);
  return found === undefined ? undefined : { lock: text, found };
}

function missing(core: Core, image: KernelImage, lock: number, mode: NeededLock["mode"]): string | undefined {
  if (lock === kernel_flag.address)
    return peek(core, task_of(core, image) + LOCK_DEPTH) < 0 ? "the task does not have it" : undefined;
  if (!is_taken(peek(core, lock), mode)) return "it is not";
  if (!knows_owners(core, image)) return undefined;
  for (const held of held_by(core, cpu_of(core, image))) {
    if (peek(core, held + INSTANCE) >>> 0 !== lock >>> 0) continue;
    if (mode !== "writing" || (peek(core, held + STATE) & LOCK_READ) === 0) return undefined;
  }
  return "it is somebody else who holds it";
}

/** By its word: whether somebody holds a lock. */
function is_taken(word: number, mode: NeededLock["mode"]): boolean {
  if (mode === undefined) return (word << 24) >> 24 <= 0;
  return mode === "writing" ? word <= 0 : word !== RW_LOCK_BIAS;
}
