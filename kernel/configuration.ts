/** How a kernel can be configured: what each key means, which values it takes, and what follows from a value. */
import { didYouMean, nearNames } from "../asm/index.ts";

/** What a kernel is configured to be. Everything in it is decided when the kernel is linked. */
export interface Configuration {
  /** Whether it is for up to NR_CPUS CPUs: with locks, IPIs and the APICs. A kernel for one has none of them. */
  readonly smp: boolean;
  /** Timer interrupts a second, HZ. */
  readonly hz: number;
  /** Who decides what runs next. */
  readonly scheduler: "goodness" | "o1" | "fair" | "module";
  /** Where a task's PCB and its kernel stack are, and so how `current` is found. */
  readonly stack: "task_union" | "thread_info" | "vmap";
  /** Whether each CPU has stacks of its own for interrupts, bottom halves, NMIs and debug exceptions. */
  readonly irq_stacks: boolean;
  /** Whether it checks how locks are used: on one CPU, too, there are locks then. */
  readonly lockdep: boolean;
}

type Value = boolean | number | string;

/** Kernels that people know, as a set of values. */
export const PRESETS = ["2.4", "2.6"] as const;
export type Preset = (typeof PRESETS)[number];

/** Names that `.S` files (`#ifdef`), `config_function` and lists of modules know what is configured by. */
const symbols = [
  "CONFIG_SMP",
  "CONFIG_LOCKS",
  "CONFIG_PROVE_LOCKING",
  "CONFIG_SCHED_GOODNESS",
  "CONFIG_SCHED_O1",
  "CONFIG_SCHED_FAIR",
  /** Real-time tasks have a class of their own, in front of others. */
  "CONFIG_SCHED_RT",
  /** Every CPU has a run queue of its own; tasks move between them if there are several CPUs. */
  "CONFIG_RUNQUEUE_PER_CPU",
  "CONFIG_SCHED_BALANCE",
  "CONFIG_TASK_UNION",
  "CONFIG_THREAD_INFO",
  "CONFIG_VMAP_STACK",
  "CONFIG_TASK_SLAB",
  "CONFIG_IRQ_STACKS",
  "CONFIG_REWIND_STACK",
] as const;
export type ConfigurationSymbol = (typeof symbols)[number];

interface Values<V extends Value> {
  /** All that a key can be, or the least and the greatest number. */
  readonly values: readonly V[] | { readonly least: number; readonly greatest: number };
}

interface Key<V extends Value> extends Values<V> {
  readonly meaning: string;
  readonly presets: Readonly<Record<Preset, V>>;
  /** What is defined for `.S` files and chooses modules and calls. */
  readonly symbols?: (value: V, whole: Configuration) => readonly ConfigurationSymbol[];
  /** Initial values of variables. */
  readonly variables?: (value: V) => Readonly<Record<string, number>>;
}

const stack_symbols = {
  task_union: ["CONFIG_TASK_UNION"],
  thread_info: ["CONFIG_THREAD_INFO", "CONFIG_TASK_SLAB"],
  vmap: ["CONFIG_VMAP_STACK", "CONFIG_TASK_SLAB", "CONFIG_REWIND_STACK"],
} as const;

const scheduler_symbols: Readonly<Record<Configuration["scheduler"], readonly ConfigurationSymbol[]>> = {
  goodness: ["CONFIG_SCHED_GOODNESS"],
  o1: ["CONFIG_SCHED_O1", "CONFIG_RUNQUEUE_PER_CPU"],
  fair: ["CONFIG_SCHED_FAIR", "CONFIG_SCHED_RT", "CONFIG_RUNQUEUE_PER_CPU"],
  module: ["CONFIG_SCHED_RT", "CONFIG_RUNQUEUE_PER_CPU"],
};

/** Every key. */
export const configuration_keys: { readonly [K in keyof Configuration]: Key<Configuration[K]> } = {
  smp: {
    meaning: "for up to 8 CPUs: locks, IPIs, the APICs; with --cpus of more than one it is so by default",
    values: [false, true],
    presets: { "2.4": false, "2.6": false },
    symbols: (smp) => (smp ? ["CONFIG_SMP", "CONFIG_LOCKS"] : []),
  },
  hz: {
    meaning: "timer interrupts a second",
    values: { least: 20, greatest: 1000 },
    presets: { "2.4": 100, "2.6": 1000 },
    variables: (hz) => ({ HZ: hz }),
  },
  scheduler: {
    meaning: "2.4's goodness, 2.6's O(1), a fair one by virtual runtime, or that of a --module",
    values: ["goodness", "o1", "fair", "module"],
    presets: { "2.4": "goodness", "2.6": "o1" },
    symbols: (scheduler, { smp }) => [
      ...scheduler_symbols[scheduler],
      ...(smp && scheduler !== "goodness" ? (["CONFIG_SCHED_BALANCE"] as const) : []),
    ],
  },
  stack: {
    meaning:
      "kernel stacks: with the PCB at the lower end, with a thread_info there, or mapped by vmalloc with a guard page",
    values: ["task_union", "thread_info", "vmap"],
    presets: { "2.4": "task_union", "2.6": "thread_info" },
    symbols: (stack) => stack_symbols[stack],
  },
  irq_stacks: {
    meaning: "interrupts, bottom halves, NMIs and debug exceptions on stacks of their CPU; not with stack=task_union",
    values: [false, true],
    presets: { "2.4": false, "2.6": true },
    symbols: (irq_stacks) => (irq_stacks ? ["CONFIG_IRQ_STACKS", "CONFIG_REWIND_STACK"] : []),
  },
  lockdep: {
    meaning: "checks how locks are used, and reports what could deadlock; on one CPU locks are taken then, too",
    values: [false, true],
    presets: { "2.4": false, "2.6": false },
    symbols: (lockdep) => (lockdep ? ["CONFIG_LOCKS", "CONFIG_PROVE_LOCKING"] : []),
  },
};

