/**
 * Checks of the guest programs that QEMU's TCG is known to fail, although the Intel manual (SDM) asks for them. They
 * hold on our machine all the same; only the comparison leaves them out.
 */
export interface UncheckedByQemu {
  readonly program: string;
  /** Matches the names of the checks. */
  readonly checks: RegExp;
  readonly reason: string;
}

/** Programs that QEMU cannot run to their end, with the reason. */
export const NOT_RUN_UNDER_QEMU: ReadonlyMap<string, string> = new Map([
  ["reserved-bits", "TCG hangs when a reserved bit of CR4 is set: it takes that for an exit of a virtual machine"],
]);

export const UNCHECKED_BY_QEMU: readonly UncheckedByQemu[] = [
  {
    program: "alignment",
    checks:
      /^(dword at [12]|word at 1|write|read-modify-write|xchg|qword at 4 of FLDL|ten bytes at 4 of FLDT|qword at 4 of CMPXCHG8B|far pointer at 2|push)$/,
    reason: "TCG never raises #AC",
  },
  {
    program: "segmentation",
    checks: /^(limit|type|null) fault: /,
    reason: "TCG checks no limits, types or null selectors in data accesses and instruction fetches",
  },
  { program: "segmentation", checks: /^accessed bit of CS$/, reason: "TCG's far JMP does not set the accessed bit" },
  { program: "segmentation", checks: /^LTR of null$/, reason: "TCG loads a null TR" },
  {
    program: "privilege",
    checks: /^(gate: offset beyond the limit|gate: no room on the stack|IRET: EIP beyond the limit)$/,
    reason: "TCG checks no limits when it pushes or takes a new EIP",
  },
  {
    program: "privilege",
    checks: /^gate: stack not present$/,
    reason: "TCG raises #TS for an inner stack that is not present, the SDM says #SS (vol. 2, CALL)",
  },
  {
    program: "privilege",
    checks: /^IRET: SS not present$/,
    reason: "TCG raises #NP for a returned SS that is not present, the SDM says #SS (vol. 2, IRET)",
  },
  {
    program: "privilege",
    checks: /^conforming code through a gate$/,
    reason: "TCG takes the DPL of conforming code behind a call gate for the new level",
  },
  {
    program: "tasks",
    checks: /^exception through a task gate: RF saved$/,
    reason: "TCG does not set RF in the EFLAGS that a fault saves in a TSS",
  },
  {
    program: "tasks",
    checks: /^task gate into the LDT$/,
    reason: "TCG raises #TS, the SDM says #GP (vol. 2, JMP)",
  },
  {
    program: "tasks",
    checks:
      /^(bad LDT|LDT not present|data for CS|CS not present|null SS|SS of ring 0|SS not present|DS of ring 0|ES not present|GS beyond the GDT|EIP beyond the limit)$/,
    reason: "TCG raises the faults of a new task before its EIP, level and stack are in place",
  },
  { program: "tasks", checks: /^T bit/, reason: "TCG ignores the T bit of a TSS" },
  {
    program: "tasks",
    checks: /^task switch clears the local enables of DR7$/,
    reason: "TCG clears L0 to L3, but not LE",
  },
  {
    program: "tasks",
    checks: /^IRET to the task itself: what was saved is loaded$/,
    reason: "TCG loads the new task's state before it saves the old one's",
  },
  {
    program: "virtual-8086",
    checks: /^IOPL 3: INT to ring 1$/,
    reason: "TCG looks at the stack before it sees that the handler is not in ring 0",
  },
  { program: "virtual-8086", checks: /^limit fault: /, reason: "TCG checks no limits in data accesses" },
  {
    program: "paging",
    checks: /^page not present: read-modify-write$/,
    reason: "TCG reads first and reports a read; processors ask for the right to write at once",
  },
  {
    program: "paging",
    checks: /^global page survives a CR3 load$/,
    reason: "TCG drops global pages too, which the SDM allows",
  },
  { program: "exceptions", checks: /saves RF$/, reason: "TCG does not set RF in the EFLAGS that a fault saves" },
  { program: "exceptions", checks: /^#UD: LOCK on MOV$/, reason: "TCG ignores LOCK before MOV" },
  {
    program: "exceptions",
    checks: /^#UD before #GP: MOV to CR1 in ring 3$/,
    reason: "TCG checks the privilege before it sees that there is no such register",
  },
  {
    program: "exceptions",
    checks: /^#UD then #NP: #NP with EXT$/,
    reason: "TCG does not set EXT (SDM vol. 3, 6.13)",
  },
  { program: "debug", checks: /^DR6: bits that stay 1 and 0$/, reason: "TCG lets bit 12 of DR6 be set" },
  { program: "debug", checks: /^length 4: address aligned down/, reason: "TCG does not ignore the low address bits" },
  { program: "debug", checks: /^two breakpoints: B1 and B2$/, reason: "TCG reports one breakpoint at a time" },
  {
    program: "debug",
    checks: /^REP STOSD, last element: EIP behind the instruction$/,
    reason: "TCG leaves EIP on a repeated instruction whose last element hit",
  },
  { program: "debug", checks: /^GD: /, reason: "TCG has no general detection" },
  { program: "debug", checks: /^ICEBP/, reason: "TCG has no ICEBP" },
  {
    program: "debug",
    checks: /^single step: behind STI$/,
    reason: "TCG holds debug traps back behind STI as behind MOV SS",
  },
  {
    program: "debug",
    checks: /^data breakpoint of MOV SS: behind the next instruction$/,
    reason: "TCG does not hold data breakpoints back behind MOV SS",
  },
  {
    program: "atomic",
    checks: /^LOCK (TEST|BT|XCHG of registers|MOV|SHL|MUL|PUSH|MOVS|JMP|INT3|SETC|LEA|FWAIT): #UD$/,
    reason: "TCG ignores LOCK before most instructions that never lock",
  },
  { program: "real-mode", checks: /^limit fault: /, reason: "TCG checks no limits in data accesses and jumps" },
  {
    program: "interrupts",
    checks: /^gate not present: EXT$/,
    reason: "TCG does not set EXT (SDM vol. 3, 6.13)",
  },
  {
    program: "system-registers",
    checks: /^CR0: (PG without PE|NW without CD)$/,
    reason: "TCG checks no combinations of bits in CR0",
  },
  {
    program: "system-registers",
    checks: /^(RD|WR)MSR of a register that does not exist$/,
    reason: "TCG reads 0 from unknown registers and ignores writes",
  },
  {
    program: "system-registers",
    checks: /^WRMSR sets the time-stamp counter/,
    reason: "TCG ignores writes of the time-stamp counter, which is the host's",
  },
  {
    program: "privilege",
    checks: /^CPL 3: IRET (with VM|does not enter virtual-8086 mode)$/,
    reason: "TCG lets IRET enter virtual-8086 mode from any level",
  },
];
