import { describe, expect, it } from "vitest";
import { CR0_AM, CS, ESP } from "../../../../emulator/cpu/state-layout.ts";
import {
  BIG,
  CODE,
  DATA,
  DATA_WRITABLE,
  FREE,
  Guest,
  gate,
  HANDLERS,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  PAGE_DIRECTORY,
  segment,
  TSS,
  TSS2,
  TSS2_SELECTOR,
  USER_CODE,
  USER_CS,
} from "./guest.ts";

const RF = 0x10000;

describe("exceptions", () => {
  it.each<[name: string, source: string, vector: number, distance: number]>([
    ["#DE", "xorl %ecx, %ecx; divl %ecx", 0, 2],
    ["#DB after INT1, whatever the gate's DPL", ".byte 0xf1", 1, 1],
    ["#BP after the instruction", "int3", 3, 1],
    ["#OF after the instruction", "movb $0x7f, %al; incb %al; into", 4, 5],
    ["#BR", "movl $9, %eax; boundl %eax, 1f; 1: .long 0, 5", 5, 5],
    ["#UD", "ud2", 6, 0],
    ["#NM", "fninit", 7, 0],
  ])("%s has no error code", (_name, source, vector, distance) => {
    const guest = new Guest();
    guest.core.cr0 = vector === 7 ? 0x19 : 0x11;
    for (const n of [3, 4]) guest.setGate(n, gate(KERNEL_CS, HANDLERS + n * 4, 0xee));
    guest.user(source);
    expect(guest.vector).toBe(vector);
    expect(guest.esp).toBe(KERNEL_STACK - 20);
    expect(guest.stack(0)).toBe(USER_CODE + distance);
    const isTrap = vector === 1 || vector === 3 || vector === 4;
    expect(guest.stack(2) & RF).toBe(isTrap ? 0 : RF);
  });

  it.each<[name: string, source: string, vector: number, errorCode: number]>([
    ["#GP for privileged instructions", "hlt", 13, 0],
    ["#GP for CLI above IOPL", "cli", 13, 0],
    ["#GP beyond a segment's limit", "movw $FREE+3, %ax; movw %ax, %ds; movl 0xfff, %eax", 13, 0],
    ["#SS beyond the stack's limit", "movw $FREE+3, %ax; movw %ax, %ss; movl $2, %esp; pushl %eax", 12, 0],
    ["#NP for an absent data segment", "movw $FREE+11, %ax; movw %ax, %es", 11, FREE + 8],
    ["#SS for an absent stack segment", "movw $FREE+11, %ax; movw %ax, %ss", 12, FREE + 8],
    ["#GP for a bad selector", "movw $0xff8, %ax; movw %ax, %es", 13, 0xff8],
    ["#GP for a selector in a missing LDT", "movw $0x0f, %ax; movw %ax, %es", 13, 0x0c],
    ["#GP for a null stack", "xorl %eax, %eax; movw %ax, %ss", 13, 0],
  ])("%s", (_name, source, vector, errorCode) => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(DATA, 0xfff, DATA_WRITABLE | 0x60, BIG));
    guest.setDescriptor(FREE + 8, segment(0, 0xfff, (DATA_WRITABLE | 0x60) & 0x7f, BIG));
    guest.user(source);
    expect(guest.fault).toEqual([vector, errorCode]);
    expect(guest.stack(2)).toBe(USER_CS);
    expect(guest.stack(3) & RF).toBe(RF);
  });

  it("leave ESP where it was when a push faults", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(DATA, 0xfff, DATA_WRITABLE | 0x60, BIG));
    guest.user("movw $FREE+3, %ax; movw %ax, %ss; movl $2, %esp; lcall $USER_CS, $0");
    expect(guest.fault).toEqual([12, 0]);
    expect(guest.stack(4)).toBe(2);
  });

  it("#AC for unaligned data at CPL 3 with CR0.AM and EFLAGS.AC", () => {
    const guest = new Guest();
    guest.core.cr0 = 0x11 | 0x40000;
    guest.user("pushfl; orl $0x40000, (%esp); popfl; movl DATA+1, %eax");
    expect(guest.fault).toEqual([17, 0]);
  });
});

