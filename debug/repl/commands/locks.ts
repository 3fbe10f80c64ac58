/** `info locks`: who holds and who waits for which lock, from guest memory. */
import {
  debug_locks,
  held_lock,
  held_locks,
  type Kernel,
  LOCK_ACQUIRED,
  LOCK_READ,
  memory,
  nr_lock_reports,
  RW_LOCK_BIAS,
  type Type,
  task_struct,
} from "../../../kernel/inspect.ts";
import { hex, table } from "../../numbers.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";

/** A lock's word, in a variable of the kernel's. */
interface Word {
  readonly address: number;
  readonly is_rwlock: boolean;
}

/** All locks in a value of a type. */
function locks_in(type: Type, address: number): Word[] {
  if (type.kind === "array")
    return type.element.kind === "scalar" || type.element.kind === "chars"
      ? []
      : Array.from({ length: type.length }, (_, i) => locks_in(type.element, address + i * type.element.size)).flat();
  if (type.kind !== "struct") return [];
  if (type.name === "spinlock_t" || type.name === "rwlock_t") return [{ address, is_rwlock: type.name === "rwlock_t" }];
  return Object.entries(type.fields).flatMap(([name, field]) => locks_in(field, address + type.offset(name)));
}

/** What a word says: taken or not, and by how many readers. */
function state_of({ address, is_rwlock }: Word): string | undefined {
  const word = memory().read32(address) | 0;
  if (!is_rwlock) return (word << 24) >> 24 > 0 ? undefined : "taken";
  if (word === RW_LOCK_BIAS) return undefined;
  return word > 0 ? `${RW_LOCK_BIAS - word} reading` : "taken for writing";
}

/** Locks in variables that are taken, for a kernel that does not note by whom. */
function by_their_words(console: Console, kernel: Kernel): void {
  const rows = kernel.inspect(() =>
    kernel.image.modules.flatMap(({ data }) =>
      data.flatMap(({ number, type, per_cpu }) => {
        const address = kernel.image.addresses[number];
        if (type === undefined || address === 0 || per_cpu) return [];
        return locks_in(type, address).flatMap((word) => {
          const state = state_of(word);
          return state === undefined ? [] : [[hex(word.address), kernel.image.data_at(word.address) ?? "", state]];
        });
      }),
    ),
  );
  if (rows.length === 0) console.print("No variable's lock is taken.");
  else console.print(...table(rows, ["address", "lock", ""]));
}

/** What each CPU holds and waits for. */
function by_owner(console: Console, kernel: Kernel): void {
  const { image } = kernel;
  const rows = kernel.inspect(() =>
    kernel.machine.cores.flatMap((_, cpu) =>
      Array.from({ length: held_locks.of(cpu).depth }, (_unused, i) => {
        const held = held_lock.at(held_locks.of(cpu).locks.address_of(i));
        const p = task_struct.at(held.task);
        const how = (held.state & LOCK_ACQUIRED) === 0 ? "waits" : held.state & LOCK_READ ? "reads" : "holds";
        const at = held.trace.get(0);
        const line = image.line_at(at - 1);
        const lock = image.data_at(held.instance) ?? "";
        const place = `${image.symbolize(at)}${line === undefined ? "" : ` (${line})`}`;
        return [String(cpu), `${p.comm}/${p.pid}`, how, hex(held.instance), lock, place];
      }),
    ),
  );
  if (rows.length === 0) console.print("No CPU holds a lock.");
  else console.print(...table(rows, ["cpu", "task", "", "address", "lock", "since"]));
  const reports = kernel.inspect(() => nr_lock_reports.value);
  if (reports > 0) console.print(`Reports in the kernel log: ${reports}.`);
  if (kernel.inspect(() => debug_locks.value) === 0) console.print("Nothing is checked any more.");
}

/** @throws CommandError on a bare machine, and for a kernel without locks */
export function listLocks(console: Console): void {
  const kernel = console.guest.kernel("locks");
  const { configured } = kernel.image;
  if (configured.has("CONFIG_PROVE_LOCKING")) by_owner(console, kernel);
  else if (configured.has("CONFIG_LOCKS")) by_their_words(console, kernel);
  else throw new CommandError("this kernel is for one CPU and has no locks; --config lockdep=true has one with them");
}
