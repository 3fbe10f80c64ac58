import { describe, expect, it } from "vitest";
import { CS, DS, ES, ESP, FS, GS, SS } from "../../../../emulator/cpu/state-layout.ts";
import {
  BIG,
  CODE,
  CODE_CONFORMING,
  CODE_READABLE,
  DATA_WRITABLE,
  DPL3,
  FREE,
  Guest,
  gate,
  HANDLERS,
  KERNEL_CS,
  KERNEL_DS,
  KERNEL_STACK,
  PAGES,
  RING1_STACK,
  segment,
  TSS,
  TSS_SELECTOR,
  USER_CODE,
  USER_CS,
  USER_DS,
  USER_STACK,
} from "./guest.ts";

const FLAT = BIG | PAGES;
const IF = 0x200;

describe("interrupts between rings", () => {
  it("switch to the stack in the TSS and save SS, ESP, EFLAGS, CS and EIP there", () => {
    const guest = new Guest();
    guest.user("pushl $0x12345678\n int $0x80\n after: nop");
    expect(guest.vector).toBe(0x80);
    expect(guest.core.cpl).toBe(0);
    expect(guest.selector(SS)).toBe(KERNEL_DS);
    expect(guest.selector(CS)).toBe(KERNEL_CS);
    expect(guest.esp).toBe(KERNEL_STACK - 20);
    expect(guest.frame(5)).toEqual([USER_CODE + 7, USER_CS, 2, USER_STACK - 4, USER_DS]);
  });

  it("return to ring 3 where they came from", () => {
    const guest = new Guest();
    guest.setGate(0x80, gate(KERNEL_CS, CODE, 0xee));
    guest.load("movl $7, %ebx\n iret", CODE);
    guest.user("movl $1, %eax\n int $0x80\n addl %ebx, %eax\n movl %esp, %ecx\n movw %cs, %dx\n hlt");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.eax).toBe(8);
    expect(guest.ecx).toBe(USER_STACK);
    expect(guest.edx & 0xffff).toBe(USER_CS);
    expect(guest.stack(2)).toBe(USER_CS);
  });

  it("turn IF off through interrupt gates and leave it through trap gates; IRET restores it", () => {
    for (const [access, expected] of [
      [0xee, 0],
      [0xef, IF],
    ] as const) {
      const guest = new Guest();
      guest.setGate(0x80, gate(KERNEL_CS, CODE, access));
      guest.load("pushfl\n popl %esi\n iret", CODE);
      guest.enterRing(3);
      guest.core.setEflags(IF | 0x3000);
      guest.execute("int $0x80\n pushfl\n popl %edi\n cli\n int $3", USER_CODE);
      expect(guest.register(6) & IF).toBe(expected);
      expect(guest.register(7) & IF).toBe(IF);
    }
  });

  it("stay on the stack within ring 0", () => {
    const guest = new Guest();
    guest.kernel("int $0x80");
    expect(guest.vector).toBe(0x80);
    expect(guest.frame(3)).toEqual([CODE + 2, KERNEL_CS, 2]);
    expect(guest.esp).toBe(KERNEL_STACK - 12);
  });

  it("push 16-bit slots through 286 gates, of the low half of EIP", () => {
    const guest = new Guest();
    guest.setGate(0x80, gate(KERNEL_CS, HANDLERS, 0xe6));
    guest.user("int $0x80");
    expect(guest.esp).toBe(KERNEL_STACK - 10);
    const words = Array.from({ length: 5 }, (_, i) => guest.memory.read16(guest.esp + 2 * i));
    expect(words).toEqual([(USER_CODE + 2) & 0xffff, USER_CS, 2, USER_STACK & 0xffff, USER_DS]);
  });

  it("clear TF, NT and RF for the handler", () => {
    const guest = new Guest();
    guest.setGate(0x80, gate(KERNEL_CS, CODE, 0xee));
    guest.load("pushfl\n popl %esi\n hlt", CODE);
    guest.enterRing(3);
    guest.core.setEflags(0x4100);
    guest.execute("int $0x80", USER_CODE);
    expect(guest.register(6) & 0x4100).toBe(0);
    expect(guest.stack(2) & 0x4100).toBe(0x4100);
  });

  it("refuse INT n from ring 3 through a gate with DPL 0: #GP with the IDT bit", () => {
    const guest = new Guest();
    guest.user("int $0x81");
    expect(guest.fault).toEqual([13, 0x81 * 8 + 2]);
    expect(guest.stack(1)).toBe(USER_CODE);
  });

  it("report a gate that is not present, or of the wrong type, or outside the IDT", () => {
    const guest = new Guest();
    guest.setGate(0x90, gate(KERNEL_CS, HANDLERS, 0x0e));
    guest.setGate(0x91, gate(KERNEL_CS, HANDLERS, 0x8c));
    guest.kernel("int $0x90");
    expect(guest.fault).toEqual([11, 0x90 * 8 + 2]);
    guest.kernel("int $0x91");
    expect(guest.fault).toEqual([13, 0x91 * 8 + 2]);
    guest.core.idtrLimit = 0x90 * 8 + 6;
    guest.kernel("int $0x90");
    expect(guest.fault).toEqual([13, 0x90 * 8 + 2]);
  });

  it("report a bad handler segment by its selector", () => {
    const guest = new Guest();
    const cases: [selector: number, descriptor: [number, number], fault: [number, number]][] = [
      [0, [0, 0], [13, 0]],
      [0x7f8, [0, 0], [13, 0x7f8]],
      [FREE, segment(0, 0xfffff, DATA_WRITABLE, FLAT), [13, FREE]],
      [FREE, segment(0, 0xfffff, CODE_READABLE & 0x7f, FLAT), [11, FREE]],
      [FREE, segment(0, 0xff, CODE_READABLE, BIG), [13, 0]],
    ];
    for (const [selector, descriptor, fault] of cases) {
      if (selector === FREE) guest.setDescriptor(FREE, descriptor);
      guest.setGate(0x90, gate(selector, HANDLERS, 0x8e));
      guest.kernel("int $0x90");
      expect(guest.fault).toEqual(fault);
      expect(guest.stack(1)).toBe(CODE);
      expect(guest.esp).toBe(KERNEL_STACK - 16);
    }
  });

  it("report a bad inner stack as #TS, and one that is not present or full as #SS, with its selector", () => {
    const cases: [selector: number, descriptor: [number, number], esp: number, fault: [number, number]][] = [
      [FREE + 3, segment(0, 0xfffff, DATA_WRITABLE, FLAT), KERNEL_STACK, [10, FREE]],
      [FREE, segment(0, 0xfffff, DATA_WRITABLE | DPL3, FLAT), KERNEL_STACK, [10, FREE]],
      [FREE, segment(0, 0xfffff, 0x90, FLAT), KERNEL_STACK, [10, FREE]],
      [FREE, segment(0, 0xfffff, CODE_READABLE, FLAT), KERNEL_STACK, [10, FREE]],
      [FREE, segment(0, 0xfffff, DATA_WRITABLE & 0x7f, FLAT), KERNEL_STACK, [12, FREE]],
      [FREE, segment(0, 0xfff, DATA_WRITABLE, BIG), KERNEL_STACK, [12, FREE]],
      [FREE, segment(0, 0xfffff, DATA_WRITABLE, BIG), 16, [12, FREE]],
      [0, [0, 0], KERNEL_STACK, [10, 0]],
      [0x3f8 + 8, [0, 0], KERNEL_STACK, [10, 0x400]],
    ];
    for (const [selector, descriptor, esp, fault] of cases) {
      const guest = new Guest();
      // The faults themselves go to conforming code, so that they need no inner stack and show the state untouched.
      guest.setDescriptor(FREE + 8, segment(0, 0xfffff, CODE_CONFORMING, FLAT));
      for (const vector of [10, 12]) guest.setGate(vector, gate(FREE + 8, CODE + vector, 0x8e));
      guest.load("nop", CODE);
      guest.setDescriptor(FREE, descriptor);
      guest.memory.write32(TSS + 4, esp);
      guest.memory.write32(TSS + 8, selector);
      guest.enterRing(3);
      guest.load("int $0x80", USER_CODE);
      guest.core.eip = USER_CODE;
      guest.core.run(1);
      expect(guest.core.eip).toBe(CODE + fault[0]);
      expect(guest.core.cpl).toBe(3);
      expect(guest.frame(4)).toEqual([fault[1], USER_CODE, USER_CS, 0x10002]);
      expect(guest.esp).toBe(USER_STACK - 16);
    }
  });

  it("raise #TS with the TSS selector when the stack fields lie beyond the TSS limit", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE + 8, segment(0, 0xfffff, CODE_CONFORMING, FLAT));
    guest.setGate(10, gate(FREE + 8, CODE, 0x8e));
    guest.core.setSegment(7, TSS_SELECTOR, TSS, 8, 0x8b);
    guest.enterRing(3);
    guest.load("int $0x80", USER_CODE);
    guest.core.eip = USER_CODE;
    guest.core.run(1);
    expect(guest.core.eip).toBe(CODE);
    expect(guest.stack(0)).toBe(TSS_SELECTOR);
  });

  it("go to ring 1 when the handler's segment says so", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_READABLE | 0x20, FLAT));
    guest.setDescriptor(FREE + 8, segment(0, 0xfffff, DATA_WRITABLE | 0x20, FLAT));
    guest.memory.write32(TSS + 12, RING1_STACK);
    guest.memory.write32(TSS + 16, FREE + 8 + 1);
    guest.setGate(0x80, gate(FREE, CODE, 0xee));
    guest.load("movw %cs, %ax\n movw %ss, %bx\n movl %esp, %ecx\n int $0x81", CODE);
    guest.user("int $0x80");
    expect(guest.eax & 0xffff).toBe(FREE + 1);
    expect(guest.ebx & 0xffff).toBe(FREE + 9);
    expect(guest.ecx).toBe(RING1_STACK - 20);
    expect(guest.fault).toEqual([13, 0x81 * 8 + 2]);
  });
});

