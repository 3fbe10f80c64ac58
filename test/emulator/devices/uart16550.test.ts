import { describe, expect, it } from "vitest";
import { Clock } from "../../../emulator/clock.ts";
import { PortBus } from "../../../emulator/devices/ports.ts";
import { UART_HZ, Uart16550 } from "../../../emulator/devices/uart16550.ts";

const BASE = 0x3f8;
const [RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR] = [0, 1, 2, 3, 4, 5, 6, 7];
const THR = RBR;
const FCR = IIR;

/** Clocks in a character of 8 data bits, no parity and one stop bit at 115200 baud. */
const CHARACTER = 160;
const DTR_RTS_OUT2 = 0x0b;

/** A port whose machine has one cycle for each clock of the UART, set to 115200 baud, 8N1, OUT2 on. */
function setUp({ flowControl = "none" as "none" | "rts", mcr = DTR_RTS_OUT2, strict = true } = {}) {
  const clock = new Clock(UART_HZ);
  const sent: [number, number][] = [];
  const irqs: [number, boolean][] = [];
  const uart = new Uart16550({
    clock,
    onIrq: (level) => irqs.push([clock.now, level]),
    onTransmit: (byte) => sent.push([clock.now, byte]),
    flowControl,
    strict,
  });
  const bus = new PortBus();
  uart.connect(bus);
  const write = (register: number, value: number) => bus.write8(BASE + register, value);
  const read = (register: number) => bus.read8(BASE + register);
  write(LCR, 0x83);
  write(0, 1);
  write(1, 0);
  write(LCR, 0x03);
  write(MCR, mcr);
  return {
    clock,
    uart,
    sent,
    irqs,
    write,
    read,
    run: (cycles: number) => clock.advanceTo(clock.now + cycles),
    text: () => String.fromCharCode(...sent.map(([, byte]) => byte)),
    readAll: () => {
      const bytes: number[] = [];
      while ((read(LSR) & 1) !== 0) bytes.push(read(RBR));
      return bytes;
    },
  };
}

const bytes = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe("16550A registers", () => {
  it("have the data sheet's values after reset", () => {
    const { uart, read, write } = setUp();
    write(SCR, 0x5a);
    uart.reset();
    expect([IER, IIR, LCR, MCR, LSR].map(read)).toEqual([0x00, 0x01, 0x00, 0x00, 0x60]);
    expect(read(SCR)).toBe(0x5a);
  });

  it("the divisor latch replaces the first two while DLAB is set", () => {
    const { read, write } = setUp();
    write(IER, 0x0f);
    write(LCR, 0x83);
    write(0, 0x34);
    write(1, 0x12);
    expect([read(0), read(1)]).toEqual([0x34, 0x12]);
    write(LCR, 0x03);
    expect(read(IER)).toBe(0x0f);
  });

  it("unused bits of IER and MCR stay 0; LSR and MSR cannot be written", () => {
    const { read, write } = setUp();
    write(IER, 0xff);
    write(MCR, 0xff);
    write(LSR, 0x00);
    write(MSR, 0x00);
    expect([read(IER), read(MCR), read(LSR)]).toEqual([0x0f, 0x1f, 0x60]);
  });

  it("IIR tells by its upper bits that FIFOs are on", () => {
    const { read, write } = setUp();
    write(FCR, 0x01);
    expect(read(IIR)).toBe(0xc1);
    write(FCR, 0x00);
    expect(read(IIR)).toBe(0x01);
  });
});

