// The compiled tier.

const CPU = "test/emulator/cpu";
const LOCK_STEP = `${CPU}/tier/tier.test.ts`;
const FUZZ = `${CPU}/tier/fuzz.test.ts`;
const BREAKPOINTS = `${CPU}/tier/breakpoints.test.ts`;
const SYSTEM = `${CPU}/system/system-registers.test.ts`;
const CORE = `${CPU}/core.test.ts`;

export default [
  {
    name: "a page fault of compiled code is that of a read",
    file: "emulator/cpu/tier/tier.ts",
    old: "core.prepareAccess(linear, write)",
    new: "core.prepareAccess(linear, false)",
    tests: [LOCK_STEP],
  },
  {
    name: "a page fault of compiled code is the supervisor's",
    file: "emulator/cpu/core.ts",
    old: "    if (walk(this, linear, write, this.r[CPL] === 3)",
    new: "    if (walk(this, linear, write, false)",
    tests: [LOCK_STEP],
  },
  {
    name: "a page fault of PUSHA is that of its last word",
    file: "emulator/cpu/tier/emit.ts",
    old: 'const access = bytes > 4 ? null : write ? "write" : "read";',
    new: 'const access = write ? "write" : "read";',
    tests: [LOCK_STEP],
  },
  {
    name: "compiled code goes on after a shutdown",
    file: "emulator/cpu/tier/tier.ts",
    old: "if (!core.undisturbed || core.retired >= core.budget || !this.#isPossible()) break;",
    new: "if (core.retired >= core.budget || !this.#isPossible()) break;",
    tests: [LOCK_STEP],
  },
  {
    name: "compiled code goes on behind steps that left segments that are not flat",
    file: "emulator/cpu/tier/tier.ts",
    old: "if (!core.undisturbed || core.retired >= core.budget || !this.#isPossible()) break;",
    new: "if (!core.undisturbed || core.retired >= core.budget) break;",
    tests: [LOCK_STEP],
  },
  {
    name: "a step runs though an interrupt is to be taken before it",
    file: "emulator/cpu/tier/tier.ts",
    old: "      if (!core.undisturbed) return false;\n      if (core.hostBreakpoints",
    new: "      if (core.hostBreakpoints",
    tests: [FUZZ],
  },
  {
    name: "a step runs beyond the budget",
    file: "emulator/cpu/tier/tier.ts",
    old: "      if (core.retired >= core.budget) return false;\n",
    new: "",
    tests: [FUZZ],
  },
  {
    name: "a step runs without a look at where its code is now",
    file: "emulator/cpu/tier/tier.ts",
    old: "(tlb[page] & WHERE_CODE_IS) !== entry || this.#code.dropped !== dropped) return true;",
    new: "false) return true;",
    tests: [LOCK_STEP],
  },
  {
    name: "compiled code is entered beside a breakpoint of the host",
    file: "emulator/cpu/tier/tier.ts",
    old: "    if (this.#isNearBreakpoint(eip)) {",
    new: "    if (false) {",
    tests: [BREAKPOINTS, FUZZ],
  },
  {
    name: "compiled code goes on in a page with a breakpoint of the host",
    file: "emulator/cpu/tier/tier.ts",
    old: "!== layout.TLB_VALID || this.#isNearBreakpoint(eip))\n      return false;",
    new: "!== layout.TLB_VALID) return false;",
    tests: [BREAKPOINTS, FUZZ],
  },
  {
    name: "compiled code is still found where the host has set a breakpoint",
    file: "emulator/cpu/core.ts",
    old: "    this.#tier?.leavePages(breakpoints);\n",
    new: "",
    tests: [BREAKPOINTS, FUZZ],
  },
  {
    name: "a step runs beyond a breakpoint that the one before it has set",
    file: "emulator/cpu/tier/tier.ts",
    old: "      if (core.hostBreakpoints !== hostBreakpoints) return true;\n",
    new: "",
    tests: [BREAKPOINTS],
  },
  {
    name: "a breakpoint of the host anywhere keeps compiled code from being entered",
    file: "emulator/cpu/core.ts",
    old: "const attention = this.attention & ~ATTEND_HOST;",
    new: "const { attention } = this;",
    tests: [BREAKPOINTS],
  },
  {
    name: "compiled code goes on with a data segment that is not flat",
    file: "emulator/cpu/tier/tier.ts",
    old: "      (core.r[SEG_FLAT + seg] !== 0 || (seg !== DS && seg !== ES))",
    new: "      true",
    tests: [FUZZ],
  },
  {
    name: "an exception does not count as an instruction",
    file: "emulator/cpu/core.ts",
    old: "  deliverFault(): void {\n    this.retired++;",
    new: "  deliverFault(): void {",
    tests: [CORE],
  },
  {
    name: "RF does not let what follows in a block be traced",
    file: "emulator/cpu/core.ts",
    old: "    return shadowed || (this.attention & (ATTEND_TRACE | ATTEND_BREAKPOINTS)) !== 0 ? 1 : limit;",
    new: "    return limit;",
    tests: [SYSTEM, CORE],
  },
  {
    name: "what turns begin with is compiled for them",
    file: "emulator/cpu/tier/tier.ts",
    old: "if (retired === 0 && -block.untilHot",
    new: "if (retired < 0 && -block.untilHot",
    tests: [LOCK_STEP],
  },
  {
    name: "a region looks into the TLB of core 0, whoever runs it",
    file: "emulator/cpu/tier/emit.ts",
    old: "    addBase(code, target);\n    code.memory(wasm.I32_LOAD, target.tlb);",
    new: "    code.memory(wasm.I32_LOAD, target.tlb);",
    tests: [LOCK_STEP],
  },
  {
    name: "a region of one core hands on to those of another what core it runs",
    file: "emulator/cpu/tier/lookup.ts",
    old: "  pushCore();",
    new: "  code.constant(0);",
    tests: [LOCK_STEP],
  },
  {
    name: "a region that is dropped is found by the other cores",
    file: "emulator/cpu/tier/compiled-code.ts",
    old: "for (const client of this.#users) client.forget(region);",
    new: "this.#users[0].forget(region);",
    tests: [LOCK_STEP],
  },
];