describe("IRET and RETF to an outer ring", () => {
  const enterUser = (extra: string) => `
    ${extra}
    pushl $USER_DS
    pushl $USER_STACK
    pushl $0x3202
    pushl $USER_CS
    pushl $USER_CODE
    iret`;

  it("null the data segments that the outer ring may not use", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_CONFORMING, FLAT));
    guest.load("movw %ds, %ax\n movw %es, %bx\n movw %fs, %cx\n movw %gs, %dx\n int $0x80", USER_CODE);
    guest.kernel(enterUser("movw $USER_DS, %ax; movw %ax, %es; movw $FREE, %ax; movw %ax, %fs"));
    expect(guest.vector).toBe(0x80);
    expect([guest.eax, guest.ebx, guest.ecx, guest.edx].map((r) => r & 0xffff)).toEqual([0, USER_DS, FREE, 0]);
    expect(guest.core.segValid(DS)).toBe(false);
    expect(guest.core.segValid(GS)).toBe(false);
    expect(guest.core.segValid(ES)).toBe(true);
    expect(guest.core.segValid(FS)).toBe(true);
    expect(guest.stack(2) & 0x3200).toBe(0x3200);
  });

  it("make every access through a nulled segment raise #GP(0)", () => {
    const guest = new Guest();
    guest.load("movl DATA, %eax", USER_CODE);
    guest.kernel(enterUser(""));
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.stack(1)).toBe(USER_CODE);
  });

  it("check CS and SS and change nothing when they are bad", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0, 0xfffff, DATA_WRITABLE | DPL3 | 0x80, FLAT));
    guest.setDescriptor(FREE + 8, segment(0, 0xfffff, (DATA_WRITABLE | DPL3) & 0x7f, FLAT));
    guest.setDescriptor(FREE + 16, segment(0, 0xfffff, (CODE_READABLE | DPL3) & 0x7f, FLAT));
    guest.setDescriptor(FREE + 24, segment(0, 0xfff, CODE_READABLE | DPL3, BIG));
    const cases: [cs: number, ss: number, fault: [number, number]][] = [
      [0, USER_DS, [13, 0]],
      [3, USER_DS, [13, 0]],
      [0xff8, USER_DS, [13, 0xff8]],
      [USER_DS, USER_DS, [13, USER_DS & ~3]],
      [KERNEL_CS | 3, USER_DS, [13, KERNEL_CS]],
      [FREE + 16 + 3, USER_DS, [11, FREE + 16]],
      [USER_CS, 0, [13, 0]],
      [USER_CS, KERNEL_DS, [13, KERNEL_DS]],
      [USER_CS, KERNEL_DS | 3, [13, KERNEL_DS]],
      [USER_CS, USER_CS, [13, USER_CS & ~3]],
      [USER_CS, FREE + 8 + 3, [12, FREE + 8]],
      [FREE + 24 + 3, USER_DS, [13, 0]],
    ];
    for (const [cs, ss, fault] of cases) {
      for (const [instruction, slots] of [
        [`pushl $2; pushl $${cs}; pushl $USER_CODE; iret`, 5],
        [`pushl $${cs}; pushl $USER_CODE; lret`, 4],
      ] as const) {
        guest.kernel(`pushl $${ss}; pushl $USER_STACK; ${instruction}`);
        expect(guest.fault).toEqual(fault);
        expect(guest.stack(2)).toBe(KERNEL_CS);
        expect(guest.esp).toBe(KERNEL_STACK - 4 * slots - 16);
      }
    }
  });

  it("refuse a return to an inner ring", () => {
    const guest = new Guest();
    guest.user("pushl $2; pushl $KERNEL_CS; pushl $CODE; iret");
    expect(guest.fault).toEqual([13, KERNEL_CS]);
    guest.user("pushl $KERNEL_CS; pushl $CODE; lret");
    expect(guest.fault).toEqual([13, KERNEL_CS]);
  });

  it("keep IF and IOPL from ring 3, and VM always", () => {
    const guest = new Guest();
    guest.user("pushl $0x23202; pushl $USER_CS; pushl $1f; iret; 1: pushfl; popl %eax; int $0x80");
    expect(guest.vector).toBe(0x80);
    expect(guest.eax & 0x23200).toBe(0);
  });

  it("RETF n releases parameters on both stacks", () => {
    const guest = new Guest();
    guest.load("movl %esp, %eax\n int $0x80", USER_CODE);
    guest.kernel(`
      pushl $USER_DS
      pushl $USER_STACK - 8
      pushl $0x11111111
      pushl $0x22222222
      pushl $USER_CS
      pushl $USER_CODE
      lret $8`);
    expect(guest.vector).toBe(0x80);
    expect(guest.eax).toBe(USER_STACK);
  });

  it("load only SP when the outer stack is 16 bits wide: the upper half of ESP stays", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0x20000, 0xffff, DATA_WRITABLE | DPL3, 0));
    guest.load("movl %esp, %eax\n int $0x80", USER_CODE);
    guest.kernel("pushl $FREE+3; pushl $0x12348000; pushl $2; pushl $USER_CS; pushl $USER_CODE; iret");
    expect(guest.eax).toBe(0x8000);
    expect(guest.stack(3)).toBe(0x8000);
  });
});

