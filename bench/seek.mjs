// What going back costs the debugger on this machine, and what being able to costs going forward: in a run of 100
// million instructions. Runs what `npm run build` made. Arguments: processors (1), pages that the guest writes (256).
import { assembleBinary } from "../dist/asm.js";
import { bootRaw } from "../dist/boot.js";
import { DebugSession } from "../dist/debug.js";
import { Machine } from "../dist/emulator.js";
import { median, row, timedAsync } from "./measure.mjs";

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
/** Positions all over the run, the same every time. */
const somewhere = (i) => Math.floor(((i * 0.6180339887 + 0.3) % 1) * LENGTH);

/** Seconds of a work, each time. @param prepare what to do before, unmeasured */
async function times(n, work, prepare = () => {}) {
  const all = [];
  for (let i = 0; i < n; i++) {
    await prepare(i);
    all.push(await timedAsync(() => work(i)));
  }
  return all;
}

make().run({ maxInstructions: 10_000_000 });
await DebugSession.forMachine(make).continue({ maxInstructions: 10_000_000 });
const plain = [];
const recorded = [];
let session;
for (let i = 0; i < 3; i++) {
  const machine = make();
  plain.push(await timedAsync(() => machine.run({ maxInstructions: LENGTH })));
  session = DebugSession.forMachine(make);
  recorded.push(await timedAsync(() => session.continue({ maxInstructions: LENGTH })));
}
row("a run, bare", Math.min(...plain).toFixed(2), "s");
row("a run, in a session", Math.min(...recorded).toFixed(2), "s", "aim: a fifth more at most");
row("ratio", (Math.min(...recorded) / Math.min(...plain)).toFixed(2), "");
row("history", (session.historyBytes / 2 ** 20).toFixed(1), "MiB");
console.log("\nmedian / most");

async function measure(what, aim, all) {
  row(what, milliseconds(await all), "ms", aim);
}

const near = (i) => session.goto(somewhere(i + 50));
const stepBack = () => session.reverseStep();
await measure("reverse-step, at the end", "aim: < 50", times(20, stepBack));
await measure(
  "goto, anywhere",
  "aim: < 50",
  times(30, (i) => session.goto(somewhere(i))),
);
await measure("reverse-step, after goto", "aim: < 50", times(20, stepBack, near));
await measure(
  "reverse-next, after goto",
  "aim: < 50",
  times(20, () => session.reverseNext(), near),
);
await measure(
  "reverse-finish, after goto",
  "aim: < 50",
  times(
    20,
    () => session.reverseFinish(),
    async (i) => {
      await near(i);
      await session.until(WORK + 3);
    },
  ),
);
await measure(
  "50 steps back, after goto",
  "",
  times(
    20,
    async () => {
      for (let i = 0; i < 50; i++) await session.reverseStep();
    },
    (i) => session.goto(somewhere(i + 30)),
  ),
);
await session.goto(LENGTH);
session.breakpoints.add({ kind: "address", linear: RARE });
await measure(
  "reverse-continue to a breakpoint",
  "aim: < 1000",
  times(20, () => session.reverseContinue()),
);
await measure(
  "the same, after goto",
  "aim: < 1000",
  times(20, () => session.reverseContinue(), near),
);
row("history", (session.historyBytes / 2 ** 20).toFixed(1), "MiB");
