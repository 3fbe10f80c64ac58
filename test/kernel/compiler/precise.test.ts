import { describe, expect, it } from "vitest";
import { CompiledRun, Loadable, PlainRun, PREAMBLE, path_of, project } from "./run.ts";

const text = `${PREAMBLE}
const log = kernel_variable("log", array(u32, 64));
const log_length = kernel_variable("log_length", u32);
const node = struct("node", { value: i32, other: i32 });
const nodes = kernel_variable("nodes", array(node, 4), undefined, { alignment: 4096 });
const add = kernel_function("add", [i32, i32], i32, function* (x, y) { return x + y; });
function* helper(n: number, flag: boolean, at: ViewOf<typeof node>): Steps<number> { at.other += flag ? 1 : 2; return n + 2 ** 40; }
function move(at: ViewOf<typeof node>, by: number): number { at.value += by; at.other += by; return node.at(nodes.value.address_of(1)).value; }
export const f = kernel_function("f", [i32, i32, i32], i32, function* (a, b, c) {
  let x = a;
  let wide = 2 ** 40;
  const here = node.at(nodes.value.address_of(a & 1));
  here.value = x;
  for (let i = 0; i < 3; i++) {
    x += yield* add(x++, here.value++);
    wide += yield* helper(wide++, x > 3, here);
    x += move(here, x++) + (yield* add(x++, x++));
    x = x % 1000;
  }
  const [p, q] = [x, b];
  [x, b] = [q, p];
  switch (b & 1) {
    case 0: here.other -= yield* add(b, c);
    default: here.other ^= x;
  }
  return ((here.other + here.value) % 10007) + x + b + (wide % 1009);
});
`;
const { code } = project().compile(path_of("precise.ts"), text)!;
const compiled = new Loadable(code);
const plain = new PlainRun(new Loadable(text));
const args = [3, 5, 7];
const expected = plain.call("f", ...args);

const PAGE = 4096;
const DIRECTORY = 0x200000;
const TABLE = 0x201000;
const PRESENT = 3;

function put(run: CompiledRun, address: number, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  run.bare.machine.writePhysical(address, bytes);
}

describe("between any two steps", () => {
  it("everything that a step needs is in the frame, EBP and ESP, and EAX and EDX behind a call", () => {
    const run = new CompiledRun(compiled);
    const { machine, symbol } = run.bare;
    run.enter("f", args);
    let clobbered = 0;
    let previous: readonly number[] = [];
    for (let steps = 0; machine.getRegister("eip") !== symbol("done"); steps++) {
      expect(steps).toBeLessThan(5000);
      const eip = machine.getRegister("eip");
      const [first, second] = machine.readPhysical(eip, 2);
      const is_hostcall = first === 0x0f && second === 0x3f;
      // Behind RET, EAX and EDX hold a result; ECX never does.
      machine.setRegister("ecx", 0xdead0001);
      if (is_hostcall && previous[0] !== 0xc3) {
        machine.setRegister("eax", 0xdead0002);
        machine.setRegister("edx", 0xdead0003);
        clobbered++;
      }
      previous = [first, second];
      machine.step();
    }
    expect(clobbered).toBeGreaterThan(50);
    expect(run.outcome()).toEqual(expected);
  });

  it("EBX, ESI and EDI are nobody's", () => {
    const run = new CompiledRun(compiled);
    const { machine } = run.bare;
    for (const name of ["ebx", "esi", "edi"] as const) machine.setRegister(name, 0x12345678);
    expect(run.call("f", ...args)).toEqual(expected);
    for (const name of ["ebx", "esi", "edi"] as const) expect(machine.getRegister(name)).toBe(0x12345678);
  });
});

describe("a step that faults", () => {
  /**
   * Runs f with paging. Before each step, one page is taken away; the step faults, is looked at, and is tried again with
   * the page back, until each step has been without each page.
   */
  function run_without(pages: (run: CompiledRun) => readonly number[], below = 0, text = compiled): number {
    const run = new CompiledRun(text);
    const { machine, symbol } = run.bare;
    put(run, DIRECTORY, TABLE | PRESENT);
    for (let i = 0; i < 1024; i++) put(run, TABLE + 4 * i, (i * PAGE) | PRESENT);
    machine.setRegister("cr3", DIRECTORY);
    machine.setRegister("cr0", 0xe0000011);
    run.enter("f", args);
    machine.setRegister("esp", symbol("stack_top") - below);
    const flush = () => machine.setRegister("cr3", DIRECTORY);
    let faults = 0;
    for (let steps = 0; machine.getRegister("eip") !== symbol("done"); steps++) {
      expect(steps).toBeLessThan(5000);
      const eip = machine.getRegister("eip");
      const [first, second] = machine.readPhysical(eip, 2);
      if (first !== 0x0f || second !== 0x3f) {
        machine.step();
        continue;
      }
      for (const page of pages(run)) {
        const before = machine.save();
        put(run, TABLE + 4 * (page / PAGE), page);
        flush();
        machine.step();
        const faulted = machine.getRegister("cr2") !== 0;
        put(run, TABLE + 4 * (page / PAGE), page | PRESENT);
        flush();
        if (!faulted) {
          machine.restore(before);
          continue;
        }
        faults++;
        // No IDT: the fault ended in a shutdown. What the step left in memory is what counts.
        const memory = machine.readPhysical(0x100000, 0x100000);
        machine.restore(before);
        machine.writePhysical(0x100000, memory);
      }
      machine.step();
      machine.setRegister("cr2", 0);
    }
    expect(run.outcome()).toEqual(expected);
    return faults;
  }

  it("has had no effect on data, whichever page was missing", () => {
    expect(run_without((run) => [run.bare.symbol("nodes") & -PAGE])).toBeGreaterThan(10);
  });

  const two_stack_pages = (run: CompiledRun) => {
    const page = (run.bare.machine.getRegister("esp") - 4) & -PAGE;
    return [page, page + PAGE];
  };
  // The frame straddles a page in different places.
  const distances = [0, 3960, 4000, 4020, 4040];

  it("can be tried again when a page of the stack was missing", () => {
    let faults = 0;
    for (const below of distances) faults += run_without(two_stack_pages, below);
    expect(faults).toBeGreaterThan(50);
  });

  it("could not if its variables were written without the log", () => {
    const unlogged = new Loadable(code.replaceAll("$g.write32($b", "$g.put($b"));
    expect(() => {
      for (const below of distances) run_without(two_stack_pages, below, unlogged);
    }).toThrow();
  });
});
