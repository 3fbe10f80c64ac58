import { describe, expect, it } from "vitest";
import type { Core } from "../../../emulator/cpu/core.ts";
import { HostBreakpoints } from "../../../emulator/cpu/host-breakpoints.ts";
import { nextHostcall } from "../../../emulator/cpu/hostcall.ts";
import { CS, FLAG_IF, FLAG_TF } from "../../../emulator/cpu/state-layout.ts";
import { FLAT_CODE, Guest, ORIGIN } from "./guest.ts";

describe("reset", () => {
  it("starts in real mode at FFFF:FFF0 with the signature in EDX", () => {
    const { core } = new Guest();
    expect(core.realMode).toBe(true);
    expect(core.segBase(CS) >>> 0).toBe(0xffff0000);
    expect(core.eip).toBe(0xfff0);
    expect(core.r[2]).toBe(0x633);
    expect(core.cr0).toBe(0x60000010);
    expect(core.getEflags()).toBe(2);
    expect(core.halted).toBe(false);
  });

  it("goes on counting, and takes effect after the instruction that caused it", () => {
    const guest = Guest.flat("nop\n movb $1, 0xa0000\n nop\n nop\n hlt");
    const reset = () => {
      guest.core.reset();
      guest.core.requestStop();
    };
    const ignore = () => 0;
    guest.memory.mapMmio(0xa0000, 0x1000, {
      read8: ignore,
      read16: ignore,
      read32: ignore,
      write8: reset,
      write16: reset,
      write32: reset,
    });
    guest.core.run(100);
    expect([guest.core.eip, guest.core.realMode, guest.core.instructions]).toEqual([0xfff0, true, 2]);
  });
});

describe("instruction counts", () => {
  const loop = "movl $1000, %ecx\n1: incl %eax\n incl %ebx\n incl %edx\n decl %ecx\n jnz 1b\n hlt";

  it("counts each instruction once", () => {
    const guest = Guest.flat(loop).run();
    expect(guest.core.instructions).toBe(1 + 5 * 1000 + 1);
  });

  it("runs exactly as many as the budget says, in the middle of a block too", () => {
    const guest = Guest.flat(loop);
    guest.core.run(3);
    expect([guest.get("eax"), guest.get("ebx"), guest.get("edx")]).toEqual([1, 1, 0]);
    expect(guest.core.eip).toBe(ORIGIN + 7);
    expect(guest.core.instructions).toBe(3);
    guest.core.run(1);
    expect(guest.get("edx")).toBe(1);
  });

  it("gives the same state whatever the budget", () => {
    const whole = Guest.flat(loop).run();
    for (const slice of [1, 2, 3, 7, 64]) {
      const guest = Guest.flat(loop);
      while (!guest.core.halted) guest.core.run(slice);
      expect(Array.from(guest.core.r.subarray(0, 14))).toEqual(Array.from(whole.core.r.subarray(0, 14)));
      expect(guest.core.instructions).toBe(whole.core.instructions);
    }
  });

  it("is exact when read from inside an instruction", () => {
    const guest = Guest.flat("nop\n nop\n .byte 0x0f, 0x3f, 0x34, 0x12\n nop\n outb %al, $0x80\n hlt");
    const seen: number[] = [];
    guest.core.sliceStart = 1000;
    guest.core.hostcall = (core, id) => void seen.push(id, core.instructions, core.now(), core.eip);
    const device = {
      readPort8: () => 0,
      writePort8: () => void seen.push(guest.core.instructions, guest.core.now()),
    };
    guest.ports.register(0x80, 1, device, "counter");
    guest.run();
    expect(seen).toEqual([0x1234, 2, 1002, ORIGIN + 6, 4, 1004]);
  });

  it("stops after the current instruction when asked to", () => {
    const guest = Guest.flat("nop\n .byte 0x0f, 0x3f, 0, 0\n nop\n nop\n hlt");
    guest.core.hostcall = (core) => core.requestStop();
    guest.core.run(100);
    expect(guest.core.instructions).toBe(2);
    guest.core.run(100);
    expect(guest.core.instructions).toBe(5);
    expect(guest.core.halted).toBe(true);
  });
});