const names = Object.keys(configuration_keys) as (keyof Configuration)[];

/** A configuration that means nothing; the message says what there is. */
export class ConfigurationError extends RangeError {
  override readonly name = "ConfigurationError";
}

/** All that a key can be, for people. */
export function values_text({ values }: Values<Value>): string {
  if (!Array.isArray(values)) {
    const { least, greatest } = values as { readonly least: number; readonly greatest: number };
    return `a number from ${least} to ${greatest}`;
  }
  const texts = values.map(String);
  return texts.length === 1 ? texts[0] : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
}

function key_of(name: string): Key<Value> {
  if (Object.hasOwn(configuration_keys, name)) return configuration_keys[name as keyof Configuration] as Key<Value>;
  const near = nearNames(name, names);
  throw new ConfigurationError(
    `configuration: there is no key ${name}${near.length > 0 ? didYouMean(near) : `; there are ${names.join(", ")}`}`,
  );
}

function is_allowed({ values }: Key<Value>, value: unknown): boolean {
  if (Array.isArray(values)) return values.includes(value);
  const { least, greatest } = values as { readonly least: number; readonly greatest: number };
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= greatest;
}

/**
 * A whole configuration.
 * @param given values of keys, instead of the preset's
 * @throws ConfigurationError for a preset, a key or a value that there is not
 */
export function configuration(given: Partial<Configuration> = {}, preset: Preset = "2.4"): Configuration {
  if (!PRESETS.includes(preset)) throw new ConfigurationError(`preset: "${preset}": there is ${PRESETS.join(" and ")}`);
  const whole = Object.fromEntries(names.map((name) => [name, configuration_keys[name].presets[preset]]));
  for (const [name, value] of Object.entries(given)) {
    const key = key_of(name);
    if (value === undefined) continue;
    if (!is_allowed(key, value))
      throw new ConfigurationError(`configuration: ${name}=${value}: it is ${values_text(key)}`);
    whole[name] = value;
  }
  const made = whole as unknown as Configuration;
  check_together(made);
  return made;
}

/** Values that are allowed, but not with each other. */
function check_together({ stack, irq_stacks }: Configuration): void {
  if (irq_stacks && stack === "task_union")
    throw new ConfigurationError(
      "configuration: irq_stacks=true with stack=task_union: a PCB at the lower end of its stack is not found from another; " +
        "it takes stack=thread_info or stack=vmap, or irq_stacks=false",
    );
}

/**
 * The values in texts such as `hz=1000`.
 * @throws ConfigurationError for a text that is none, and for a key or a value that there is not
 */
export function read_configuration(texts: readonly string[]): Partial<Configuration> {
  const given: Record<string, Value> = {};
  for (const text of texts) {
    const [, name, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
    if (name === undefined) throw new ConfigurationError(`configuration: "${text}" is not KEY=VALUE`);
    const key = key_of(name);
    const found = Array.isArray(key.values) ? key.values.find((one) => String(one) === value) : number_of(value);
    if (found === undefined || !is_allowed(key, found))
      throw new ConfigurationError(`configuration: ${text}: ${name} is ${values_text(key)}`);
    given[name] = found;
  }
  return given as Partial<Configuration>;
}

function number_of(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** What is configured, as `.S` files and declarations name it. */
export function configuration_symbols(whole: Configuration): ReadonlySet<ConfigurationSymbol> {
  return new Set(names.flatMap((name) => (configuration_keys[name] as Key<Value>).symbols?.(whole[name], whole) ?? []));
}

/** All that any kernel can be configured by. */
export const every_symbol: ReadonlySet<ConfigurationSymbol> = new Set(symbols);

/** Variables with another initial value than they are declared with. */
export function configured_variables(whole: Configuration): Record<string, number> {
  return Object.assign({}, ...names.map((name) => (configuration_keys[name] as Key<Value>).variables?.(whole[name])));
}
