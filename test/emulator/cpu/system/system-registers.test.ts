import { beforeEach, describe, expect, it } from "vitest";
import type { Core } from "../../../../emulator/cpu/core.ts";
import { CPU_SIGNATURE, CS, SS, TR } from "../../../../emulator/cpu/state-layout.ts";
import { CODE, DATA, Guest, KERNEL_STACK, TSS, TSS_SELECTOR, USER_CODE } from "./guest.ts";

const IF = 0x200;
const TF = 0x100;

describe("control registers", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
  });

  it.each([
    ["PG without PE", "movl $0x80000010, %eax; movl %eax, %cr0"],
    ["NW without CD", "movl $0x20000011, %eax; movl %eax, %cr0"],
    ["CR4 bits that do not exist", "movl $0x20, %eax; movl %eax, %cr4"],
  ])("refuse %s with #GP(0)", (_name, source) => {
    guest.kernel(source);
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.core.cr0).toBe(0x11);
    expect(guest.core.cr4).toBe(0);
  });

  it("that do not exist raise #UD", () => {
    guest.kernel(".byte 0x0f, 0x22, 0xc8");
    expect(guest.vector).toBe(6);
    guest.kernel(".byte 0x0f, 0x20, 0xe8");
    expect(guest.vector).toBe(6);
  });

  it("keep only the bits of CR0 that exist; ET is always 1", () => {
    guest.kernel("movl $0x1fffffe1, %eax; movl %eax, %cr0; movl %cr0, %ebx; hlt");
    expect(guest.ebx).toBe(0x00050031);
  });

  it("CR2, CR3 and CR4 can be read back", () => {
    guest.kernel(
      "movl $0x12345678, %eax; movl %eax, %cr2; movl %cr2, %ebx; movl $0x9c, %eax; movl %eax, %cr4; movl %cr4, %ecx; movl $0x12345fff, %eax; movl %eax, %cr3; movl %cr3, %edx; hlt",
    );
    expect(guest.ebx).toBe(0x12345678);
    expect(guest.ecx).toBe(0x9c);
    expect(guest.edx).toBe(0x12345018);
  });

  it("LMSW sets PE, MP, EM and TS and cannot clear PE; SMSW reads; CLTS clears TS", () => {
    guest.kernel("movw $0xfffe, %ax; lmsw %ax; smsw %ebx; clts; smsw DATA; hlt");
    expect(guest.ebx).toBe(0x1f);
    expect(guest.memory.read16(DATA)).toBe(0x17);
  });

  it("are out of reach of ring 3, except by SMSW", () => {
    for (const source of [
      "movl %cr0, %eax",
      "movl %eax, %cr3",
      "lmsw %ax",
      "clts",
      "movl %dr7, %eax",
      "invd",
      "wbinvd",
    ]) {
      guest.user(source);
      expect(guest.fault).toEqual([13, 0]);
    }
    guest.user("smsw %eax; int $0x80");
    expect(guest.eax).toBe(0x11);
  });
});

describe("GDTR and IDTR", () => {
  it("are stored and loaded; a 16-bit operand loads 24 bits of the base", () => {
    const guest = new Guest();
    guest.kernel(
      "sgdt DATA; sidt DATA+8; lidtl 1f; lgdtl 2f; sidt DATA+16; hlt; 1: .word 0x7ff; .long 0xff002000; 2: .word 0x3f7; .long 0x1000",
    );
    expect(guest.memory.read16(DATA)).toBe(0x3ff);
    expect(guest.read32(DATA + 2)).toBe(0x1000);
    expect(guest.memory.read16(DATA + 8)).toBe(0x7ff);
    expect(guest.read32(DATA + 10)).toBe(0x2000);
    expect(guest.read32(DATA + 18)).toBe(0xff002000);
    expect(guest.core.gdtrLimit).toBe(0x3f7);
    guest.kernel(".byte 0x66; lidtl 1f; hlt; 1: .word 0x7ff; .long 0xff002000");
    expect(guest.core.idtrBase).toBe(0x2000);
  });

  it("take memory operands only", () => {
    const guest = new Guest();
    guest.kernel(".byte 0x0f, 0x01, 0xd0");
    expect(guest.vector).toBe(6);
    guest.user("lgdtl DATA");
    expect(guest.fault).toEqual([13, 0]);
  });
});

