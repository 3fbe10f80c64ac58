/** Kernel events: which ones are meant, and how they look in a message. */
import { didYouMean, nearNames } from "../asm/index.ts";
import { TRACE_EVENTS } from "../debug/index.ts";
import type { RecordedEvent } from "../kernel/index.ts";

/**
 * Which events are meant: those of a name (`"fork"`), those that have certain fields (`{ event: "fork", child: 2 }`), or
 * those for which a function is true.
 */
export type EventFilter = string | { readonly [field: string]: number | string } | ((event: RecordedEvent) => boolean);

export function matches(filter: EventFilter, event: RecordedEvent): boolean {
  if (typeof filter === "function") return filter(event);
  if (typeof filter === "string") return event.event === filter;
  return Object.entries(filter).every(([field, value]) => event[field] === value);
}

export function formatFilter(filter: EventFilter): string {
  if (typeof filter === "function") return filter.name === "" ? `an event with ${String(filter)}` : filter.name;
  return typeof filter === "string" ? filter : formatFields(filter);
}

/** What is to be said of a filter that names no event of the kernel's; empty for others. A test's own modules may have more. */
export function doubtOf(filter: EventFilter): string {
  const event = typeof filter === "object" ? filter["event"] : filter;
  if (typeof event !== "string" || Object.hasOwn(TRACE_EVENTS, event)) return "";
  const near = nearNames(event, Object.keys(TRACE_EVENTS));
  return ` (the kernel has no event ${event}${didYouMean(near)})`;
}

/** `#123456 fork parent=1 child=2` */
export function formatEvent({ instruction, cycle: _, ...fields }: RecordedEvent): string {
  return `#${instruction} ${formatFields(fields)}`;
}

/** Fields that hold addresses, or bits. */
const HEX = /(?:^|_)(?:address|eip|esp|cr3|frame|task|timer|handler|flags|error_code|vector)$/;

function formatFields({ event, ...fields }: { readonly [field: string]: number | string }): string {
  const words = Object.entries(fields).map(([field, value]) =>
    typeof value === "number" && HEX.test(field) ? `${field}=0x${(value >>> 0).toString(16)}` : `${field}=${value}`,
  );
  return [...(event === undefined ? [] : [event]), ...words].join(" ");
}

/** Events that say little on their own and would hide the others. */
const CHATTER: ReadonlySet<string> = new Set(["sched_goodness"]);

/** The last `count` events, a line each. */
export function lastEvents(events: readonly RecordedEvent[], count: number): string[] {
  const shown: RecordedEvent[] = [];
  for (let i = events.length - 1; i >= 0 && shown.length < count; i--) {
    if (!CHATTER.has(events[i].event)) shown.push(events[i]);
  }
  return shown.reverse().map(formatEvent);
}
