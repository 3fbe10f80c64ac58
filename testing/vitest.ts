/** Importing this gives vitest's `expect` the kernel matchers, and their types. */
import { expect } from "vitest";
// Kept in the declarations, which name no import that has no type in it, and without which nothing would be merged.
import "vitest";
import { type KernelMatchers, matchers } from "./matchers.ts";

declare module "vitest" {
  // biome-ignore lint/suspicious/noExplicitAny: the declaration that this merges with has it
  interface Assertion<T = any> extends KernelMatchers<T> {}
  interface AsymmetricMatchersContaining extends KernelMatchers {}
}

expect.extend(matchers);