describe("interrupts from outside", () => {
  it("are taken at any gate DPL and return to the next instruction", () => {
    const guest = new Guest();
    guest.core.acknowledge = () => {
      guest.core.intr = 0;
      return 0x21;
    };
    guest.enterRing(3);
    guest.core.setEflags(0x200);
    guest.load("nop; nop; jmp .", USER_CODE);
    guest.core.eip = USER_CODE;
    guest.core.run(1);
    guest.core.intr = 1;
    guest.run(10);
    expect(guest.vector).toBe(0x21);
    expect(guest.frame(3)).toEqual([USER_CODE + 1, USER_CS, 0x202]);
  });

  it("wait while IF is 0, and for one instruction after STI and MOV SS", () => {
    const guest = new Guest();
    guest.core.acknowledge = () => {
      guest.core.intr = 0;
      return 0x21;
    };
    guest.enterRing(0);
    guest.core.intr = 1;
    guest.execute("nop; nop; sti; incl %eax; incl %eax", CODE);
    expect(guest.stack(0)).toBe(CODE + 4);
    expect(guest.eax).toBe(1);

    guest.enterRing(0);
    guest.load("movw %ss, %ax; movw %ax, %ss; movl $KERNEL_STACK - 64, %esp; nop", CODE);
    guest.core.eip = CODE;
    guest.core.halted = false;
    guest.core.run(2);
    guest.core.setEflags(0x200, 0x200);
    guest.core.intr = 1;
    guest.run(10);
    expect(guest.vector).toBe(0x21);
    expect(guest.esp).toBe(KERNEL_STACK - 64 - 12);
  });

  it("put the EXT bit in the error code of faults on their way", () => {
    const guest = new Guest();
    guest.setGate(0x21, gate(FREE, 0, 0x8e));
    guest.enterRing(0);
    guest.core.eip = CODE;
    guest.load("hlt", CODE);
    const deliver = (limit: number) => {
      guest.core.idtrLimit = limit;
      guest.enterRing(0);
      guest.core.eip = CODE;
      guest.core.intr = 1;
      guest.core.acknowledge = () => {
        guest.core.intr = 0;
        return 0x21;
      };
      guest.core.setEflags(0x200);
      guest.run(10);
    };
    deliver(0x7ff);
    expect(guest.fault).toEqual([13, FREE | 1]);
    deliver(0x107);
    expect(guest.fault).toEqual([13, 0x21 * 8 + 3]);
  });
});