describe("hostcall", () => {
  it("is an undefined opcode when nobody listens", () => {
    const guest = Guest.flat(".byte 0x0f, 0x3f, 0, 0");
    guest.catchExceptions();
    expect(guest.run().get("eax")).toBe(6);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN);
  });

  it("may move EIP, and a fault it raises points at it", () => {
    const guest = Guest.flat("nop\n .byte 0x0f, 0x3f, 0, 0\n movl $7, %ebx\n hlt");
    guest.catchExceptions();
    let calls = 0;
    guest.core.hostcall = (core) => {
      if (++calls < 3) core.eip -= 4;
      else core.raise(13, 0x55);
    };
    guest.run();
    expect([calls, guest.get("eax"), guest.get("ebx")]).toEqual([3, 13, 0]);
    expect([guest.read32(guest.get("esp")), guest.read32(guest.get("esp") + 4)]).toEqual([0x55, ORIGIN + 1]);
  });

  describe.each([
    ["is asked for each", false],
    ["goes on by itself", true],
  ])("of a host that %s", (_, goesOn) => {
    /** A loop of hostcalls: 0 counts down in ECX, 1 leaves when it is 0, 2 skips 3 when ECX is odd, 4 goes back. */
    function branching(also: (core: Core, id: number) => void = () => {}, numbers = [0, 1, 2, 3, 4]) {
      const calls = numbers.map((id) => `.byte 0x0f, 0x3f, ${id}, 0`).join("\n");
      const guest = Guest.flat(`movl $6, %ecx\n ${calls}\n nop\n hlt`);
      const seen: number[] = [];
      const act = (core: Core, id: number) => {
        seen.push(id, core.instructions, core.now());
        also(core, id);
        if (id === 0) core.r[1]--;
        if (id === 1 && core.r[1] === 0) core.eip += 12;
        if (id === 2 && (core.r[1] & 1) === 1) core.eip += 4;
        if (id === 4) core.eip -= 20;
      };
      guest.core.hostcall = (core, id) => {
        let distance = 0;
        let number = id;
        do {
          number += distance;
          const { eip } = core;
          act(core, number);
          distance = 1 + ((core.eip - eip) >> 2);
        } while (goesOn && nextHostcall(core, distance));
      };
      return { guest, seen };
    }

    it("branches within its block, counted exactly, whatever the budget", () => {
      const whole = branching();
      whole.guest.run();
      const ids = whole.seen.filter((_, i) => i % 3 === 0);
      expect(ids.join("")).toBe("012401234012401234012401");
      whole.seen.forEach((count, i) => {
        if (i % 3 !== 0) expect(count).toBe(1 + Math.floor(i / 3));
      });
      expect(whole.guest.core.instructions).toBe(1 + ids.length + 2);
      for (let slice = 1; slice <= 9; slice++) {
        const { guest, seen } = branching();
        while (!guest.core.halted) {
          const before = guest.core.instructions;
          guest.core.run(slice);
          if (!guest.core.halted) expect(guest.core.instructions - before).toBe(slice);
        }
        expect(seen.filter((_, i) => i % 3 !== 2)).toEqual(whole.seen.filter((_, i) => i % 3 !== 2));
        expect(guest.core.instructions).toBe(whole.guest.core.instructions);
      }
    });

    it("that branched within its block is where a fault points, and interrupts come in behind it", () => {
      const { guest } = branching((core, id) => {
        if (id === 3) core.raise(13, 0);
      });
      guest.catchExceptions();
      guest.run();
      expect([guest.get("eax"), guest.get("ecx"), guest.read32(guest.get("esp") + 4)]).toEqual([
        13,
        4,
        ORIGIN + 5 + 12,
      ]);
      for (const [last, eip, instructions] of [
        [4, ORIGIN + 5, 5],
        [0, ORIGIN + 5 + 4, 2],
      ]) {
        const stopped = branching((core, id) => {
          if (id === last) core.requestStop();
        }).guest;
        stopped.core.run(1000);
        expect([stopped.core.eip, stopped.core.instructions]).toEqual([eip, instructions]);
      }
    });

    it("that rewrote its block goes on with what is there now", () => {
      const { guest } = branching((core, id) => {
        if (id === 4) core.write32(ORIGIN + 5, 0xf4f4f4f4 | 0); // hlt
      });
      guest.run();
      expect([guest.get("ecx"), guest.core.instructions]).toEqual([5, 1 + 4 + 1]);
    });

    it("stops at a breakpoint of the host that a branch has gone over before", () => {
      const { guest, seen } = branching();
      const reached: number[] = [];
      guest.core.hostBreakpoints = new HostBreakpoints([ORIGIN + 5 + 12], (core) => {
        reached.push(core.r[1]);
        return true;
      });
      while (!guest.core.halted) guest.core.run(1000);
      expect(reached).toEqual([4, 2]);
      expect(seen.length / 3).toBe(24);
    });

    it("calls for the numbers that stand in the code, in whatever order", () => {
      const { guest, seen } = branching(undefined, [0, 3, 2, 3, 7]);
      guest.run();
      expect(seen.filter((_, i) => i % 3 === 0)).toEqual([0, 3, 2, 7]);
    });
  });

  it("passes JavaScript errors through, with EIP on the instruction", () => {
    const guest = Guest.flat("nop\n .byte 0x0f, 0x3f, 0, 0\n hlt");
    guest.core.hostcall = () => {
      throw new Error("host");
    };
    expect(() => guest.core.run(10)).toThrow("host");
    expect(guest.core.eip).toBe(ORIGIN + 1);
    expect(guest.core.instructions).toBe(1);
  });
});

