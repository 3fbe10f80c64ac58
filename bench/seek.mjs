// What going back costs the debugger on this machine, and what being able to costs going forward: in a run of 100
// million instructions. Runs what `npm run build` made. Arguments: processors (1), pages that the guest writes (256).
import { assembleBinary } from "../dist/asm.js";
import { bootRaw } from "../dist/boot.js";
import { DebugSession } from "../dist/debug.js";
import { Machine } from "../dist/emulator.js";
import { median, row, timed } from "./measure.mjs";

const LENGTH = 100_000_000;
const ORIGIN = 0x10000;
const [cpus = 1, pages = 256] = process.argv.slice(2).map(Number);

/** Calls a function a thousand times, then one that is rare; memory is written all over. All processors run it. */
const guest = assembleBinary(
  `_start:
	movl $0x1b0000, %esp
	movl $0x8000, %edi
	movl $trampoline, %esi
	movl $trampoline_end - trampoline, %ecx
	rep movsb
	movl $0x000c4500, 0xfee00300
	movl $0x000c4608, 0xfee00300
	movl $${pages}, 0x20000
main:	movl $1000, %ecx
again:	call work
	loop again
	call rare
	jmp main
work:	pushl %ebp
	movl %esp, %ebp
	imull $1103515245, %ebx, %ebx
	addl $12345, %ebx
	movl %ebx, %eax
	shrl $8, %eax
	xorl %edx, %edx
	divl 0x20000
	shll $12, %edx
	addl %ebx, 0x200000(%edx)
	movl $8, %edx
1:	addl %ebx, 0x20004
	decl %edx
	jnz 1b
	leave
	ret
rare:	incl 0x20008
	ret
.code16
trampoline:
	xorw %ax, %ax
	movw %ax, %ds
1:	incl 0x7000
	jmp 1b
trampoline_end:
`,
  { file: "seek.S", origin: ORIGIN },
);
/** Linear addresses of the functions, found by their bytes. */
const WORK = ORIGIN + guest.findIndex((_, i) => guest[i] === 0x55 && guest[i + 1] === 0x89 && guest[i + 2] === 0xe5);
const RARE = ORIGIN + guest.findIndex((_, i) => guest[i] === 0xff && guest[i + 1] === 0x05 && guest[i + 6] === 0xc3);

function make() {
  const machine = new Machine({ memoryBytes: 8 << 20, cpus });
  bootRaw(machine, { images: [{ name: "seek", bytes: guest, address: ORIGIN }], mode: "protected" });
  return machine;
}

const milliseconds = (all) => `${(median(all) * 1000).toFixed(1)} / ${(Math.max(...all) * 1000).toFixed(1)}`;
const times = (n, work) => Array.from({ length: n }, (_, i) => timed(() => work(i)));
/** Positions all over the run, the same every time. */
const somewhere = (i) => Math.floor(((i * 0.6180339887 + 0.3) % 1) * LENGTH);

make().run({ maxInstructions: 10_000_000 });
DebugSession.forMachine(make).continue({ maxInstructions: 10_000_000 });
const plain = [];
const recorded = [];
let session;
for (let i = 0; i < 3; i++) {
  const machine = make();
  plain.push(timed(() => machine.run({ maxInstructions: LENGTH })));
  session = DebugSession.forMachine(make);
  recorded.push(timed(() => session.continue({ maxInstructions: LENGTH })));
}
row("a run, bare", Math.min(...plain).toFixed(2), "s");
row("a run, in a session", Math.min(...recorded).toFixed(2), "s", "aim: a fifth more at most");
row("ratio", (Math.min(...recorded) / Math.min(...plain)).toFixed(2), "");
row("history", (session.historyBytes / 2 ** 20).toFixed(1), "MiB");
console.log("\nmedian / most");
row("reverse-step, at the end", milliseconds(times(20, () => session.reverseStep())), "ms", "aim: < 50");
row("goto, anywhere", milliseconds(times(30, (i) => session.goto(somewhere(i)))), "ms", "aim: < 50");
const there = (work) =>
  times(20, (i) => {
    session.goto(somewhere(i + 30));
    return work();
  });
const after = (work, prepare = () => {}) =>
  Array.from({ length: 20 }, (_, i) => {
    session.goto(somewhere(i + 50));
    prepare();
    return timed(work);
  });
row("reverse-step, after goto", milliseconds(after(() => session.reverseStep())), "ms", "aim: < 50");
row("reverse-next, after goto", milliseconds(after(() => session.reverseNext())), "ms", "aim: < 50");
row(
  "reverse-finish, after goto",
  milliseconds(
    after(
      () => session.reverseFinish(),
      () => session.until(WORK + 3),
    ),
  ),
  "ms",
  "aim: < 50",
);
row(
  "50 steps back",
  milliseconds(
    there(() => {
      for (let i = 0; i < 50; i++) session.reverseStep();
    }),
  ),
  "ms",
);
session.goto(LENGTH);
session.breakpoints.add({ kind: "address", linear: RARE });
row("reverse-continue to a breakpoint", milliseconds(times(20, () => session.reverseContinue())), "ms", "aim: < 1000");
row("the same, after goto", milliseconds(after(() => session.reverseContinue())), "ms", "aim: < 1000");
row("history", (session.historyBytes / 2 ** 20).toFixed(1), "MiB");