describe("flags", () => {
  it("POPF changes IF with CPL <= IOPL only, and IOPL at CPL 0 only", () => {
    const guest = new Guest();
    guest.user("pushl $0x3202; popfl; pushfl; popl %eax; int $0x80");
    expect(guest.eax & 0x3200).toBe(0);
    guest.enterRing(3);
    guest.core.setEflags(0x3000);
    guest.execute("pushl $0x202; popfl; pushfl; popl %eax; cli; sti; nop; int $0x80", USER_CODE);
    expect(guest.vector).toBe(0x80);
    expect(guest.eax & 0x3200).toBe(0x3200);
    expect(guest.stack(2) & IF).toBe(IF);
    guest.kernel("pushl $0x3202; popfl; pushfl; popl %eax; hlt");
    expect(guest.eax & 0x3200).toBe(0x3200);
  });

  it("POPFD toggles AC and ID, never VM and RF; POPFW leaves the upper half", () => {
    const guest = new Guest();
    guest.kernel("pushl $0x270002; popfl; pushw $2; popfw; pushfl; popl %eax; hlt");
    expect(guest.eax).toBe(0x240002);
  });

  it("CLI and STI need IOPL", () => {
    const guest = new Guest();
    guest.user("sti");
    expect(guest.fault).toEqual([13, 0]);
  });
});

describe("CPUID", () => {
  it("names vendor, signature and features", () => {
    const guest = new Guest();
    guest.user("xorl %eax, %eax; cpuid; int $0x80");
    const vendor = [guest.ebx, guest.edx, guest.ecx].map((v) =>
      String.fromCharCode(v & 255, (v >> 8) & 255, (v >> 16) & 255, v >>> 24),
    );
    expect(vendor.join("")).toBe("GenuineIntel");
    expect(guest.eax).toBe(2);
    guest.user("movl $1, %eax; cpuid; int $0x80");
    expect(guest.eax).toBe(CPU_SIGNATURE);
    expect(guest.edx & 0x8010).toBe(0x8010);
    guest.user("movl $0x80000002, %eax; cpuid; int $0x80");
    expect(guest.eax).toBe(0x30707365);
  });

  it("describes caches and TLBs in leaf 2, as does every leaf that does not exist", () => {
    const guest = new Guest();
    for (const leaf of [2, 3, 0x12345]) {
      guest.user(`movl $${leaf}, %eax; cpuid; int $0x80`);
      expect([guest.eax, guest.ebx, guest.ecx, guest.edx]).toEqual([0x03020101, 0, 0, 0x0c040843]);
    }
  });
});

describe("model-specific registers", () => {
  let guest: Guest;

  beforeEach(() => {
    guest = new Guest();
  });

  it("APIC base: enabled on the bootstrap processor, only address and enable bit can change", () => {
    guest.kernel("movl $0x1b, %ecx; rdmsr; movl %eax, %ebx; andl $0xfffff7ff, %eax; wrmsr; rdmsr; hlt");
    expect(guest.ebx).toBe(0xfee00900);
    expect(guest.eax).toBe(0xfee00100);
    guest.kernel("movl $0x1b, %ecx; movl $0xfef00900, %eax; xorl %edx, %edx; wrmsr; xorl %eax, %eax; rdmsr; hlt");
    expect(guest.eax).toBe(0xfef00900);
    for (const [eax, edx] of [
      [0xfef00800, 0],
      [0xfef00901, 0],
      [0xfef00900, 1],
    ]) {
      guest.kernel(`movl $0x1b, %ecx; movl $${eax}, %eax; movl $${edx}, %edx; wrmsr`);
      expect(guest.fault).toEqual([13, 0]);
    }
  });

  it("that do not exist, or are used in ring 3, raise #GP(0)", () => {
    guest.kernel("movl $0x12345, %ecx; rdmsr");
    expect(guest.fault).toEqual([13, 0]);
    guest.kernel("movl $0x12345, %ecx; wrmsr");
    expect(guest.fault).toEqual([13, 0]);
    guest.user("movl $0x10, %ecx; rdmsr");
    expect(guest.fault).toEqual([13, 0]);
  });

  it("the time-stamp counter counts instructions and can be set", () => {
    guest.kernel("rdtsc; movl %eax, %ebx; nop; nop; rdtsc; subl %ebx, %eax; hlt");
    expect(guest.eax).toBe(4);
    guest.kernel("movl $0x10, %ecx; movl $0xfffffffe, %eax; wrmsr; nop; rdtsc; hlt");
    expect([guest.edx, guest.eax]).toEqual([1, 0]);
  });

  it("RDTSC is privileged with CR4.TSD", () => {
    guest.user("rdtsc; int $0x80");
    expect(guest.vector).toBe(0x80);
    guest.core.cr4 = 4;
    guest.user("rdtsc");
    expect(guest.fault).toEqual([13, 0]);
    guest.kernel("rdtsc; hlt");
    expect(guest.vector).toBe(-1);
  });

  it("SYSENTER and SYSEXIT go to flat segments without looking at descriptors", () => {
    guest.user("sysenter");
    expect(guest.fault).toEqual([13, 0]);
    guest.load(
      `movl %esp, %ebx; movw %ss, %di; movw %cs, %si; movl $${USER_CODE + 0x100}, %edx; movl $0x1f000, %ecx; sysexit`,
      0x9000,
    );
    guest.load("movl %esp, %eax; int $0x80", USER_CODE + 0x100);
    guest.kernel(
      "movl $0x174, %ecx; movl $8, %eax; xorl %edx, %edx; wrmsr; incl %ecx; movl $0x5400, %eax; wrmsr; incl %ecx; movl $0x9000, %eax; wrmsr; hlt",
    );
    guest.user("sysenter");
    expect(guest.vector).toBe(0x80);
    expect(guest.ebx).toBe(0x5400);
    expect(guest.register(6) & 0xffff).toBe(8);
    expect(guest.register(7) & 0xffff).toBe(0x10);
    expect(guest.eax).toBe(0x1f000);
    expect([guest.stack(1), guest.stack(4)]).toEqual([0x1b, 0x23]);
    guest.user("sysexit");
    expect(guest.fault).toEqual([13, 0]);
  });
});

