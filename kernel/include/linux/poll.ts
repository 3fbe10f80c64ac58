/** Waiting for several files at once (include/linux/poll.h). */
import type { Steps } from "../../host/declarations.ts";
import { memory } from "../../host/memory.ts";
import { i32, pointer, struct, u16, type u32, type ViewOf } from "../../host/types.ts";
import { add_wait_queue } from "../../kernel/wait.ts";
import { PAGE_SIZE } from "../asm/page.ts";
import { get_current } from "./sched.ts";
import { init_waitqueue_entry, wait_queue_t } from "./wait.ts";

export const POLLIN = 0x0001;
export const POLLOUT = 0x0004;
export const POLLERR = 0x0008;
export const POLLHUP = 0x0010;
export const POLLNVAL = 0x0020;
export const POLLRDNORM = 0x0040;
export const POLLWRNORM = 0x0100;
/** What a file that cannot say is: always ready. */
export const DEFAULT_POLLMASK = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

export const pollfd = struct("pollfd", { fd: i32, events: u16, revents: u16 });

export const poll_table_entry = struct("poll_table_entry", {
  wait: wait_queue_t,
  wait_address: pointer("wait_queue_head_t"),
  /** The file whose queue that is, with a reference, or 0: the queue is there as long as it is open. */
  filp: pointer("file"),
});

type poll_table_entry = ViewOf<typeof poll_table_entry>;

/** The queues that one call waits on: a page, the number of entries first. */
const ENTRIES = 4;
export const MAX_POLL_ENTRIES = Math.floor((PAGE_SIZE - ENTRIES) / poll_table_entry.size);

export function poll_entries(table: number): number {
  return memory().read32(table);
}

export function poll_entry(table: number, index: number): number {
  return table + ENTRIES + index * poll_table_entry.size;
}

/** Has the current task woken by a queue from now on; nothing with a table of 0. A driver's `poll` calls it first. */
export function* poll_wait(queue: u32, table: u32): Steps<void> {
  if (table !== 0) yield* add_wait_queue(queue, new_entry(table, queue).wait.address);
}

/** One more entry of a table, for the current task. */
function new_entry(table: number, queue: number): poll_table_entry {
  const count = poll_entries(table);
  if (count >= MAX_POLL_ENTRIES) throw new RangeError(`poll_wait: more than ${MAX_POLL_ENTRIES} queues`);
  memory().write32(table, count + 1);
  const entry = poll_table_entry.at(poll_entry(table, count));
  entry.wait_address = queue;
  entry.filp = 0;
  init_waitqueue_entry(entry.wait.address, get_current());
  return entry;
}