describe("self-modifying code", () => {
  it("sees a store to the next instruction of the running block", () => {
    const guest = Guest.flat("movb $0x7, patch+1\n patch: movb $0x1, %al\n hlt").run();
    expect(guest.get("eax")).toBe(7);
  });

  it("sees changes to a loop it has run before", () => {
    const guest = Guest.flat(`
      movl $3, %ecx
      1: movl $1, %eax
      addl %eax, %ebx
      incb 1b+1
      decl %ecx
      jnz 1b
      hlt`).run();
    expect(guest.get("ebx")).toBe(1 + 2 + 3);
  });

  it("sees writes through another linear alias, by REP STOS, and by a device", () => {
    const guest = Guest.flat(`
      call f
      movl $f+1, %edi
      movb $9, %al
      movl $1, %ecx
      rep stosb
      call f
      hlt
      f: movb $1, %dl
      addl %edx, %ebx
      ret`).run();
    expect(guest.get("ebx")).toBe(10);
    guest.core.halted = false;
    guest.core.eip = ORIGIN;
    const site = guest.memory.bytes.indexOf(0xb2, guest.memory.ramOffset + ORIGIN) - guest.memory.ramOffset;
    guest.memory.write8(site + 1, 100);
    guest.set("ebx", 0);
    guest.run();
    expect(guest.get("ebx")).toBe(100 + 9);
  });

  it("sees what REP STOS does to the next instruction of the running block", () => {
    const guest = Guest.flat(`
      movl $patch+1, %edi
      movb $5, %al
      movl $4, %ecx
      rep stosb
      patch: movl $1, %ebx
      hlt`).run();
    expect(guest.get("ebx")).toBe(0x05050505);
  });

  it("sees what REP STOS does to code that has run before", () => {
    const guest = Guest.flat(`
      call f
      movl $f+1, %edi
      movl $0x02020202, %eax
      movl $2, %ecx
      rep stosb
      call f
      hlt
      f: movl $0x01010101, %ebx
      addl %ebx, %edx
      ret`).run();
    expect(guest.get("edx")).toBe(0x01010101 + 0x01010202);
  });

  it("sees a store over the end of its page to the next instruction of the running block", () => {
    const boundary = 0x12000;
    const guest = Guest.flat();
    // movl $0xf4f407b0, boundary-2; boundary-2: movb $1, %al; hlt
    const code = Uint8Array.of(0xc7, 0x05, 0xfe, 0x1f, 1, 0, 0xb0, 7, 0xf4, 0xf4, 0xb0, 1, 0xf4);
    guest.load(code, boundary - 12);
    expect(guest.run().get("eax")).toBe(7);
  });

  it("keeps running code when data on the same page change", () => {
    const guest = Guest.flat(`
      movl $2000, %ecx
      1: incl counter
      decl %ecx
      jnz 1b
      hlt
      counter: .long 0`).run();
    expect(guest.memory.bytes[guest.memory.ramOffset + ORIGIN]).toBe(0xb9);
    expect(guest.core.instructions).toBe(2 + 3 * 2000);
  });
});