describe("I/O permission", () => {
  let guest: Guest;
  const written: [port: number, value: number][] = [];

  beforeEach(() => {
    guest = new Guest();
    written.length = 0;
    guest.ports.register(
      0x60,
      16,
      { readPort8: () => 0x5a, writePort8: (port, value) => written.push([port, value]) },
      "probe",
    );
    guest.core.setSegment(TR, TSS_SELECTOR, TSS, 0x7f, 0x8b);
    guest.memory.write16(TSS + 0x66, 0x68);
    // Ports 0x60 to 0x67 free except 0x64; 0x68 on taken.
    guest.memory.write8(TSS + 0x68 + 12, 0x10);
    guest.memory.write8(TSS + 0x68 + 13, 0xff);
  });

  it("follows the bitmap when CPL > IOPL", () => {
    guest.user("inb $0x60, %al; outb %al, $0x61; int $0x80");
    expect(guest.vector).toBe(0x80);
    expect(guest.eax & 0xff).toBe(0x5a);
    expect(written).toEqual([[0x61, 0x5a]]);
    guest.user("inb $0x64, %al");
    expect(guest.fault).toEqual([13, 0]);
  });

  it("needs all bits of a wide access, over the byte boundary too", () => {
    guest.user("inw $0x62, %ax; int $0x80");
    expect(guest.vector).toBe(0x80);
    guest.user("inw $0x63, %ax");
    expect(guest.fault).toEqual([13, 0]);
    guest.user("inl $0x60, %eax; int $0x80");
    expect(guest.vector).toBe(0x80);
    guest.user("outl %eax, $0x65");
    expect(guest.fault).toEqual([13, 0]);
    expect(written).toEqual([]);
  });

  it("ends at the TSS limit", () => {
    guest.user("movw $0xa8, %dx; inb %dx, %al; int $0x80");
    expect(guest.vector).toBe(0x80);
    guest.user("movw $0xb8, %dx; inb %dx, %al");
    expect(guest.fault).toEqual([13, 0]);
    guest.memory.write16(TSS + 0x66, 0xffff);
    guest.user("inb $0x60, %al");
    expect(guest.fault).toEqual([13, 0]);
  });

  it("does not look at the bitmap when IOPL allows", () => {
    guest.enterRing(3);
    guest.core.setEflags(0x3000);
    guest.execute("inb $0x64, %al; int $0x80", USER_CODE);
    expect(guest.vector).toBe(0x80);
  });

  it("covers string I/O", () => {
    guest.user("movw $0x64, %dx; movl $DATA, %edi; insb");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.register(7)).toBe(DATA);
    guest.user("movw $0x60, %dx; movl $DATA, %edi; insb; int $0x80");
    expect(guest.memory.read8(DATA)).toBe(0x5a);
  });

  it("a 286 TSS has no bitmap", () => {
    guest.core.setSegment(TR, TSS_SELECTOR, TSS, 0x7f, 0x83);
    guest.memory.write16(TSS + 4, 0x10);
    guest.memory.write16(TSS + 2, KERNEL_STACK);
    guest.user("inb $0x60, %al");
    expect(guest.fault).toEqual([13, 0]);
  });
});

