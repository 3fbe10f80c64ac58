/** Interrupt lines and their handlers (arch/i386/kernel/irq.c). */
import { trace, tracing } from "../../../host/context.ts";
import { by_value, call_pointer, kernel_function, kernel_variable, type Steps } from "../../../host/declarations.ts";
import { array, i32, pointer, u32 } from "../../../host/types.ts";
import { pt_regs } from "../../../include/asm/ptrace.ts";
import { spin_lock, spin_lock_init, spin_unlock } from "../../../include/asm/spinlock.ts";
import { local_irq_disable, local_irq_enable } from "../../../include/asm/system.ts";
import { EBUSY, EINVAL, ENOMEM } from "../../../include/linux/errno.ts";
import {
  hw_interrupt_type,
  IRQ_DISABLED,
  IRQ_INPROGRESS,
  IRQ_PENDING,
  irq_desc_t,
  irqaction,
  NR_IRQS,
  SA_INTERRUPT,
  SA_SHIRQ,
} from "../../../include/linux/interrupt.ts";
import { GFP_KERNEL } from "../../../include/linux/mm.ts";
import { kstat } from "../../../include/linux/sched.ts";
import { spin_lock_irqsave, spin_unlock_irqrestore } from "../../../include/linux/spinlock.ts";
import { KERN_ERR, printk } from "../../../kernel/printk.ts";
import { irq_enter, irq_exit, irq_stat } from "../../../kernel/softirq.ts";
import { kfree, kmalloc } from "../../../mm/slab.ts";
import { disable_8259A_irq, enable_8259A_irq, mask_and_ack_8259A } from "./i8259.ts";

export const irq_desc = kernel_variable("irq_desc", array(irq_desc_t, NR_IRQS));

export function* init_IRQ_descriptors(): Steps<void> {
  for (let irq = 0; irq < NR_IRQS; irq++) {
    const desc = irq_desc.value.get(irq);
    desc.status = IRQ_DISABLED;
    desc.action = 0;
    desc.depth = 1;
    spin_lock_init(desc.lock.address);
  }
}

/**
 * Runs the handlers of a line, with interrupts on unless the first asked for SA_INTERRUPT.
 * @context in_irq irqs_disabled
 */
export const handle_IRQ_event = kernel_function(
  "handle_IRQ_event",
  [u32, pointer("pt_regs"), pointer("irqaction")],
  i32,
  function* (irq, regs, first) {
    if ((irqaction.at(first).flags & SA_INTERRUPT) === 0) local_irq_enable();
    let handled = 0;
    for (let at = first; at !== 0; at = irqaction.at(at).next) {
      const action = irqaction.at(at);
      handled |= yield* call_pointer(action.handler, i32, irq, action.dev_id, regs);
    }
    local_irq_disable();
    return handled;
  },
);

// The same four for lines of the 8259A pair. They return whether the line is one.

function ack_8259A(desc: irq_desc_t, irq: number): boolean {
  if (desc.handler !== 0) return false;
  mask_and_ack_8259A(irq);
  return true;
}

function end_8259A(desc: irq_desc_t, irq: number): boolean {
  if (desc.handler !== 0) return false;
  if ((desc.status & (IRQ_DISABLED | IRQ_INPROGRESS)) === 0) enable_8259A_irq(irq);
  return true;
}

function enable_8259A(desc: irq_desc_t, irq: number): boolean {
  if (desc.handler !== 0) return false;
  enable_8259A_irq(irq);
  return true;
}

function disable_8259A(desc: irq_desc_t, irq: number): boolean {
  if (desc.handler !== 0) return false;
  disable_8259A_irq(irq);
  return true;
}

/**
 * The call on behalf of the CPU for every device interrupt. A line never re-enters itself: an interrupt that comes while
 * its handlers run is remembered in IRQ_PENDING and handled by the loop that is at it.
 * @context irqs_disabled
 */
