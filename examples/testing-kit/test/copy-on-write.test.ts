import { asm, bootKernel } from "esp0/testing";
import "esp0/testing/vitest";
import { expect, it } from "vitest";

const SYS_getppid = 64;

/** The child calls getppid() before and after it writes into a page that it shares with its parent. */
const COPY_ON_WRITE = asm`
	incl value
	SYSCALL fork
	testl %eax, %eax
	jz child
	SYSCALL wait4, $-1, $0, $0, $0
	EXIT
child:	SYSCALL getppid
	incl value
	SYSCALL getppid
	EXIT
.data
value:	.long 7
`;

it("a page is shared by fork and copied by the first write", () => {
  const kernel = bootKernel({ init: COPY_ON_WRITE });

  kernel.runUntil({ event: "syscall", nr: SYS_getppid });
  expect(kernel).toShareFrame(1, 2, "value");
  expect(kernel.page(1, "value")).toBeCopyOnWrite();
  expect(kernel.page(2, "value")).toBeCopyOnWrite();
  expect(kernel.page(2, "value").count).toBe(2);
  const shared = kernel.frameOf(1, "value");

  kernel.runUntil({ event: "syscall", nr: SYS_getppid });
  expect(kernel).not.toShareFrame(1, 2, "value");
  expect(kernel.page(2, "value")).not.toBeCopyOnWrite();
  expect(kernel.frameOf(1, "value")).toBe(shared);
  expect(kernel.read(1, "value", 1)).toEqual(Uint8Array.of(8));
  expect(kernel.read(2, "value", 1)).toEqual(Uint8Array.of(9));
  expect(kernel).toFollow(["fork", { event: "sched_switch", next: 2 }, { event: "cow", pid: 2, copied: 1 }]);
});