describe("16550A transmitter", () => {
  it("sends a character in ten bit times of 16 divisor clocks", () => {
    const { sent, read, write, run } = setUp();
    run(1000);
    write(THR, 0x41);
    expect(read(LSR)).toBe(0x20);
    run(CHARACTER - 1);
    expect(sent).toEqual([]);
    run(1);
    expect(sent).toEqual([[1160, 0x41]]);
    expect(read(LSR)).toBe(0x60);
  });

  it.each([
    { name: "7E1", lcr: 0x1a, clocks: 160, byte: 0x7f },
    { name: "8O2", lcr: 0x0f, clocks: 192, byte: 0xff },
    { name: "5N1.5", lcr: 0x04, clocks: 120, byte: 0x1f },
    { name: "6N1", lcr: 0x01, clocks: 128, byte: 0x3f },
  ])("takes the character's length from LCR: $name", ({ lcr, clocks, byte }) => {
    const { sent, write, run } = setUp();
    write(LCR, lcr);
    write(THR, 0xff);
    run(1000);
    expect(sent).toEqual([[clocks, byte]]);
  });

  it("holds one character behind the one being sent, and sends it without a gap", () => {
    const { sent, read, write, run } = setUp();
    write(THR, 1);
    run(7);
    write(THR, 2);
    expect(read(LSR)).toBe(0x00);
    run(CHARACTER - 7);
    expect(read(LSR)).toBe(0x20);
    run(CHARACTER);
    expect(read(LSR)).toBe(0x60);
    expect(sent).toEqual([
      [CHARACTER, 1],
      [2 * CHARACTER, 2],
    ]);
  });

  it("without FIFOs overwrites a held character; with them holds 16 and drops the rest", () => {
    const plain = setUp();
    for (const byte of [1, 2, 3]) plain.write(THR, byte);
    plain.run(1000);
    expect(plain.sent.map(([, byte]) => byte)).toEqual([1, 3]);
    const buffered = setUp();
    buffered.write(FCR, 0x01);
    for (const byte of bytes(20)) buffered.write(THR, byte);
    buffered.run(10_000);
    expect(buffered.sent.map(([, byte]) => byte)).toEqual(bytes(17));
    expect(buffered.sent.at(-1)).toEqual([17 * CHARACTER, 17]);
  });

  it("keeps its pace over fractional cycles", () => {
    const clock = new Clock(10_000_000);
    const sent: number[] = [];
    const uart = new Uart16550({ clock, onIrq: () => {}, onTransmit: () => sent.push(clock.now), strict: true });
    uart.writePort8(LCR, 0x83);
    uart.writePort8(0, 1);
    uart.writePort8(LCR, 0x03);
    uart.writePort8(FCR, 0x01);
    for (let i = 0; i < 17; i++) uart.writePort8(0, i);
    clock.advanceTo(1_000_000);
    expect(sent).toEqual(bytes(17).map((n) => Math.ceil((n * CHARACTER * 10_000_000) / UART_HZ)));
  });

  it("interrupts when the holding register becomes empty; reading IIR or writing THR ends that", () => {
    const { irqs, read, write, run } = setUp();
    write(IER, 0x02);
    expect(irqs).toEqual([[0, true]]);
    expect(read(IIR)).toBe(0x02);
    expect(read(IIR)).toBe(0x01);
    expect(irqs.at(-1)).toEqual([0, false]);
    write(THR, 1);
    expect(read(IIR)).toBe(0x02);
    write(THR, 2);
    expect(read(IIR)).toBe(0x01);
    run(CHARACTER);
    expect(irqs.at(-1)).toEqual([CHARACTER, true]);
    write(THR, 3);
    expect(irqs.at(-1)).toEqual([CHARACTER, false]);
  });

  it("with FIFOs delays THRE by a character less its stop bit unless two were waiting at once", () => {
    const { read, write, run } = setUp();
    write(FCR, 0x01);
    write(THR, 1);
    run(CHARACTER);
    write(THR, 2);
    run(CHARACTER - 17);
    expect(read(LSR) & 0x60).toBe(0x00);
    run(1);
    expect(read(LSR) & 0x60).toBe(0x20);
    run(16);
    for (const byte of [3, 4, 5]) write(THR, byte);
    run(2 * CHARACTER);
    expect(read(LSR) & 0x60).toBe(0x20);
  });

  it("FCR empties the FIFO, but not the shift register", () => {
    const { sent, read, write, run } = setUp();
    write(FCR, 0x01);
    for (const byte of [1, 2, 3]) write(THR, byte);
    write(FCR, 0x05);
    expect(read(LSR) & 0x20).toBe(0x20);
    run(1000);
    expect(sent).toEqual([[CHARACTER, 1]]);
  });

  it("sends nothing that anybody could read while a break is set", () => {
    const { sent, write, run } = setUp();
    write(LCR, 0x43);
    write(THR, 1);
    run(CHARACTER);
    write(LCR, 0x03);
    write(THR, 2);
    run(CHARACTER);
    expect(sent.map(([, byte]) => byte)).toEqual([2]);
  });

  it("drain sends what is left at once", () => {
    const { uart, write, read, text, run } = setUp();
    write(FCR, 0x01);
    for (const byte of [0x62, 0x79, 0x65]) write(THR, byte);
    uart.drain();
    expect(text()).toBe("bye");
    expect(read(LSR)).toBe(0x60);
    run(1000);
    expect(text()).toBe("bye");
  });
});

