/**
 * Access to user memory (include/asm-i386/uaccess.h): a range check against the task's addr_limit, then code with fix-ups
 * (arch/i386/lib/usercopy.S, getuser.S), so that a bad pointer is an error and not an oops.
 */
import { asm_function, type Steps } from "../../host/declarations.ts";
import { i32, u32 } from "../../host/types.ts";
import { EFAULT } from "../linux/errno.ts";
import { current } from "../linux/sched.ts";
import { PAGE_OFFSET } from "./page.ts";

/** Limits for addr_limit: what kernel threads, and what processes may name in system calls. */
export const KERNEL_DS = 0xffffffff;
export const USER_DS = PAGE_OFFSET;

export function get_fs(): number {
  return current().addr_limit;
}

export function set_fs(limit: number): void {
  current().addr_limit = limit;
}

/** Whether `size` bytes from `address` lie below the task's limit. */
export function access_ok(address: number, size: number): boolean {
  return address + size <= current().addr_limit;
}

/** Bytes not copied; `from` is kernel memory. No range check. */
export const __copy_to_user = asm_function("__copy_to_user", [u32, u32, u32], u32);
/** Bytes not copied, which are zero in `to`. No range check. */
export const __copy_from_user = asm_function("__copy_from_user", [u32, u32, u32], u32);
/** Bytes not cleared. No range check. */
export const __clear_user = asm_function("__clear_user", [u32, u32], u32);
const __strncpy_from_user = asm_function("__strncpy_from_user", [u32, u32, i32], i32);
const __strnlen_user = asm_function("__strnlen_user", [u32, i32], i32);
const __get_user_1 = asm_function("__get_user_1", [u32, u32], i32);
const __get_user_2 = asm_function("__get_user_2", [u32, u32], i32);
const __get_user_4 = asm_function("__get_user_4", [u32, u32], i32);
const __put_user_1 = asm_function("__put_user_1", [u32, u32], i32);
const __put_user_2 = asm_function("__put_user_2", [u32, u32], i32);
const __put_user_4 = asm_function("__put_user_4", [u32, u32], i32);
const getters = { 1: __get_user_1, 2: __get_user_2, 4: __get_user_4 } as const;
const putters = { 1: __put_user_1, 2: __put_user_2, 4: __put_user_4 } as const;

/** Copies to user space; returns bytes not copied. @context might_sleep */
export function* copy_to_user(to: u32, from: u32, size: u32): Steps<u32> {
  return access_ok(to, size) ? yield* __copy_to_user(to, from, size) : size;
}

/** Copies from user space; returns bytes not copied. @context might_sleep */
export function* copy_from_user(to: u32, from: u32, size: u32): Steps<u32> {
  return access_ok(from, size) ? yield* __copy_from_user(to, from, size) : size;
}

/** Fills user memory with zeros; returns bytes not cleared. @context might_sleep */
export function* clear_user(to: u32, size: u32): Steps<u32> {
  return access_ok(to, size) ? yield* __clear_user(to, size) : size;
}

/**
 * Reads 1, 2 or 4 bytes of user memory into the word at kernel address `into`, zero-extended; 0 or -EFAULT.
 * @context might_sleep
 */
export function* get_user(into: u32, from: u32, size: 1 | 2 | 4 = 4): Steps<i32> {
  return access_ok(from, size) ? yield* getters[size](into, from) : -EFAULT;
}

/** Writes a value of 1, 2 or 4 bytes to user memory; 0 or -EFAULT. @context might_sleep */
export function* put_user(value: u32, to: u32, size: 1 | 2 | 4 = 4): Steps<i32> {
  return access_ok(to, size) ? yield* putters[size](value, to) : -EFAULT;
}

/**
 * Copies a string with its NUL; returns its length without it, `size` when it did not end in `size` bytes, or -EFAULT.
 * @context might_sleep
 */
export function* strncpy_from_user(to: u32, from: u32, size: i32): Steps<i32> {
  const within: i32 = Math.min(size, current().addr_limit - from);
  if (within <= 0) return -EFAULT;
  const length = yield* __strncpy_from_user(to, from, within);
  return length === within && within < size ? -EFAULT : length;
}

/**
 * Length of a user string with its NUL; 0 when it cannot be read, more than `size` when it does not end in `size` bytes.
 * @context might_sleep
 */
export function* strnlen_user(from: u32, size: i32): Steps<i32> {
  const within: i32 = Math.min(size, current().addr_limit - from);
  if (size > 0 && within <= 0) return 0;
  const length = yield* __strnlen_user(from, within);
  return length > within && within < size ? 0 : length;
}
