import { it } from "vitest";
import { link_kernel } from "../../../kernel/index.ts";
import { boot } from "../run.ts";

const SPIN = `
.globl _start
_start:
	movl $4, %ebp
1:	SYSCALL fork
	testl %eax, %eax
	jz spin
	decl %ebp
	jnz 1b
2:	SYSCALL wait4, $-1, $0, $0, $0
	testl %eax, %eax
	jg 2b
	PRINT "all done\\n"
	EXIT
spin:	movl $3000000, %ecx
3:	decl %ecx
	jnz 3b
	PRINT "child done\\n"
	EXIT
`;
const image = link_kernel({ smp: true });
for (const cpus of [1, 2, 4, 8])
  it(`boots ${cpus}`, () => {
    const run = boot(SPIN, { image, cpus, fromReset: true, trace: true });
    const stop = run.go({ maxInstructions: 60_000_000 });
    const per = run.kernel.machine.cores.map((c) => c.eip.toString(16));
    console.log(
      cpus,
      stop,
      run.output(),
      run.log(),
      run.kernel.machine.instructions,
      per.join(" "),
      run.kernel.machine.cores.map((c) => run.kernel.image.symbolize(c.eip)).join(" "),
    );
    const cpu = new Map<string, number>();
    for (const e of run.events) {
      const k = `${e.cpu} ${e.event}`;
      cpu.set(k, (cpu.get(k) ?? 0) + 1);
    }
    console.log(
      [...cpu]
        .sort()
        .map(([k, v]) => `${k}: ${v}`)
        .join("\n"),
    );
  });
