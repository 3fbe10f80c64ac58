import type { Snapshot } from "../snapshot.ts";
import { VectorSet } from "./vector-set.ts";

const PRIORITY_CLASS = 0xf0;

/** Which interrupts of a local APIC are requested and in service, and what their priorities make of it. */
export class ApicVectors {
  /** Task priority register, 0 to 255. */
  taskPriority = 0;
  readonly requested = new VectorSet();
  readonly inService = new VectorSet();
  /** Trigger mode: the vectors whose latest request was level triggered. */
  readonly levelTriggered = new VectorSet();

  clear(): void {
    this.taskPriority = 0;
    this.requested.clear();
    this.inService.clear();
    this.levelTriggered.clear();
  }

  /** The vector that the core would be given now, or -1. */
  get deliverable(): number {
    const vector = this.requested.highest;
    return vector >= 0 && (vector & PRIORITY_CLASS) > (this.processorPriority & PRIORITY_CLASS) ? vector : -1;
  }

  /** PPR (SDM 3A 10.8.3.1), 0 to 255. */
  get processorPriority(): number {
    const serving = classOf(this.inService.highest);
    return (this.taskPriority & PRIORITY_CLASS) >= serving ? this.taskPriority : serving;
  }

  /** APR (SDM 3A 10.6.2.4), 0 to 255. */
  get arbitrationPriority(): number {
    const requested = classOf(this.requested.highest);
    const serving = classOf(this.inService.highest);
    const task = this.taskPriority & PRIORITY_CLASS;
    return task >= requested && task > serving ? this.taskPriority : Math.max(task & serving, requested);
  }

  request(vector: number, level: boolean): void {
    this.requested.add(vector);
    if (level) this.levelTriggered.add(vector);
    else this.levelTriggered.remove(vector);
  }

  /** A requested vector is in service from now on. */
  take(vector: number): void {
    this.requested.remove(vector);
    this.inService.add(vector);
  }

  /** The highest vector in service is finished. Returns it, or -1 when there is none. */
  finish(): number {
    const vector = this.inService.highest;
    if (vector >= 0) this.inService.remove(vector);
    return vector;
  }

  snapshot(s: Snapshot): void {
    this.taskPriority = s.integer(this.taskPriority, 0, 0xff);
    this.requested.snapshot(s);
    this.inService.snapshot(s);
    this.levelTriggered.snapshot(s);
  }
}

/** Priority class of a vector, in its place; 0 for -1. */
function classOf(vector: number): number {
  return Math.max(vector, 0) & PRIORITY_CLASS;
}