describe("debug registers and single step", () => {
  let guest: Guest;
  const DR6_BS = 0x4000;

  beforeEach(() => {
    guest = new Guest();
  });

  it("read back with their fixed bits; DR4 and DR5 are aliases unless CR4.DE is set", () => {
    guest.kernel(
      "movl $0x1234, %eax; movl %eax, %dr0; movl %dr0, %ebx; movl $0xffffffff, %eax; movl %eax, %dr6; movl %dr6, %ecx; xorl %eax, %eax; movl %eax, %dr7; .byte 0x0f, 0x21, 0xea; hlt",
    );
    expect(guest.ebx).toBe(0x1234);
    expect(guest.ecx).toBe(0xffffefff);
    expect(guest.edx).toBe(0x400);
    guest.core.cr4 = 8;
    guest.kernel(".byte 0x0f, 0x21, 0xea");
    expect(guest.vector).toBe(6);
  });

  it("raise #DB with BD when DR7.GD guards them", () => {
    guest.kernel("movl $0x2000, %eax; movl %eax, %dr7; movl %dr0, %ebx");
    expect(guest.vector).toBe(1);
    expect(guest.stack(0)).toBe(CODE + 8);
    expect(guest.core.getDr(6) & 0x2000).toBe(0x2000);
    expect(guest.core.getDr(7)).toBe(0x400);
  });

  it("TF traps after each instruction, from the one after POPF on", () => {
    guest.user("pushl $0x102; popfl; nop; nop");
    expect(guest.vector).toBe(1);
    expect(guest.stack(0)).toBe(USER_CODE + 7);
    expect(guest.stack(2) & TF).toBe(TF);
    expect(guest.core.getDr(6) & DR6_BS).toBe(DR6_BS);
  });

  it("instruction breakpoints stop before the instruction, and RF in the image lets it run", () => {
    guest.core.setDr(0, CODE + 1);
    guest.core.setDr(7, 0x402);
    guest.kernel("nop; incl %eax; hlt");
    expect(guest.vector).toBe(1);
    expect(guest.stack(0)).toBe(CODE + 1);
    expect(guest.core.getDr(6) & 0xf).toBe(1);
    guest.kernel("nop; incl %ebx; hlt");
    guest.memory.write32(guest.esp + 8, guest.stack(2) | 0x10000);
    const before = guest.ebx;
    guest.load("iret", CODE + 0x100);
    guest.core.eip = CODE + 0x100;
    guest.run();
    expect(guest.vector).toBe(-1);
    expect(guest.ebx).toBe(before + 1);
  });

  it("instruction breakpoints are held back behind a load of SS, and no longer", () => {
    guest.core.setDr(7, 0x402);
    for (const [load, length] of [
      ["movl %ss, %eax; movl %eax, %ss", 4],
      ["pushl %ss; popl %ss", 2],
    ] as const) {
      guest.core.setDr(0, CODE + length);
      guest.kernel(`${load}; nop; nop; hlt`);
      expect(guest.vector).toBe(-1);
      guest.core.setDr(0, CODE + length + 1);
      guest.kernel(`${load}; nop; nop; hlt`);
      expect(guest.vector).toBe(1);
    }
  });

  it.each([
    ["an instruction breakpoint", "nop; nop; hlt", (core: Core) => core.setDr(0, CODE + 1), 0x402, 0x4001],
    ["a data breakpoint", "movl DATA, %eax; nop", (core: Core) => core.setDr(0, DATA), 0x000f0402, 0x4001],
    ["general detection", "movl %dr0, %eax", () => {}, 0x2400, 0x6000],
    ["a single step", "pushl $0x102; popfl; nop", () => {}, 0x400, 0x4000],
  ])("a #DB by %s takes B0 to B3 of the one before away, and nothing else", (_what, source, arrange, dr7, dr6) => {
    guest.core.setDr(6, 0xffff4ffe | 0);
    guest.core.setDr(7, dr7);
    arrange(guest.core);
    guest.kernel(source);
    expect(guest.vector).toBe(1);
    expect(guest.core.getDr(6) & 0xe00f).toBe(dr6);
  });

  it("data breakpoints begin at a multiple of their length, whatever the low bits of their address", () => {
    guest.core.setDr(1, DATA + 3);
    guest.core.setDr(7, 0x00d00408);
    guest.kernel("movb $1, DATA+4; nop; hlt");
    expect(guest.vector).toBe(-1);
    guest.kernel("movb $1, DATA; nop; hlt");
    expect(guest.vector).toBe(1);
  });

  it("data breakpoints trap after the access", () => {
    guest.core.setDr(1, DATA);
    guest.core.setDr(7, 0x00d00408);
    guest.kernel("movl DATA, %eax; movl $1, DATA+4; movb $2, DATA+3; nop; hlt");
    expect(guest.vector).toBe(1);
    expect(guest.core.getDr(6) & 0xf).toBe(2);
    expect(guest.stack(0)).toBe(CODE + 5 + 10 + 7);
    expect(guest.selector(CS)).toBe(8);
    expect(guest.selector(SS)).toBe(0x10);
  });
});