describe("call gates", () => {
  const GATE = FREE;
  const guestWithGate = (access = 0xec, count = 0, target = KERNEL_CS) => {
    const guest = new Guest();
    guest.setDescriptor(GATE, gate(target, CODE, access, count));
    guest.load("hlt", CODE);
    return guest;
  };

  it("switch stacks and copy the parameters", () => {
    const guest = guestWithGate(0xec, 2);
    guest.user("pushl $0xaaaa; pushl $0xbbbb; lcall $FREE+3, $0x12345678");
    expect(guest.core.eip).toBe(CODE + 1);
    expect(guest.core.cpl).toBe(0);
    const returnAddress = USER_CODE + 5 + 5 + 7;
    expect(guest.frame(6)).toEqual([returnAddress, USER_CS, 0xbbbb, 0xaaaa, USER_STACK - 8, USER_DS]);
    expect(guest.esp).toBe(KERNEL_STACK - 24);
  });

  it("come back by RETF n", () => {
    const guest = guestWithGate(0xec, 2);
    guest.load("movl 8(%esp), %eax\n lret $8", CODE);
    guest.user("pushl $0xaaaa; pushl $0xbbbb; lcall $FREE+3, $0; movl %esp, %ebx; int $0x80");
    expect(guest.vector).toBe(0x80);
    expect(guest.eax).toBe(0xbbbb);
    expect(guest.ebx).toBe(USER_STACK);
    expect(guest.stack(1)).toBe(USER_CS);
  });

  it("of the 286 push 16-bit slots", () => {
    const guest = guestWithGate(0xe4, 1);
    guest.user("pushw $0x1234; lcall $FREE+3, $0");
    expect(guest.esp).toBe(KERNEL_STACK - 10);
    const words = Array.from({ length: 5 }, (_, i) => guest.memory.read16(guest.esp + 2 * i));
    expect(words).toEqual([(USER_CODE + 4 + 7) & 0xffff, USER_CS, 0x1234, (USER_STACK - 2) & 0xffff, USER_DS]);
  });

  it("to conforming or equally privileged code keep the stack", () => {
    const guest = guestWithGate(0xec, 3, FREE + 8);
    guest.setDescriptor(FREE + 8, segment(0, 0xfffff, CODE_CONFORMING, FLAT));
    guest.load("movw %cs, %ax; int $0x80", CODE);
    guest.user("lcall $FREE+3, $0");
    expect(guest.eax & 0xffff).toBe(FREE + 8 + 3);
    expect(guest.stack(3)).toBe(USER_STACK - 8);
    guest.load("hlt", USER_CODE);
    guest.setDescriptor(GATE, gate(KERNEL_CS, USER_CODE, 0xec));
    guest.kernel("lcall $FREE, $0");
    expect(guest.frame(2)).toEqual([CODE + 7, KERNEL_CS]);
  });

  it("can be jumped through without a change of privilege only", () => {
    const guest = guestWithGate();
    guest.user("ljmp $FREE+3, $0");
    expect(guest.fault).toEqual([13, KERNEL_CS]);
    guest.setDescriptor(GATE, gate(USER_CS, USER_CODE + 0x100, 0xec));
    guest.load("int $0x80", USER_CODE + 0x100);
    guest.user("ljmp $FREE+3, $0");
    expect(guest.stack(0)).toBe(USER_CODE + 0x102);
  });

  it("obey the gate's DPL and presence, and check their target", () => {
    const cases: [access: number, selector: number, fault: [number, number]][] = [
      [0x8c, GATE + 3, [13, GATE]],
      [0x8c, GATE, [13, GATE]],
      [0x6c, GATE + 3, [11, GATE]],
    ];
    for (const [access, selector, fault] of cases) {
      const guest = guestWithGate(access);
      guest.user(`lcall $${selector}, $0`);
      expect(guest.fault).toEqual(fault);
      expect(guest.stack(1)).toBe(USER_CODE);
    }
    for (const [target, fault] of [
      [0, [13, 0]],
      [KERNEL_DS, [13, KERNEL_DS]],
      [0xff8, [13, 0xff8]],
      [FREE + 8, [11, FREE + 8]],
      [FREE + 16, [13, 0]],
    ] as const) {
      const guest = guestWithGate(0xec, 0, target);
      guest.setDescriptor(FREE + 8, segment(0, 0xfffff, CODE_READABLE & 0x7f, FLAT));
      guest.setDescriptor(FREE + 16, segment(0, 0xff, CODE_READABLE, BIG));
      guest.user("lcall $FREE+3, $0");
      expect(guest.fault).toEqual(fault);
      expect(guest.stack(4)).toBe(USER_STACK);
    }
  });
});