describe("instructions across pages", () => {
  const boundary = 0x12000;

  it("run, again and again", () => {
    const guest = Guest.flat(new Uint8Array(0), 1 << 20);
    // movl $100, %ecx; 1: addl $0x11223344, %eax (split after two bytes); decl %ecx; jnz 1b; hlt
    const code = Uint8Array.of(0xb9, 100, 0, 0, 0, 0x05, 0x44, 0x33, 0x22, 0x11, 0x49, 0x75, 0xf8, 0xf4);
    guest.load(code, boundary - 7);
    guest.run();
    expect(guest.get("eax")).toBe((0x11223344 * 100) >>> 0);
    expect(guest.core.instructions).toBe(2 + 300);
  });

  it("notice stores to either part", () => {
    const guest = Guest.flat(new Uint8Array(0));
    const code = Uint8Array.of(0xb8, 1, 2, 3, 4, 0xf4);
    guest.load(code, boundary - 2);
    expect(guest.run().get("eax")).toBe(0x04030201);
    for (const [offset, expected] of [
      [1, 0x04030255],
      [-1, 0x04030255],
      [2, 0x04550255],
      [3, 0x66550255],
    ] as const) {
      guest.core.halted = false;
      guest.core.eip = boundary - 2;
      if (offset === 1) {
        guest.load(Uint8Array.of(0xc6, 0x05, 0xff, 0x1f, 1, 0, 0x55, 0xe9), 0x9000);
        guest.memory.write32(0x9008, boundary - 2 - 0x900c);
      } else if (offset === 2) {
        guest.memory.write8(boundary + 1, 0x55);
      } else if (offset === 3) {
        // movb $0x66, boundary+2; jmp boundary-2
        guest.load(Uint8Array.of(0xc6, 0x05, 0x02, 0x20, 1, 0, 0x66, 0xe9), 0x9000);
        guest.memory.write32(0x9008, boundary - 2 - 0x900c);
      }
      expect(guest.run().get("eax")).toBe(expected);
    }
  });
});

describe("CS limit", () => {
  it("faults on the first instruction that does not fit, after those before it ran", () => {
    const guest = Guest.flat("incl %ebx\n incl %ebx\n movl $1, %ecx\n hlt");
    guest.catchExceptions();
    guest.core.setSegment(CS, 0x08, 0, ORIGIN + 4, FLAT_CODE);
    guest.run();
    expect([guest.get("eax"), guest.get("ebx"), guest.get("ecx")]).toEqual([13, 2, 0]);
    expect(guest.read32(guest.get("esp"))).toBe(0);
    expect(guest.read32(guest.get("esp") + 4)).toBe(ORIGIN + 2);
  });

  it("stops real-mode code from running past 64 KiB", () => {
    const guest = Guest.real();
    guest.memory.load(Uint8Array.of(0x90, 0x90), ORIGIN + 0xfffe);
    guest.memory.load(Uint8Array.of(0xf4), 0x600);
    guest.memory.write32(13 * 4, 0x600);
    guest.core.eip = 0xfffe;
    guest.run();
    expect(guest.core.eip).toBe(0x601);
    expect(guest.memory.read16(guest.get("esp"))).toBe(0);
    expect(guest.core.instructions).toBe(4);
  });

  it("checks the target before a call pushes anything", () => {
    const guest = Guest.flat(`call ${ORIGIN + 0x800}`);
    guest.catchExceptions();
    guest.core.setSegment(CS, 0x08, 0, ORIGIN + 0x7ff, FLAT_CODE);
    guest.run();
    expect(guest.get("eax")).toBe(13);
    expect(guest.read32(guest.get("esp") + 4)).toBe(ORIGIN);
    expect(guest.get("esp")).toBe(0x8000 - 16);
  });
});

describe("interrupts", () => {
  it("are taken between instructions while IF is set, and wake HLT", () => {
    const guest = Guest.flat("sti\n nop\n 1: hlt\n jmp 1b");
    guest.catchExceptions();
    guest.core.acknowledge = () => {
      guest.core.intr = 0;
      return 0x20;
    };
    guest.core.run(100);
    expect(guest.core.halted).toBe(true);
    expect(guest.core.instructions).toBe(3);
    guest.core.intr = 1;
    guest.core.run(100);
    expect(guest.get("eax")).toBe(0x20);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN + 3);
  });

  it("wait for the instruction after STI", () => {
    const guest = Guest.flat("sti\n incl %ebx\n incl %ebx\n hlt");
    guest.catchExceptions();
    guest.core.intr = 1;
    guest.core.acknowledge = () => {
      guest.core.intr = 0;
      return 0x21;
    };
    guest.run();
    expect([guest.get("eax"), guest.get("ebx")]).toEqual([0x21, 1]);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN + 2);
  });

  it("stay pending while IF is clear", () => {
    const guest = Guest.flat("movl $5, %ecx\n 1: loop 1b\n hlt");
    guest.catchExceptions();
    guest.core.intr = 1;
    guest.core.run(100);
    expect(guest.core.halted).toBe(true);
    expect(guest.get("eax")).toBe(0);
  });

  it("include NMIs, whatever IF says, one at a time", () => {
    const guest = Guest.flat("nop\n hlt");
    guest.catchExceptions();
    guest.core.nmi = 1;
    guest.run();
    expect(guest.get("eax")).toBe(2);
    expect(guest.core.nmi).toBe(0);
    guest.core.nmi = 1;
    guest.core.run(10);
    expect(guest.core.nmi).toBe(1);
  });

  it("cannot hang the host by storming", () => {
    const guest = Guest.flat("1: jmp 1b");
    guest.catchExceptions();
    guest.core.acknowledge = () => 0x20;
    guest.core.intr = 1;
    guest.core.setEflags(FLAG_IF);
    guest.memory.write32(0x1800 + 8 * 0x20 + 4, 0x8f00);
    guest.core.run(1000);
    expect(guest.core.instructions).toBe(1000);
  });
});