export const do_IRQ = kernel_function("do_IRQ", [by_value(pt_regs)], undefined, function* (regs) {
  const irq = regs.orig_eax & 0xff;
  const desc = irq_desc.value.get(irq);
  kstat.value.irqs.set(irq, kstat.value.irqs.get(irq) + 1);
  if (tracing()) trace({ event: "irq_entry", irq, depth: irq_stat.value.local_irq_count });
  yield* spin_lock(desc.lock.address);
  if (!ack_8259A(desc, irq)) yield* call_pointer(hw_interrupt_type.at(desc.handler).ack, undefined, irq);
  desc.status |= IRQ_PENDING;
  let action = 0;
  if ((desc.status & (IRQ_DISABLED | IRQ_INPROGRESS)) === 0) {
    action = desc.action;
    desc.status = (desc.status & ~IRQ_PENDING) | IRQ_INPROGRESS;
  }
  if (action !== 0) {
    for (;;) {
      yield* spin_unlock(desc.lock.address);
      irq_enter();
      const handled = yield* handle_IRQ_event(irq, regs.address, action);
      irq_exit();
      yield* spin_lock(desc.lock.address);
      if (handled === 0) desc.unhandled++;
      if ((desc.status & IRQ_PENDING) === 0) break;
      desc.status &= ~IRQ_PENDING;
    }
    desc.status &= ~IRQ_INPROGRESS;
  }
  if (!end_8259A(desc, irq)) yield* call_pointer(hw_interrupt_type.at(desc.handler).end, undefined, irq);
  yield* spin_unlock(desc.lock.address);
  if (tracing()) trace({ event: "irq_exit", irq, depth: irq_stat.value.local_irq_count });
});

/**
 * Adds a handler to a line and unmasks it. -EBUSY when the line has a handler and the two do not both share.
 * @context any
 */
export const setup_irq = kernel_function("setup_irq", [u32, pointer("irqaction")], i32, function* (irq, added) {
  const desc = irq_desc.value.get(irq);
  const action = irqaction.at(added);
  const flags = yield* spin_lock_irqsave(desc.lock.address);
  let last = desc.action;
  if (last !== 0) {
    if ((irqaction.at(last).flags & action.flags & SA_SHIRQ) === 0) {
      yield* spin_unlock_irqrestore(desc.lock.address, flags);
      return -EBUSY;
    }
    while (irqaction.at(last).next !== 0) last = irqaction.at(last).next;
    irqaction.at(last).next = added;
  } else {
    desc.action = added;
    desc.depth = 0;
    desc.status &= ~(IRQ_DISABLED | IRQ_INPROGRESS | IRQ_PENDING);
    if (!enable_8259A(desc, irq)) yield* call_pointer(hw_interrupt_type.at(desc.handler).enable, undefined, irq);
  }
  yield* spin_unlock_irqrestore(desc.lock.address, flags);
  return 0;
});

/**
 * Registers a handler: a guest function (irq, dev_id, regs) that returns IRQ_HANDLED or IRQ_NONE.
 * -EINVAL for a bad line, a null handler, or a shared one without dev_id; -EBUSY; -ENOMEM.
 * @context might_sleep
 */
export const request_irq = kernel_function(
  "request_irq",
  [u32, pointer("handler"), u32, pointer("char"), u32],
  i32,
  function* (irq, handler, irqflags, name, dev_id) {
    if (irq >= NR_IRQS || handler === 0 || (irqflags & SA_SHIRQ && dev_id === 0)) return -EINVAL;
    const at = yield* kmalloc(irqaction.size, GFP_KERNEL);
    if (at === 0) return -ENOMEM;
    const action = irqaction.at(at);
    action.handler = handler;
    action.flags = irqflags;
    action.name = name;
    action.next = 0;
    action.dev_id = dev_id;
    const error = yield* setup_irq(irq, at);
    if (error !== 0) yield* kfree(at);
    return error;
  },
);

/** Removes the handler registered with `dev_id`; the last one leaves the line masked. @context in_task */
export const free_irq = kernel_function("free_irq", [u32, u32], undefined, function* (irq, dev_id) {
  if (irq >= NR_IRQS) return;
  const desc = irq_desc.value.get(irq);
  const flags = yield* spin_lock_irqsave(desc.lock.address);
  let previous = 0;
  let at = desc.action;
  while (at !== 0 && irqaction.at(at).dev_id !== dev_id) {
    previous = at;
    at = irqaction.at(at).next;
  }
  if (at === 0) {
    yield* spin_unlock_irqrestore(desc.lock.address, flags);
    printk(`${KERN_ERR}Trying to free free IRQ${irq}\n`);
    return;
  }
  if (previous === 0) desc.action = irqaction.at(at).next;
  else irqaction.at(previous).next = irqaction.at(at).next;
  if (desc.action === 0) {
    desc.status |= IRQ_DISABLED;
    if (!disable_8259A(desc, irq)) yield* call_pointer(hw_interrupt_type.at(desc.handler).disable, undefined, irq);
  }
  yield* spin_unlock_irqrestore(desc.lock.address, flags);
  yield* kfree(at);
});