describe("double faults", () => {
  it("follow a contributory exception whose handler raises another", () => {
    const guest = new Guest();
    guest.setGate(13, gate(0xff8, 0, 0x8e));
    guest.kernel("movw $0xff0, %ax; movw %ax, %es");
    expect(guest.fault).toEqual([8, 0]);
    expect(guest.stack(1)).toBe(CODE + 4);
  });

  it("follow a page fault whose handler raises a contributory exception", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(0x100000, 0);
    guest.setGate(14, gate(0xff8, 0, 0x8e));
    guest.kernel("movl 0x100000, %eax");
    expect(guest.fault).toEqual([8, 0]);
    expect(guest.core.cr2).toBe(0x100000);
  });

  it("follow a page fault whose handler raises a page fault; without a stack that ends in shutdown", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(0x100000, 0);
    guest.setPage(0x200000, 0);
    const vectors: number[] = [];
    guest.core.onInterrupt = (_core, vector) => vectors.push(vector);
    guest.kernel("movl $0x200010, %esp; movl 0x100000, %eax");
    expect(guest.core.shutdown).toBe(true);
    expect(vectors).toEqual([14, 8]);
    expect(guest.core.cr2).toBe(0x20000c);
  });

  it("do not follow benign first exceptions, nor a page fault after a contributory one", () => {
    const guest = new Guest();
    guest.setGate(6, gate(0xff8, 0, 0x8e));
    guest.kernel("ud2");
    expect(guest.fault).toEqual([13, 0xff8 | 1]);

    // The selector in the gate of #GP names a descriptor in a page of the GDT that is absent.
    guest.enablePaging();
    guest.core.gdtrLimit = 0xffff;
    guest.setPage(0x9000, 0);
    guest.setGate(13, gate(0x8008, 0, 0x8e));
    guest.kernel("movw $0xff0, %ax; movw %ax, %es");
    expect(guest.fault).toEqual([14, 0]);
    expect(guest.core.cr2).toBe(0x900c);
  });

  it("end in shutdown when their own handler fails", () => {
    const guest = new Guest();
    guest.setGate(13, gate(0xff8, 0, 0x8e));
    guest.setGate(8, gate(0xff8, 0, 0x8e));
    guest.kernel("movw $0xff0, %ax; movw %ax, %es; hlt");
    expect(guest.core.shutdown).toBe(true);
    expect(guest.core.halted).toBe(false);
    const before = guest.core.instructions;
    guest.core.run(100);
    expect(guest.core.instructions).toBe(before);
  });

  it("end in shutdown when there is no end to them: #AC on the way to the #AC handler is no double fault", () => {
    const guest = new Guest();
    const { core } = guest;
    core.cr0 |= CR0_AM;
    // The handler is ring 3's, and so is its stack, which is not aligned.
    guest.setGate(17, gate(USER_CS, USER_CODE, 0xee));
    guest.user("pushl $0x40002; popfl; movl $0x20001, %esp; pushl %eax; hlt");
    expect(core.shutdown).toBe(true);
    expect(core.r[ESP]).toBe(0x20001);
  });

  it("end in shutdown with an empty IDT", () => {
    const guest = new Guest();
    guest.core.idtrLimit = 0;
    guest.kernel("int3");
    expect(guest.core.shutdown).toBe(true);
  });

  it("use a task gate for a stack that is gone, and the machine lives", () => {
    const guest = new Guest();
    guest.enablePaging();
    guest.setPage(0x1ff000, 0);
    guest.memory.write32(TSS2 + 0x1c, PAGE_DIRECTORY);
    guest.memory.write32(TSS2 + 0x20, HANDLERS + 8 * 4);
    guest.memory.write32(TSS2 + 0x24, 2);
    guest.memory.write32(TSS2 + 0x38, 0x7000);
    guest.memory.write32(TSS2 + 0x4c, KERNEL_CS);
    for (const seg of [0x48, 0x50, 0x54, 0x58, 0x5c]) guest.memory.write32(TSS2 + seg, KERNEL_DS);
    guest.setGate(8, gate(TSS2_SELECTOR, 0, 0x85));
    guest.kernel("movl $0x200000, %esp; movl $0x55, %ebx; push %eax");
    expect(guest.fault).toEqual([8, 0]);
    expect(guest.esp).toBe(0x7000 - 4);
    expect(guest.read32(TSS + 0x34)).toBe(0x55);
    expect(guest.read32(TSS + 0x38)).toBe(0x200000);
    expect(guest.read32(TSS + 0x20)).toBe(CODE + 10);
    expect(guest.core.segSelector(CS)).toBe(KERNEL_CS);
    expect(guest.core.cr2 >>> 0).toBe(0x1ffffc);
  });
});

describe("a fault inside an INT n", () => {
  it("is an ordinary first fault of the INT instruction", () => {
    const guest = new Guest();
    guest.setGate(0x50, gate(0xff8, 0, 0x8e));
    guest.kernel("nop; int $0x50");
    expect(guest.fault).toEqual([13, 0xff8]);
    expect(guest.stack(1)).toBe(CODE + 1);
    expect(guest.esp).toBe(KERNEL_STACK - 16);
  });
});