describe("single step", () => {
  it("traps after each instruction with DR6.BS set", () => {
    const guest = Guest.flat("incl %ebx\n incl %ebx\n hlt");
    guest.catchExceptions();
    guest.core.setEflags(FLAG_TF);
    guest.run();
    expect([guest.get("eax"), guest.get("ebx")]).toEqual([1, 1]);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN + 1);
    expect(guest.read32(guest.get("esp") + 8) & FLAG_TF).toBe(FLAG_TF);
    expect(guest.core.getDr(6) & 0x4000).toBe(0x4000);
  });

  it("sees repeated string instructions one element at a time", () => {
    const guest = Guest.flat("rep stosb\n hlt");
    guest.catchExceptions();
    guest.set("edi", 0x40000);
    guest.set("ecx", 5);
    guest.core.setEflags(FLAG_TF);
    guest.run();
    expect([guest.get("eax"), guest.get("ecx"), guest.get("edi")]).toEqual([1, 4, 0x40001]);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN);
  });

  it("starts one instruction after POPF sets TF", () => {
    const guest = Guest.flat("pushl $0x100\n popfl\n incl %ebx\n incl %ebx\n hlt");
    guest.catchExceptions();
    guest.run();
    expect([guest.get("eax"), guest.get("ebx")]).toEqual([1, 1]);
  });
});

describe("debug registers", () => {
  it("break before an instruction", () => {
    const guest = Guest.flat("incl %ebx\n incl %ebx\n hlt");
    guest.catchExceptions();
    guest.core.setDr(1, ORIGIN + 1);
    guest.core.setDr(7, 0x400 | (1 << 2));
    guest.run();
    expect([guest.get("eax"), guest.get("ebx")]).toEqual([1, 1]);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN + 1);
    expect(guest.core.getDr(6) & 15).toBe(2);
  });

  it("trap after a write to watched data, not after a read or a write beside it", () => {
    const guest = Guest.flat("movl 0x4000, %ecx\n movl %ecx, 0x4004\n movb $1, 0x4003\n incl %ebx\n hlt");
    guest.catchExceptions();
    guest.core.setDr(0, 0x4000);
    guest.core.setDr(7, 0x400 | 1 | (0xd << 16));
    guest.run();
    expect([guest.get("eax"), guest.get("ebx")]).toEqual([1, 0]);
    expect(guest.read32(guest.get("esp"))).toBe(ORIGIN + 6 + 6 + 7);
    expect(guest.core.getDr(6) & 15).toBe(1);
  });
});

describe("several cores", () => {
  it("share decoded code: a store by one is seen by the other", async () => {
    const { Core } = await import("../../../emulator/cpu/core.ts");
    const first = new Guest(1 << 20, 2);
    const second = new Core(1, first.memory, first.ports, first.codeCache);
    for (const core of [first.core, second]) {
      for (const seg of [0, 2, 3, 4, 5]) core.setSegment(seg, 0x10, 0, -1, 0xc093);
      core.setSegment(CS, 8, 0, -1, FLAT_CODE);
      core.cr0 |= 1;
      core.halted = false;
    }
    first.load("1: movl $1, %eax\n jmp 1b");
    second.eip = ORIGIN;
    first.core.run(10);
    second.run(10);
    first.load("movb $2, 0x10001\n hlt", 0x20000);
    first.core.run(10);
    second.run(10);
    expect(second.r[0]).toBe(2);
  });
});
