/** The interrupt controllers and the timer. */
import { APIC_REGISTER, apicMessage, type I8259A, PIT_HZ } from "../../../emulator/index.ts";
import { bareHex, hex, table } from "../../numbers.ts";
import type { Command } from "../command.ts";
import { CommandError } from "../command-error.ts";
import type { Console } from "../console.ts";

const IRQ_NAMES = [
  ...["timer", "keyboard", "cascade", "COM2", "COM1", "", "", ""],
  ...["RTC", "", "", "", "", "x87", "disk", "second disk"],
];
const DELIVERY_NAMES = ["fixed", "lowest priority", "SMI", "remote read", "NMI", "INIT", "start-up", "ExtINT"];

function showPic(console: Console): void {
  const { pic } = console.session.machine;
  const rows: string[][] = [];
  const chips: readonly [chip: I8259A, first: number][] = [
    [pic.master, 0],
    [pic.slave, 8],
  ];
  for (const [chip, first] of chips) {
    for (let input = 0; input < 8; input++) {
      const bit = 1 << input;
      const states = [
        ...((chip.imr & bit) !== 0 ? ["masked"] : []),
        ...((chip.irr & bit) !== 0 ? ["requested"] : []),
        ...((chip.isr & bit) !== 0 ? ["in service"] : []),
        ...((chip.elcr & bit) !== 0 ? ["level triggered"] : []),
      ];
      if (states.join() === "masked") continue;
      rows.push([
        `  IRQ ${first + input}`,
        IRQ_NAMES[first + input],
        `vector ${hex(chip.vectorBase + input, 2)}`,
        states.join(", ") || "open",
      ]);
    }
    const registers = `IRR ${bareHex(chip.irr, 2)}  ISR ${bareHex(chip.isr, 2)}  IMR ${bareHex(chip.imr, 2)}`;
    console.print(`8259A ${first === 0 ? "master" : "slave "}  ${registers}  vectors from ${hex(chip.vectorBase, 2)}`);
  }
  if (rows.length > 0) console.print(...table(rows));
  console.print(`INTR is ${pic.intr === 1 ? "high" : "low"}.`);
}

function showPit(console: Console): void {
  const { machine } = console.session;
  machine.pit.views.forEach((counter, index) => {
    const rate = counter.mode === 2 || counter.mode === 3 ? `, ${(PIT_HZ / counter.period).toFixed(2)} Hz` : "";
    const state = counter.programmed ? `period ${counter.period}${rate}, now at ${counter.count}` : "no count written";
    const levels = `OUT ${counter.out ? "high" : "low"}, gate ${counter.gate ? "high" : "low"}`;
    console.print(`counter ${index}: mode ${counter.mode}${counter.bcd ? ", BCD" : ""}, ${state}, ${levels}`);
  });
}

function describeMessage(word: number): string {
  const { VECTOR_MASK, LEVEL_TRIGGERED, ACTIVE_LOW, MASKED, deliveryMode } = apicMessage;
  const words = [
    `vector ${hex(word & VECTOR_MASK, 2)}`,
    DELIVERY_NAMES[deliveryMode(word)],
    (word & LEVEL_TRIGGERED) !== 0 ? "level" : "edge",
    ...((word & ACTIVE_LOW) !== 0 ? ["active low"] : []),
    ...((word & MASKED) !== 0 ? ["masked"] : []),
  ];
  return words.join(", ");
}

const LVT: readonly (readonly [name: string, offset: number])[] = [
  ["timer", APIC_REGISTER.LVT_TIMER],
  ["performance", APIC_REGISTER.LVT_PERFORMANCE],
  ["LINT0", APIC_REGISTER.LVT_LINT0],
  ["LINT1", APIC_REGISTER.LVT_LINT1],
  ["error", APIC_REGISTER.LVT_ERROR],
];
const VECTOR_WORDS = 8;

function showLocalApic(console: Console): void {
  const { session } = console;
  const apic = session.machine.localApics[session.core];
  if (apic === undefined) throw new CommandError("this machine has no local APIC");
  const read = (offset: number) => apic.read(offset, 4) >>> 0;
  const state = !apic.hardwareEnabled ? "switched off" : apic.softwareEnabled ? "enabled" : "disabled by SVR";
  console.print(`Local APIC of CPU ${session.core}: id ${apic.id}, ${state}`);
  const { TPR, PPR, SVR, ESR, LDR, DFR, ICR_LOW, ICR_HIGH } = APIC_REGISTER;
  const registers = { TPR, PPR, SVR, ESR, LDR, DFR, "ICR low": ICR_LOW, "ICR high": ICR_HIGH };
  const cells = Object.entries(registers).map(([name, offset]) => `${name} ${bareHex(read(offset))}`);
  console.print(`  ${cells.slice(0, 4).join("  ")}`, `  ${cells.slice(4).join("  ")}`);
  for (const [name, offset] of LVT) console.print(`  LVT ${name}: ${describeMessage(read(offset))}`);
  const { INITIAL_COUNT, CURRENT_COUNT, DIVIDE } = APIC_REGISTER;
  console.print(`  timer: from ${read(INITIAL_COUNT)}, now at ${read(CURRENT_COUNT)}, divide ${hex(read(DIVIDE), 1)}`);
  for (const [name, first] of Object.entries({ requested: APIC_REGISTER.IRR, "in service": APIC_REGISTER.ISR })) {
    const vectors: string[] = [];
    for (let word = 0; word < VECTOR_WORDS; word++) {
      const bits = read(first + 16 * word);
      for (let i = 0; i < 32; i++) if (((bits >>> i) & 1) !== 0) vectors.push(hex(32 * word + i, 2));
    }
    console.print(`  ${name}: ${vectors.length === 0 ? "none" : vectors.join(" ")}`);
  }
}

function showIoApic(console: Console): void {
  const { ioApic } = console.session.machine;
  console.print(`I/O APIC, id ${ioApic.id}`);
  let masked = 0;
  ioApic.redirection.forEach(({ entry, destination }, pin) => {
    if ((entry & apicMessage.MASKED) !== 0) {
      masked++;
      return;
    }
    const to = `${(entry & apicMessage.LOGICAL_DESTINATION) !== 0 ? "logical" : "APIC"} ${hex(destination, 2)}`;
    const pending = (entry & apicMessage.REMOTE_IRR) !== 0 ? ", accepted and not finished" : "";
    console.print(`  pin ${String(pin).padStart(2)}: ${describeMessage(entry)}, to ${to}${pending}`);
  });
  console.print(`  ${masked} pins masked`);
}

function device(name: string, summary: string, show: (console: Console) => void): Command {
  return { names: [name], group: "CPU and devices", usage: "", summary, run: (_argument, console) => show(console) };
}

export const devices: readonly Command[] = [
  device("pic", "the 8259A pair: masks, requests, what is in service", showPic),
  device("pit", "the 8254's counters", showPit),
  device("apic", "the selected CPU's local APIC", showLocalApic),
  device("ioapic", "the I/O APIC's redirection table", showIoApic),
];
