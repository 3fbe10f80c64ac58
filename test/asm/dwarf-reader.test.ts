import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CType,
  callerRegisters,
  DebugInformation,
  declare,
  type ExpressionContext,
  plainType,
} from "../../asm/dwarf/reader/index.ts";
import { ElfError, readElf } from "../../asm/index.ts";

const PROGRAMS = new URL("../debug/programs/", import.meta.url);
const open = (name: string) => readElf(readFileSync(new URL(name, PROGRAMS)));

const context: ExpressionContext = {
  register: (number) => 0x1000 * number,
  read: (_, length) => new Uint8Array(length),
  frameBase: () => 0x9000,
  cfa: () => 0x9000,
};

function members(type: CType | undefined): string[] {
  const struct = type === undefined ? undefined : plainType(type);
  if (struct?.kind !== "struct") return [];
  return struct.members.map(({ name, type: of, offset, bits }) => {
    const width = bits === undefined ? "" : ` : ${bits.count} from ${bits.first}`;
    return `${offset} ${declare(of, name)}${width}`;
  });
}

describe.each(["program.O0", "program.O2"])("the debugging information of %s", (name) => {
  const information = new DebugInformation(open(name));

  it("has the types of C, with their layout", () => {
    expect(members(information.type("struct node"))).toEqual([
      "0 struct node *next",
      "4 const char *name",
      "8 struct point at",
      "16 enum color color",
      "20 unsigned int flag : 3 from 0",
      "20 unsigned int level : 5 from 3",
      "24 union both b",
      "28 struct {...}",
      "32 long long int big",
      "40 int (*op)(int, int)",
    ]);
    expect(members(information.type("union both"))).toEqual(["0 int i", "0 char c[4]"]);
    expect(information.enumerator("GREEN")?.value).toBe(5);
    expect(information.enumerator("BLUE")?.value).toBe(6);
    expect(declare(information.type("u32")!)).toBe("u32");
    expect(plainType(information.type("u32")!)).toMatchObject({ kind: "integer", size: 4, signed: false });
    expect([...information.typeNames]).toEqual(expect.arrayContaining(["struct node", "enum color", "u32", "float"]));
    expect(information.type("struct missing")).toBeUndefined();
  });

  it("has functions and variables by name, with their types", () => {
    const elf = open(name);
    const symbol = (wanted: string) => elf.symbols.find((each) => each.name === wanted)!.value;
    const [fill] = information.functions("fill");
    expect(declare(fill.type, "fill")).toBe("int fill(struct node *, int)");
    expect(fill.start).toBe(symbol("fill"));
    expect(fill.line).toBe(38);
    expect(fill.parameters.map((each) => declare(each.type, each.name))).toEqual(["struct node *list", "int count"]);
    expect(information.functions("missing")).toEqual([]);
    const [nodes] = information.variables("nodes");
    expect(declare(nodes.type, "nodes")).toBe("struct node nodes[3]");
    expect(nodes.address).toBe(symbol("nodes"));
    expect(information.variables("table").map(({ type }) => declare(type, "table"))).toEqual(["int table[2][3]"]);
    expect(information.variables("counter")[0].isExternal).toBe(false);
    expect(information.variables("ratio")[0].isExternal).toBe(true);
  });

  it("tells what is in scope at each instruction of a function, and nothing elsewhere", () => {
    const [fill] = information.functions("fill");
    for (const { start, end } of fill.ranges) {
      for (let pc = start; pc < end; pc++) expect(information.scopesAt(pc)[0]?.name).toBe("fill");
    }
    expect(information.scopesAt(0)).toEqual([]);
    const inner = information.lines.find(({ line }) => line === 43)!;
    const names = information.scopesAt(inner.address).flatMap((scope) => scope.variables.map((each) => each.name));
    expect(names).toEqual(["calls", "sum", "i", "n"]);
    expect(information.unitAt(inner.address)).toEqual({
      name: "program.c",
      directory: ".",
      isAssembly: false,
      isOptimized: name === "program.O2",
    });
  });

  it("has lines that cover the code without a gap", () => {
    const [fib] = information.functions("fib");
    const { start, end } = fib.ranges.at(-1)!;
    for (let pc = start; pc < end; pc++) {
      expect(information.lines.some((line) => pc >= line.address && pc < line.end)).toBe(true);
    }
    expect(information.lines.every(({ file }) => file === "program.c")).toBe(true);
  });
});

describe("optimized code", () => {
  const information = new DebugInformation(open("program.O2"));

  it("names what is inlined, and the line that it is called from", () => {
    const inlined = information.lines.flatMap(({ address }) =>
      information.scopesAt(address).filter((scope) => scope.isInlined),
    );
    const calls = new Set(inlined.map((scope) => `${scope.name} ${information.fileOf(scope, scope.call.file ?? -1)}`));
    expect([...calls]).toEqual(expect.arrayContaining(["add program.c", "write_all program.c"]));
    const lines = inlined.filter(({ name }) => name === "add").map(({ call }) => call.line);
    expect(lines).toContain(54);
  });

  it("has variables in registers, as constants, and nowhere, depending on the instruction", () => {
    const kinds = new Set<string>();
    for (const { address } of information.lines) {
      for (const scope of information.scopesAt(address)) {
        for (const variable of [...scope.parameters, ...scope.variables])
          kinds.add(variable.place(address, context).kind);
      }
    }
    expect([...kinds].sort()).toEqual(expect.arrayContaining(["memory", "nowhere", "register"]));
  });
});

