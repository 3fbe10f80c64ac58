/** A linked program of two modules in a higher language, described by hand: for tests of what debuggers read of it. */
import {
  assemble,
  type DebugBlock,
  type DebugInfo,
  type DebugSignature,
  type DebugType,
  imageDebugSections,
  type LinkedImage,
  link,
  type ObjectFile,
  type SectionLine,
  writeExecutable,
} from "../../asm/index.ts";

const INT: DebugType = { kind: "integer", name: "int", size: 4, isSigned: true };
const CHAR: DebugType = { kind: "character" };
const TASK: DebugType = { kind: "pointer", to: { kind: "struct", name: "task_struct" } };

/** Both modules have a static function `pick` and a static variable `count`. */
const SCHED = `
	.type pick, @function
pick:	pushl %ebp
	movl %esp, %ebp
	subl $4, %esp
	movl $11, -4(%ebp)
	nop
	leave
	ret
	.size pick, . - pick
	.data
count:	.long 3
	.globl current
current: .long idle
idle:	.long 0
	.asciz "swapper"
	.quad -2
	.long current
`;

const FORK = `
	.globl _start
_start:	movl $0x9000, %esp
	pushl $1
	pushl current
	call do_fork
	hlt
	.globl do_fork
	.type do_fork, @function
do_fork: pushl %ebp
	movl %esp, %ebp
	subl $32, %esp
	movl $1, -4(%ebp)
	movl $-7, -8(%ebp)
	movl $0x89abcdef, -16(%ebp)
	movl $0x01234567, -12(%ebp)
	movl 8(%ebp), %eax
	movl %eax, -20(%ebp)
block:	movl $77, -24(%ebp)
inner:	movl $0, -28(%ebp)
	nop
inner_end:
	nop
block_end:
	call pick
	leave
	ret
	.size do_fork, . - do_fork
	.type pick, @function
pick:	pushl %ebp
	movl %esp, %ebp
	leave
	ret
	.size pick, . - pick
	.data
count:	.byte 'x'
`;

const SCHED_INFO: DebugInfo = {
  unit: "kernel/sched.ts",
  structs: [
    {
      name: "task_struct",
      size: 24,
      members: [
        { name: "pid", offset: 0, type: INT },
        { name: "comm", offset: 4, type: { kind: "array", element: CHAR, length: 8 } },
        { name: "runtime", offset: 12, type: { kind: "integer", name: "long long", size: 8, isSigned: true } },
        { name: "queue", offset: 20, type: { kind: "pointer", to: { kind: "struct", name: "queue_t" } } },
      ],
    },
  ],
  variables: new Map<string, DebugType>([
    ["count", INT],
    ["current", TASK],
  ]),
  functions: new Map([["pick", { parameters: [], returns: TASK, locals: [{ name: "best", type: INT, offset: -4 }] }]]),
};

/** @param at offsets in do_fork by label */
function forkInfo(at: (label: string) => number): DebugInfo {
  const inner: DebugBlock = {
    start: at("inner"),
    size: at("inner_end") - at("inner"),
    locals: [{ name: "value", type: { kind: "boolean", size: 4 }, offset: -28 }],
    blocks: [],
  };
  return {
    unit: "kernel/fork.ts",
    structs: [{ name: "queue_t", size: 4, members: [{ name: "first", offset: 0, type: TASK }] }],
    variables: new Map([["count", CHAR]]),
    functions: new Map<string, DebugSignature>([
      [
        "do_fork",
        {
          parameters: [
            { name: "prev", type: TASK, offset: 0 },
            { name: "flags", type: INT, offset: 4 },
          ],
          returns: { kind: "boolean", size: 1 },
          locals: [
            { name: "stopped", type: { kind: "boolean", size: 4 }, offset: -4 },
            { name: "error", type: INT, offset: -8 },
            {
              name: "time",
              type: { kind: "integer", name: "unsigned long long", size: 8, isSigned: false },
              offset: -16,
            },
            { name: "parent", type: TASK, offset: -20 },
          ],
          blocks: [
            {
              start: at("block"),
              size: at("block_end") - at("block"),
              locals: [{ name: "value", type: INT, offset: -24 }],
              blocks: [inner],
            },
          ],
        },
      ],
      ["pick", { parameters: [], returns: undefined }],
    ]),
  };
}

/** The object of a source, said to come from lines of a TypeScript file; each odd line in two columns. */
function moduleOf(source: string, name: string): ObjectFile {
  const object = assemble(source, { file: name });
  const sections = object.sections.map((section) => {
    const lines = section.lines?.map(
      ({ offset, line }): SectionLine => ({ offset, file: name, line: 100 + (line >> 1), column: 5 + 10 * (line & 1) }),
    );
    return lines === undefined ? section : { ...section, lines };
  });
  const moved = new Map(object.sections.map((section, index) => [section, sections[index]]));
  const symbols = object.symbols.map((symbol) =>
    typeof symbol.section === "object" ? { ...symbol, section: moved.get(symbol.section)! } : symbol,
  );
  return { name, sections, symbols };
}

/** The program at 0x8000, its infos, and its ELF file with them. */
export function describedProgram(): { image: LinkedImage; infos: DebugInfo[]; file: Uint8Array } {
  const image = link([moduleOf(FORK, "kernel/fork.ts"), moduleOf(SCHED, "kernel/sched.ts")], {
    textAddress: 0x8000,
    pageSize: 1,
  });
  const start = image.symbol("do_fork");
  const infos = [SCHED_INFO, forkInfo((label) => image.symbol(label) - start)];
  return { image, infos, file: writeExecutable(image, imageDebugSections(image, infos)) };
}