describe("16550A receiver", () => {
  it("gets characters at the pace of the line", () => {
    const { uart, read, run } = setUp();
    uart.receive([0x61, 0x62]);
    expect(uart.pendingInput).toBe(2);
    run(CHARACTER - 1);
    expect(read(LSR)).toBe(0x60);
    run(1);
    expect(read(LSR)).toBe(0x61);
    expect(read(RBR)).toBe(0x61);
    expect(read(LSR)).toBe(0x60);
    expect(uart.pendingInput).toBe(1);
    run(CHARACTER);
    expect(read(RBR)).toBe(0x62);
    expect(uart.pendingInput).toBe(0);
  });

  it("without FIFOs an unread character is overwritten, and LSR tells once", () => {
    const { uart, read, run } = setUp();
    uart.receive([1, 2]);
    run(2 * CHARACTER);
    expect(read(LSR)).toBe(0x63);
    expect(read(LSR)).toBe(0x61);
    expect(read(RBR)).toBe(2);
  });

  it("with FIFOs holds 16; the next is lost, and the 16 stay", () => {
    const { uart, read, write, run, readAll } = setUp();
    write(FCR, 0x01);
    uart.receive(bytes(18));
    run(16 * CHARACTER);
    expect(read(LSR)).toBe(0x61);
    run(2 * CHARACTER);
    expect(read(LSR)).toBe(0x63);
    expect(readAll()).toEqual(bytes(16));
  });

  it("keeps the data bits that LCR asks for", () => {
    const { uart, read, write, run } = setUp();
    write(LCR, 0x02);
    uart.receive([0xff]);
    run(CHARACTER);
    expect(read(RBR)).toBe(0x7f);
  });

  it("shows a break as BI and FE with a zero character", () => {
    const { uart, read, write, run } = setUp();
    write(IER, 0x04);
    uart.receiveBreak();
    run(CHARACTER);
    expect(read(IIR)).toBe(0x06);
    expect(read(LSR)).toBe(0x79);
    expect(read(IIR)).toBe(0x01);
    expect(read(RBR)).toBe(0);
  });

  it("with FIFOs shows a character's errors when it is next to be read, and in bit 7 before", () => {
    const { uart, read, write, run } = setUp();
    write(FCR, 0x01);
    uart.receive([1]);
    uart.receiveBreak();
    run(2 * CHARACTER);
    expect(read(LSR)).toBe(0xe1);
    expect(read(RBR)).toBe(1);
    expect(read(LSR)).toBe(0xf9);
    expect(read(LSR)).toBe(0x61);
  });

  it("reads zero when there is nothing", () => {
    expect(setUp().read(RBR)).toBe(0);
  });

  it.each([
    { fcr: 0x01, level: 1 },
    { fcr: 0x41, level: 4 },
    { fcr: 0x81, level: 8 },
    { fcr: 0xc1, level: 14 },
  ])("interrupts at its trigger level $level, until read below it", ({ fcr, level }) => {
    const { uart, irqs, read, write, run } = setUp();
    write(FCR, fcr);
    write(IER, 0x01);
    uart.receive(bytes(level));
    run(level * CHARACTER);
    expect(irqs).toEqual([[level * CHARACTER, true]]);
    expect(read(IIR)).toBe(0xc4);
    read(RBR);
    expect(irqs.at(-1)![1]).toBe(false);
  });

  it("interrupts after four character times in which nothing came and nothing was read", () => {
    const { uart, irqs, read, write, run } = setUp();
    write(FCR, 0x81);
    write(IER, 0x01);
    uart.receive([1, 2, 3]);
    run(3 * CHARACTER + 100);
    read(RBR);
    run(4 * CHARACTER - 1);
    expect(irqs).toEqual([]);
    run(1);
    expect(irqs.length).toBe(1);
    expect(read(IIR)).toBe(0xcc);
    read(RBR);
    expect(read(IIR)).toBe(0xc1);
    run(4 * CHARACTER);
    expect(read(IIR)).toBe(0xcc);
    read(RBR);
    run(10 * CHARACTER);
    expect(read(IIR)).toBe(0xc1);
  });

  it("FCR empties the FIFO and its time-out", () => {
    const { uart, read, write, run } = setUp();
    write(FCR, 0x81);
    write(IER, 0x01);
    uart.receive([1, 2]);
    run(2 * CHARACTER);
    write(FCR, 0x83);
    expect(read(LSR)).toBe(0x60);
    run(10 * CHARACTER);
    expect(read(IIR)).toBe(0xc1);
  });

  it("with RTS flow control gets nothing until RTS is on, and nothing is lost", () => {
    const { uart, write, run, readAll } = setUp({ flowControl: "rts", mcr: 0 });
    uart.receive([1, 2, 3]);
    run(100 * CHARACTER);
    expect(uart.pendingInput).toBe(3);
    write(MCR, 0x02);
    run(CHARACTER);
    write(MCR, 0x00);
    expect(readAll()).toEqual([1]);
    run(CHARACTER);
    expect(readAll()).toEqual([2]);
    run(100 * CHARACTER);
    expect(uart.pendingInput).toBe(1);
  });
});

