/** Watching a run: which breakpoint, access or event is to end it. */
import { type Core, EXCEPTION, EXTERNAL, SOFTWARE } from "../../emulator/index.ts";
import type { RecordedEvent } from "../../kernel/index.ts";
import type { BreakpointRecord } from "./breakpoints.ts";
import { irqOfVector } from "./interrupt-lines.ts";
import type { Target } from "./target.ts";
import type { AddressRequest, CatchKind, CatchRequest, SessionEvent, WatchedAccess, WatchRequest } from "./types.ts";

/** Vectors below are the CPU's own. */
const FIRST_INTERRUPT = 32;
const NMI = 2;

/** Names of kernel events, where a catchpoint has another. */
const KERNEL_EVENTS: Partial<Record<CatchKind, readonly string[]>> = {
  switch: ["sched_switch"],
  softirq: ["softirq_entry", "bh_entry"],
  wakeup: ["sched_wakeup"],
};

/** What is seen at the CPU, on any machine. */
const OF_CPU: ReadonlySet<CatchKind> = new Set<CatchKind>(["exception", "interrupt", "irq"]);

/** A request that a run has met. */
export interface Hit {
  readonly record: BreakpointRecord;
  readonly core: number;
  readonly access?: WatchedAccess;
  readonly event?: SessionEvent;
}

/** A place at which a command itself wants to stop. */
export interface Goalpost {
  readonly linear: number;
  /** Asked before the core executes the instruction there. */
  readonly accepts: (core: Core) => boolean;
}

/** What a run shall look out for. */
export interface Orders {
  readonly records: readonly BreakpointRecord[];
  readonly goalposts: readonly Goalpost[];
  /** Whether a hit, its condition true, is to end the run. */
  readonly stops: (hit: Hit) => boolean;
  /** Whether the condition of a request holds, the core being the one that met it. */
  readonly holds: (record: BreakpointRecord, core: Core) => boolean;
  /** Hears of every interrupt and exception that a core is about to take. */
  readonly onInterrupt?: ((core: Core, vector: number, kind: number) => void) | undefined;
  /** Hears of every kernel event. */
  readonly onEvent?: ((event: RecordedEvent) => void) | undefined;
}

type RecordOf<Request> = BreakpointRecord & { readonly request: Request };

/**
 * Sets a target's breakpoints and hooks for one run, and finds out what ended it. The machine's are replaced; with
 * nothing to look out for, they are removed and the machine runs at full speed.
 */
export class Watcher {
  /** What ended the run, if requests did: the first, and what the same core met at the same moment. */
  readonly hits: Hit[] = [];
  /** The core at a goalpost, if one ended the run. */
  arrived: Core | null = null;
  /** And that goalpost. */
  reached: Goalpost | null = null;
  /** What a condition threw; it ended the run. */
  failure: unknown = null;

  readonly #target: Target;
  readonly #orders: Orders;

  constructor(target: Target, orders: Orders) {
    this.#target = target;
    this.#orders = orders;
    const { machine } = target;
    const addresses = this.#ofKind<AddressRequest>("address");
    const watches = this.#ofKind<WatchRequest>("watch");
    const catches = this.#ofKind<CatchRequest>("catch");
    machine.setBreakpoints(
      [...addresses.map(({ request }) => request.linear), ...orders.goalposts.map(({ linear }) => linear)],
      (core, linear) => this.#atAddress(core, linear >>> 0, addresses),
    );
    machine.setWatchpoints(
      watches.map(({ request: { space, address, length } }) => ({ space, address, length })),
      (core, range, access) => this.#atAccess(core, watches[range], access),
    );
    this.#hookEvents(catches);
  }

  /** Takes everything away, but for who hears kernel events: an end without its beginning would be lost on him. */
  disarm(): void {
    const { machine, kernel } = this.#target;
    machine.setBreakpoints([]);
    machine.setWatchpoints([]);
    for (const core of machine.cores) core.onInterrupt = null;
    kernel?.on_event(this.#orders.onEvent);
  }

  /** Does something while it watches, and takes it away. @throws what a condition threw */
  *during<Result>(run: Generator<void, Result>): Generator<void, Result> {
    try {
      return yield* run;
    } finally {
      this.disarm();
      if (this.failure !== null) throwAgain(this.failure);
    }
  }

  #ofKind<Request extends BreakpointRecord["request"]>(kind: Request["kind"]): RecordOf<Request>[] {
    return this.#orders.records.filter((record): record is RecordOf<Request> => record.request.kind === kind);
  }

