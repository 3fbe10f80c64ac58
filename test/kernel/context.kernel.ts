/** System calls that call kernel functions in states in which they must not be called, for context.test.ts. */
import { by_value, kernel_function, type Steps } from "../../kernel/host/declarations.ts";
import { i32, u32 } from "../../kernel/host/types.ts";
import { pt_regs } from "../../kernel/include/asm/ptrace.ts";
import {
  local_irq_disable,
  local_irq_enable,
  local_irq_restore,
  local_irq_save,
} from "../../kernel/include/asm/system.ts";
import { GFP_ATOMIC, GFP_KERNEL } from "../../kernel/include/linux/mm.ts";
import { irq_enter, irq_exit, local_bh_disable, local_bh_enable } from "../../kernel/kernel/softirq.ts";
import { kfree, kmalloc } from "../../kernel/mm/slab.ts";

/** @context any */
const needs_any = kernel_function("needs_any", [], i32, function* () {
  return 1;
});
/** @context might_sleep */
const needs_might_sleep = kernel_function("needs_might_sleep", [], i32, function* () {
  return 1;
});
/** @context in_task */
const needs_in_task = kernel_function("needs_in_task", [], i32, function* () {
  return 1;
});
/** @context in_irq */
const needs_in_irq = kernel_function("needs_in_irq", [], i32, function* () {
  return 1;
});
/** @context in_softirq */
const needs_in_softirq = kernel_function("needs_in_softirq", [], i32, function* () {
  return 1;
});
/** @context in_interrupt */
const needs_in_interrupt = kernel_function("needs_in_interrupt", [], i32, function* () {
  return 1;
});
/** @context irqs_disabled */
const needs_irqs_disabled = kernel_function("needs_irqs_disabled", [], i32, function* () {
  return 1;
});
/** @context irqs_enabled */
const needs_irqs_enabled = kernel_function("needs_irqs_enabled", [], i32, function* () {
  return 1;
});
/** Two words, both needed. @context in_softirq irqs_enabled */
const needs_both = kernel_function("needs_both", [], i32, function* () {
  return 1;
});

/** @context in_irq */
function* helper_in_irq(): Steps<i32> {
  return 1;
}

function* call_needy(which: i32): Steps<i32> {
  switch (which) {
    case 0:
      return yield* needs_any();
    case 1:
      return yield* needs_might_sleep();
    case 2:
      return yield* needs_in_task();
    case 3:
      return yield* needs_in_irq();
    case 4:
      return yield* needs_in_softirq();
    case 5:
      return yield* needs_in_interrupt();
    case 6:
      return yield* needs_irqs_disabled();
    case 7:
      return yield* needs_irqs_enabled();
    case 8:
      return yield* needs_both();
    default:
      return yield* helper_in_irq();
  }
}

export const STATES = ["task", "masked", "irq", "bh"] as const;

/** Calls function number `which` in a state of STATES. The oops that may come of it ends the task with all it holds. */
export const sys_call_in = kernel_function("sys_call_in", [u32, i32], i32, function* (state, which) {
  let result: i32 = 0;
  switch (state) {
    case 0:
      return yield* call_needy(which);
    case 1:
      local_irq_disable();
      result = yield* call_needy(which);
      local_irq_enable();
      return result;
    case 2:
      irq_enter();
      result = yield* call_needy(which);
      irq_exit();
      return result;
    default:
      local_bh_disable();
      result = yield* call_needy(which);
      local_bh_enable();
      return result;
  }
});

/** kmalloc with interrupts off. */
export const sys_kmalloc_masked = kernel_function("sys_kmalloc_masked", [u32], i32, function* (atomic) {
  const flags = local_irq_save();
  const memory = yield* kmalloc(32, atomic !== 0 ? GFP_ATOMIC : GFP_KERNEL);
  local_irq_restore(flags);
  yield* kfree(memory);
  return 1;
});

/** Has the return to user space load a selector that there is not. */
export const sys_spoil_return = kernel_function("sys_spoil_return", [by_value(pt_regs)], i32, function* (regs) {
  regs.xcs = 0x1233;
  return 0;
});
