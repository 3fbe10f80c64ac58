/** What a kernel can be configured to be, and what comes of it. */
import { expect, it } from "vitest";
import {
  ConfigurationError,
  configuration,
  kernel_image,
  link_kernel,
  read_configuration,
} from "../../kernel/index.ts";
import * as loose from "./loose.kernel.ts";
import { run } from "./run.ts";

it("a preset is a value for every key, and keys that are given come before it", () => {
  expect(configuration()).toEqual(configuration({}, "2.4"));
  expect(configuration({}, "2.6").hz).toBe(1000);
  expect(configuration({ hz: 250 }, "2.6")).toEqual({ ...configuration({}, "2.6"), hz: 250 });
});

it("says what there is when a key, a value or a preset is not", () => {
  expect(() => read_configuration(["hzz=3"])).toThrow(/there is no key hzz; did you mean hz\?/);
  expect(() => read_configuration(["hz=1e3"])).toThrow("hz=1e3: hz is a number from 20 to 1000");
  expect(() => read_configuration(["hz"])).toThrow('"hz" is not KEY=VALUE');
  expect(() => read_configuration(["smp=yes"])).toThrow("smp is false or true");
  expect(() => configuration({ hz: 2 })).toThrow(ConfigurationError);
  expect(() => configuration({}, "2.2" as "2.4")).toThrow('"2.2": there is 2.4 and 2.6');
  expect(() => configuration({ irq_stacks: true })).toThrow("irq_stacks=true with stack=task_union");
  expect(() => configuration({ stack: "task_union" }, "2.6")).toThrow("or irq_stacks=false");
  expect(() => link_kernel({ variables: { no_such: 1 } })).toThrow("no_such");
});

it("ticks HZ times a second, and still tells programs hundredths", () => {
  const image = kernel_image({ hz: 1000 });
  const { stop, kernel } = run(
    `
	movl $200, %ecx
1:	pushl %ecx
	movl $10000, %ecx
2:	loop 2b
	popl %ecx
	loop 1b
	SYSCALL times, $0
	EXIT %eax`,
    { image, cpus: 1 },
  );
  // 2 million instructions and the boot, at 10 million a second.
  const hundredths = Math.floor(kernel.machine.cycles / 100_000);
  expect(kernel.statistics.ticks).toBeGreaterThanOrEqual(10 * hundredths - 20);
  expect(stop).toEqual({ kind: "exit", status: (kernel.statistics.ticks / 10) | 0 });
});

it("a kernel that calls what nothing defines is not linked", () => {
  expect(() => link_kernel({ modules: [loose] })).toThrow(
    /loose\.kernel\.ts: defined_nowhere is declared with asm_function, and nothing that is linked defines it/,
  );
});