describe("16550A interrupts", () => {
  it("come in the order line status, data, transmitter, modem", () => {
    const { uart, read, write, run } = setUp();
    write(IER, 0x0f);
    uart.receive([1, 2]);
    run(2 * CHARACTER);
    uart.setCarrier(false);
    expect(read(IIR)).toBe(0x06);
    read(LSR);
    expect(read(IIR)).toBe(0x04);
    read(RBR);
    expect(read(IIR)).toBe(0x02);
    expect(read(IIR)).toBe(0x00);
    read(MSR);
    expect(read(IIR)).toBe(0x01);
  });

  it("do not reach the bus unless OUT2 is on", () => {
    const { irqs, read, write } = setUp({ mcr: 0x03 });
    write(IER, 0x02);
    expect(irqs).toEqual([]);
    write(MCR, 0x0b);
    expect(irqs).toEqual([[0, true]]);
    write(MCR, 0x03);
    expect(irqs.at(-1)).toEqual([0, false]);
    expect(read(IIR)).toBe(0x02);
  });

  it("of a source that is not enabled are not reported", () => {
    const { uart, read, run } = setUp();
    uart.receive([1, 2]);
    run(2 * CHARACTER);
    expect(read(IIR)).toBe(0x01);
  });
});

describe("16550A modem lines", () => {
  it("are active at the start, without a change reported", () => {
    expect(setUp().read(MSR)).toBe(0xb0);
  });

  it("report levels, and changes once", () => {
    const { uart, read, irqs, write } = setUp();
    write(IER, 0x08);
    uart.setCarrier(false);
    uart.setClearToSend(false);
    uart.setDataSetReady(false);
    expect(irqs).toEqual([[0, true]]);
    expect(read(MSR)).toBe(0x0b);
    expect(read(MSR)).toBe(0x00);
    expect(irqs.at(-1)).toEqual([0, false]);
    uart.setCarrier(true);
    expect(read(MSR)).toBe(0x88);
  });

  it("report the end of a ring, not its beginning", () => {
    const { uart, read } = setUp();
    read(MSR);
    uart.setRing(true);
    expect(read(MSR)).toBe(0xf0);
    uart.setRing(false);
    expect(read(MSR)).toBe(0xb4);
  });
});