  #atAddress(core: Core, linear: number, records: readonly RecordOf<AddressRequest>[]): boolean {
    let stops = false;
    for (const record of records) {
      if (record.request.linear !== linear || !this.#holds(record, core)) continue;
      if (this.#meets({ record, core: core.id })) stops = true;
    }
    if (stops) return true;
    for (const goalpost of this.#orders.goalposts) {
      if (goalpost.linear === linear && goalpost.accepts(core)) {
        this.arrived = core;
        this.reached = goalpost;
        return true;
      }
    }
    return this.failure !== null;
  }

  #atAccess(core: Core, record: RecordOf<WatchRequest>, access: WatchedAccess): boolean {
    const { on } = record.request;
    const wanted =
      on === "access" ||
      (on === "read" && !access.write) ||
      (on === "write" && access.write) ||
      (on === "change" && access.write && access.before !== access.after);
    if (!wanted || !this.#holds(record, core)) return this.failure !== null;
    return this.#meets({ record, core: core.id, access });
  }

  #hookEvents(catches: readonly RecordOf<CatchRequest>[]): void {
    const { machine, kernel } = this.#target;
    const { onEvent, onInterrupt } = this.#orders;
    const ofKernel = catches.filter(({ request }) => !OF_CPU.has(request.event));
    const ofCpu = catches.filter((record) => !ofKernel.includes(record));
    const listens = kernel !== undefined && (ofKernel.length > 0 || onEvent !== undefined);
    if (listens) {
      kernel.on_event((event) => {
        onEvent?.(event);
        this.#atEvent(event, ofKernel);
      });
    } else kernel?.on_event(undefined);
    for (const core of machine.cores) {
      const inner = listens ? core.onInterrupt : null;
      if (ofCpu.length === 0 && onInterrupt === undefined) {
        core.onInterrupt = inner;
        continue;
      }
      core.onInterrupt = (cpu, vector, kind, errorCode) => {
        inner?.(cpu, vector, kind, errorCode);
        onInterrupt?.(cpu, vector, kind);
        if (ofCpu.length > 0) this.#atInterrupt(cpu, vector, kind, errorCode, ofCpu);
      };
    }
  }

  #atInterrupt(
    core: Core,
    vector: number,
    kind: number,
    errorCode: number,
    records: readonly RecordOf<CatchRequest>[],
  ): void {
    const { machine } = this.#target;
    const ofInstruction = kind === EXCEPTION || (kind === SOFTWARE && vector < FIRST_INTERRUPT && vector !== NMI);
    const irq = kind === EXTERNAL ? irqOfVector(machine, vector) : undefined;
    this.#atEvent(
      {
        event: ofInstruction ? "exception" : "interrupt",
        vector,
        cpu: core.id,
        eip: core.eip >>> 0,
        cpl: core.cpl,
        external: kind === EXTERNAL ? 1 : 0,
        ...(irq === undefined ? {} : { irq }),
        ...(errorCode < 0 ? {} : { error_code: errorCode }),
        instruction: machine.instructions,
        cycle: machine.cycles,
      },
      records,
    );
  }

  #atEvent(event: SessionEvent, records: readonly RecordOf<CatchRequest>[]): void {
    const { machine } = this.#target;
    const core = machine.cores[event.cpu];
    let ends = false;
    for (const record of records) {
      const { event: kind, filter } = record.request;
      if (!isOf(event, kind) || filter?.(event) === false) continue;
      if (this.#holds(record, core) && this.#meets({ record, core: core.id, event })) ends = true;
    }
    if (ends || this.failure !== null) machine.requestStop();
  }

  /** Whether a request is for this core, and its condition true. */
  #holds(record: BreakpointRecord, core: Core): boolean {
    if (record.request.core !== undefined && record.request.core !== core.id) return false;
    try {
      return this.#orders.holds(record, core);
    } catch (error) {
      this.failure = error;
      return false;
    }
  }

  #meets(hit: Hit): boolean {
    if (!this.#orders.stops(hit)) return false;
    const isFirst = this.hits.every(({ record }) => record !== hit.record);
    if (isFirst && (this.hits[0]?.core ?? hit.core) === hit.core) this.hits.push(hit);
    return true;
  }
}

function isOf(event: SessionEvent, kind: CatchKind): boolean {
  if (kind === "irq") return event.event === "interrupt" && event["external"] === 1;
  return (KERNEL_EVENTS[kind] ?? [kind]).includes(event.event);
}

/** Nothing to look out for. @param holds whether a condition holds */
export function quietOrders(holds: Orders["holds"]): Orders {
  return { records: [], goalposts: [], stops: () => false, holds };
}

function throwAgain(error: unknown): never {
  throw error;
}