describe("far jumps and calls without a gate", () => {
  it("reach non-conforming code of the same level only", () => {
    const guest = new Guest();
    guest.user("ljmp $KERNEL_CS, $CODE");
    expect(guest.fault).toEqual([13, KERNEL_CS]);
    guest.kernel("ljmp $USER_CS, $USER_CODE");
    expect(guest.fault).toEqual([13, USER_CS & ~3]);
    guest.kernel("ljmp $0, $CODE");
    expect(guest.fault).toEqual([13, 0]);
    guest.kernel("ljmp $KERNEL_DS, $CODE");
    expect(guest.fault).toEqual([13, KERNEL_DS]);
  });

  it("reach conforming code of inner levels, and keep the CPL", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_CONFORMING, FLAT));
    guest.load("movw %cs, %ax; lret", CODE);
    guest.user("lcall $FREE, $CODE; int $0x80");
    expect(guest.vector).toBe(0x80);
    expect(guest.eax & 0xffff).toBe(FREE + 3);
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_CONFORMING | DPL3, FLAT));
    guest.kernel("ljmp $FREE, $CODE");
    expect(guest.fault).toEqual([13, FREE]);
  });

  it("raise #NP for absent code and #GP(0) beyond the limit, before the return address is pushed", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(0, 0xfffff, CODE_READABLE & 0x7f, FLAT));
    guest.kernel("lcall $FREE, $CODE");
    expect(guest.fault).toEqual([11, FREE]);
    expect(guest.esp).toBe(KERNEL_STACK - 16);
    guest.setDescriptor(FREE, segment(0, 0x7fff, CODE_READABLE, BIG));
    guest.kernel("lcall $FREE, $CODE");
    expect(guest.fault).toEqual([13, 0]);
    expect(guest.esp).toBe(KERNEL_STACK - 16);
  });

  it("go through memory operands and through the LDT", () => {
    const guest = new Guest();
    guest.loadLdt();
    guest.setDescriptor(0x0c, segment(USER_CODE, 0xffff, CODE_READABLE, BIG));
    guest.load("movw %cs, %ax; lret", USER_CODE);
    guest.kernel("lcall *pointer; hlt; pointer: .long 0; .word 0x0c");
    expect(guest.eax & 0xffff).toBe(0x0c);
    expect(guest.vector).toBe(-1);
    expect(guest.register(ESP)).toBe(KERNEL_STACK);
  });

  it("enter 16-bit code segments", () => {
    const guest = new Guest();
    guest.setDescriptor(FREE, segment(USER_CODE, 0xffff, CODE_READABLE, 0));
    guest.load(".code16\n movw $0x1234, %ax\n .byte 0x66\n lret", USER_CODE);
    guest.kernel("xorl %eax, %eax; lcall $FREE, $0; hlt");
    expect(guest.eax).toBe(0x1234);
    expect(guest.esp).toBe(KERNEL_STACK);
  });
});