describe("16550A loopback", () => {
  it("receives what it sends, and sends nothing", () => {
    const { sent, read, write, run } = setUp({ mcr: 0x1b });
    write(THR, 0x55);
    run(CHARACTER);
    expect(read(LSR)).toBe(0x61);
    expect(read(RBR)).toBe(0x55);
    expect(sent).toEqual([]);
  });

  it("is cut off from the line and from the bus", () => {
    const { uart, irqs, read, write, run } = setUp({ mcr: 0x1b });
    write(IER, 0x01);
    uart.receive([1]);
    run(CHARACTER);
    expect(read(LSR)).toBe(0x60);
    write(THR, 2);
    run(CHARACTER);
    expect(read(IIR)).toBe(0x04);
    expect(irqs).toEqual([]);
  });

  it.each([
    { mcr: 0x11, msr: 0x20, name: "DTR to DSR" },
    { mcr: 0x12, msr: 0x10, name: "RTS to CTS" },
    { mcr: 0x14, msr: 0x40, name: "OUT1 to RI" },
    { mcr: 0x18, msr: 0x80, name: "OUT2 to DCD" },
  ])("connects $name", ({ mcr, msr }) => {
    const { read, write } = setUp();
    write(MCR, mcr);
    expect(read(MSR) & 0xf0).toBe(msr);
    write(MCR, 0x0b);
    expect(read(MSR) & 0xf0).toBe(0xb0);
  });
});

describe("a 16550A that is not strict", () => {
  it("sends what is written at once, however much, at any rate", () => {
    const { clock, sent, read, write, text } = setUp({ strict: false });
    write(LCR, 0x83);
    write(1, 0x10);
    write(LCR, 0x03);
    for (const character of "a whole sentence, without a wait") {
      write(THR, character.charCodeAt(0));
      expect(read(LSR)).toBe(0x60);
    }
    expect(text()).toBe("a whole sentence, without a wait");
    expect([sent.at(-1)![0], clock.size]).toEqual([0, 0]);
  });

  it("interrupts without OUT2, with an edge for each character sent", () => {
    const { irqs, read, write } = setUp({ strict: false, mcr: 0 });
    write(IER, 0x02);
    expect(irqs.map(([, level]) => level)).toEqual([true]);
    write(THR, 0x41);
    expect(irqs.map(([, level]) => level)).toEqual([true, false, true]);
    expect([read(IIR), read(IIR)]).toEqual([0x02, 0x01]);
    expect(irqs.at(-1)).toEqual([0, false]);
    write(THR, 0x42);
    expect(irqs.at(-1)).toEqual([0, true]);
  });

  it("receives at the speed of the line, and tells of it without OUT2", () => {
    const { uart, irqs, readAll, write, run } = setUp({ strict: false, mcr: 0 });
    write(IER, 0x01);
    uart.receive([1, 2]);
    run(CHARACTER - 1);
    expect(irqs).toEqual([]);
    run(1);
    expect(irqs).toEqual([[CHARACTER, true]]);
    expect(readAll()).toEqual([1]);
  });

  it("receives what it sends in loopback at once, and keeps its interrupt to itself", () => {
    const { sent, irqs, read, write } = setUp({ strict: false, mcr: 0x1e });
    write(IER, 0x01);
    write(THR, 0xae);
    expect([read(RBR), sent, irqs]).toEqual([0xae, [], []]);
  });

  it("sends the bits of a character that the line control asks for, and nothing during a break", () => {
    const { sent, write } = setUp({ strict: false });
    write(LCR, 0x02);
    write(THR, 0xff);
    write(LCR, 0x42);
    write(THR, 0x55);
    expect(sent.map(([, byte]) => byte)).toEqual([0x7f]);
  });
});
