/**
 * Semaphores (include/asm-i386/semaphore.h): so many may have one at a time, and whoever has it may sleep. Taking one that is free
 * is two instructions of lib/semaphore.S.
 */
import { asm_function } from "../../host/declarations.ts";
import { i32, pointer, struct, type ViewOf } from "../../host/types.ts";
import { init_waitqueue_head, wait_queue_head_t } from "../linux/wait.ts";
import { FASTCALL } from "./linkage.ts";

export const semaphore = struct("semaphore", {
  /** How many may take it before somebody has to wait; below 0 somebody does. */
  count: i32,
  /** How many of those that wait are not in `count`: 0 or 1, while nobody has the queue's lock. */
  sleepers: i32,
  wait: wait_queue_head_t,
});
export type semaphore = ViewOf<typeof semaphore>;

/** Makes it one that `count` may have at a time. */
export function sema_init(at: number, count: number): void {
  const sem = semaphore.at(at);
  sem.count = count;
  sem.sleepers = 0;
  init_waitqueue_head(sem.wait.address);
}

/** One that a single task may have at a time. */
export function init_MUTEX(at: number): void {
  sema_init(at, 1);
}

/** The same, taken. */
export function init_MUTEX_LOCKED(at: number): void {
  sema_init(at, 0);
}

/** Takes it; sleeps, deaf to signals, until it can. Called by tasks that may sleep. */
export const down = asm_function("down", [pointer("semaphore")], undefined, FASTCALL);
/** Takes it: 0; or -EINTR, without it, when a signal came before. Called by tasks that may sleep. */
export const down_interruptible = asm_function("down_interruptible", [pointer("semaphore")], i32, FASTCALL);
/** Takes it if that needs no wait: 0, or 1 without it. */
export const down_trylock = asm_function("down_trylock", [pointer("semaphore")], i32, FASTCALL);
/** Gives it back; who waits longest is woken. */
export const up = asm_function("up", [pointer("semaphore")], undefined, FASTCALL);
