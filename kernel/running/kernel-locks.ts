/** Spinlocks and reader/writer spinlocks as CPUs wait for them, take and give them: seen at labels of arch/i386/lib/spinlock.S. */
import { type Core, EAX, ECX, ESP } from "../../emulator/index.ts";
import type { TraceEvent } from "../host/context.ts";
import type { GuestMemory } from "../host/guest-memory.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { task_struct } from "../include/linux/sched.ts";
import { task_on } from "./task-stacks.ts";

/** Which events a listener wants beside those that all are told of. */
export interface EventOptions {
  /**
   * Locks that CPUs wait for (`contention_begin`, `contention_end`), or all that are taken and given too (`lock_acquired`,
   * `lock_release`): many. None by default. For a kernel that has locks these take probes, and no code is compiled that is in a
   * page with one.
   */
  readonly locks?: "waits" | "all";
}

/** Names a lock at an address, and is told of events. */
interface Listener {
  name(lock: number): string;
  record(event: TraceEvent, core: Core): void;
}

/** How a lock is taken: a spinlock, or the other kind for reading or writing. */
type Mode = "spin" | "read" | "write";

/** Functions of spinlock.S with labels: what they do, and the register that has the lock's address; the big kernel lock's is known. */
const FUNCTIONS: Readonly<Record<string, readonly [mode: Mode, register: number | undefined]>> = {
  spin_lock: ["spin", EAX],
  spin_trylock: ["spin", ECX],
  spin_unlock: ["spin", EAX],
  read_lock: ["read", EAX],
  read_trylock: ["read", ECX],
  read_unlock: ["read", EAX],
  write_lock: ["write", EAX],
  write_trylock: ["write", ECX],
  write_unlock: ["write", EAX],
  lock_kernel: ["spin", undefined],
  reacquire_kernel_lock: ["spin", undefined],
  unlock_kernel: ["spin", undefined],
  release_kernel_lock: ["spin", undefined],
};
/** Where a kernel that checks locks begins to wait: wait_for_lock(lock, kind, frame) of kernel/spinlock-debug.ts. */
const WAIT_FOR_LOCK = "wait_for_lock";
/** Its kinds, by number. */
const KINDS: readonly Mode[] = ["spin", "read", "write"];

/**
 * Tells of waiting, and when asked of everything. Only looks: it has no influence on the guest. Which locks CPUs wait for is all
 * that it keeps; one that has begun before it was made is noticed at the next try.
 */
export class KernelLocks {
  readonly #image: KernelImage;
  readonly #memory: GuestMemory;
  readonly #listener: Listener;
  /** By CPU, the innermost last: who waits may be interrupted by somebody who waits for another lock. */
  readonly #waits: readonly number[][];

  /** @param memory reads kernel memory without side effects */
  constructor(image: KernelImage, memory: GuestMemory, listener: Listener) {
    this.#image = image;
    this.#memory = memory;
    this.#listener = listener;
    this.#waits = Array.from({ length: image.cpus }, () => []);
  }

  /** Nobody waits: the state of the machine is another one. */
  reset(): void {
    for (const waits of this.#waits) waits.length = 0;
  }

  /** What to call when a core comes to an address; nothing for a kernel without locks. */
  probes({ locks }: EventOptions): Map<number, (core: Core) => void> {
    const probes = new Map<number, (core: Core) => void>();
    if (locks === undefined || !this.#image.configured.has("CONFIG_LOCKS")) return probes;
    const every = locks === "all";
    const kernel_flag = this.#image.symbol("kernel_flag");
    for (const [name, [mode, register]] of Object.entries(FUNCTIONS)) {
      const lock_of = (core: Core) => (register === undefined ? kernel_flag : core.r[register]) >>> 0;
      this.#place(probes, `${name}_contended`, (core) => this.#contended(core, lock_of(core), mode));
      this.#place(probes, `${name}_acquired`, (core) => {
        // That of spin_trylock, which has no jump, comes whatever its result is.
        if (name !== "spin_trylock" || (core.r[EAX] & 1) !== 0) this.#acquired(core, lock_of(core), mode, every);
      });
      if (every)
        this.#place(probes, `${name}_released`, (core) => this.#tell("lock_release", core, lock_of(core), mode));
    }
    this.#place(probes, WAIT_FOR_LOCK, (core) => {
      const [lock, kind] = [4, 8].map((offset) => this.#memory.read32(core.r[ESP] + offset) >>> 0);
      this.#contended(core, lock, KINDS[kind]);
    });
    return probes;
  }

  #place(probes: Map<number, (core: Core) => void>, name: string, probe: (core: Core) => void): void {
    const address = this.#image.find(name);
    if (address !== undefined) probes.set(address, probe);
  }

  /** Comes again with every try. */
  #contended(core: Core, lock: number, mode: Mode): void {
    const waits = this.#waits[core.id];
    if (waits.includes(lock)) return;
    waits.push(lock);
    this.#tell("contention_begin", core, lock, mode);
  }

  #acquired(core: Core, lock: number, mode: Mode, every: boolean): void {
    const waits = this.#waits[core.id];
    const at = waits.lastIndexOf(lock);
    if (at >= 0) {
      waits.length = at; // an oops may have ended waits within
      this.#tell("contention_end", core, lock, mode);
    }
    if (every) this.#tell("lock_acquired", core, lock, mode);
  }

  #tell(event: string, core: Core, lock: number, mode: Mode): void {
    const task = task_on(core, this.#image, this.#memory);
    const pid = task === undefined ? 0 : this.#memory.read32(task + task_struct.offset("pid"));
    this.#listener.record({ event, pid, lock, name: this.#listener.name(lock), mode }, core);
  }
}