describe("call frames", () => {
  it("lead from every instruction of a function to its caller, and back to its registers", () => {
    const information = new DebugInformation(open("program.O0"));
    const [fib] = information.functions("fib");
    const { start, end } = fib.ranges[0];
    // pushl %ebp; movl %esp, %ebp
    const at = (pc: number, esp: number, ebp: number) =>
      callerRegisters(information.callFrames.rules(pc)!, [0, 1, 2, 3, esp, ebp, 6, 7, pc], (linear) => {
        const word = new Uint8Array(4);
        new DataView(word.buffer).setUint32(0, linear + 1, true);
        return word;
      })!;
    expect(at(start, 0x8000, 0x9000)).toMatchObject({
      cfa: 0x8004,
      registers: [0, 1, 2, 3, 0x8004, 0x9000, 6, 7, 0x8001],
    });
    expect(at(start + 1, 0x7ffc, 0x9000)).toMatchObject({ cfa: 0x8004 });
    expect(at(start + 1, 0x7ffc, 0x9000).registers[5]).toBe(0x7ffd);
    expect(at(start + 10, 0x7000, 0x7ffc)).toMatchObject({ cfa: 0x8004 });
    expect(at(end - 1, 0x8000, 0x9000)).toMatchObject({ cfa: 0x8004 });
    expect(information.callFrames.rules(end + 0x10000)).toBeUndefined();
  });
});

/** Reads all there is to read. */
function exhaust(information: DebugInformation): void {
  const addresses = information.lines.slice(0, 200).map(({ address }) => address);
  for (const name of [...information.functionNames].slice(0, 50)) {
    for (const scope of information.functions(name)) addresses.push(scope.start);
  }
  for (const name of [...information.variableNames].slice(0, 50)) declare(information.variables(name)[0].type, name);
  for (const name of [...information.typeNames].slice(0, 100)) {
    const type = information.type(name);
    if (type !== undefined) members(type);
  }
  information.enumerator("BLUE");
  for (const pc of [...addresses, 0x08048100]) {
    information.unitAt(pc);
    for (const scope of information.scopesAt(pc)) {
      tolerate(() => scope.frameBase(pc, context));
      for (const variable of [...scope.parameters, ...scope.variables]) {
        tolerate(() => variable.place(pc, context));
        tolerate(() => declare(variable.type, variable.name));
      }
    }
    tolerate(() => {
      const rules = information.callFrames.rules(pc);
      if (rules !== undefined) callerRegisters(rules, [0, 1, 2, 3, 4, 5, 6, 7, pc], context.read);
    });
  }
}

/** What is asked of an entry may be broken, which is said by an ElfError and nothing else. */
function tolerate(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ElfError)) throw error;
  }
}

describe("hostile bytes", () => {
  const MOST_MS = 2000;

  it.each(["program.O0", "program.O2"])("in the sections of %s are an error or nothing, and no more", (name) => {
    const elf = open(name);
    const byte = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) });
    fc.assert(
      fc.property(fc.array(byte, { minLength: 1, maxLength: 12 }), fc.boolean(), (bytes, inAbbreviations) => {
        const sections = elf.sections.map((section) => {
          const isHit = inAbbreviations ? section.name === ".debug_abbrev" : /^\.debug_|^\.eh_frame/.test(section.name);
          if (!isHit || section.data.length === 0) return section;
          const data = section.data.slice();
          for (const { at, value } of bytes) data[at % data.length] = value;
          return { ...section, data };
        });
        const started = performance.now();
        tolerate(() => exhaust(new DebugInformation({ sections })));
        expect(performance.now() - started).toBeLessThan(MOST_MS);
      }),
      { numRuns: 150, seed: 20 },
    );
  });

  it("throughout a section are the same", () => {
    const elf = open("program.O0");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (data, which) => {
        const debug = elf.sections.filter(({ name }) => /^\.debug_|^\.eh_frame/.test(name));
        const hit = debug[which % debug.length];
        const sections = elf.sections.map((section) => (section === hit ? { ...section, data } : section));
        tolerate(() => exhaust(new DebugInformation({ sections })));
      }),
      { numRuns: 200, seed: 21 },
    );
  });

  it("say no debugging information when there is none", () => {
    const information = new DebugInformation({ sections: [] });
    expect(information.lines).toEqual([]);
    expect(information.scopesAt(0x08048000)).toEqual([]);
    expect([...information.functionNames]).toEqual([]);
    expect(information.callFrames.rules(0x08048000)).toBeUndefined();
  });
});
