import { describe, expect, it } from "vitest";
import { ESP } from "../../../../emulator/cpu/state-layout.ts";
import { CODE, Guest, KERNEL_STACK, USER_CODE, USER_STACK } from "./guest.ts";

/** A guest, and where each of its IRETs went: ring, EIP, ESP; and ESP before. */
function watched() {
  const guest = new Guest();
  const returns: number[][] = [];
  guest.core.onInterruptReturn = ({ cpl, eip, r }, esp) => returns.push([cpl, eip >>> 0, r[ESP] >>> 0, esp]);
  return { guest, returns };
}

describe("onInterruptReturn", () => {
  it("is told of an IRET within a ring, with the place and the stack it returned to", () => {
    const { guest, returns } = watched();
    guest.kernel("jmp 2f; 1: hlt; 2: pushl $2; pushl $KERNEL_CS; pushl $1b; iret");
    expect(returns).toEqual([[0, CODE + 2, KERNEL_STACK, KERNEL_STACK - 12]]);
  });

  it("is told of an IRET to ring 3", () => {
    const { guest, returns } = watched();
    guest.load("int $0x80", USER_CODE);
    guest.kernel("pushl $USER_DS; pushl $USER_STACK; pushl $2; pushl $USER_CS; pushl $USER_CODE; iret");
    expect(guest.vector).toBe(0x80);
    expect(returns).toEqual([[3, USER_CODE, USER_STACK, KERNEL_STACK - 20]]);
  });

  it("is not told of an IRET that faults", () => {
    const { guest, returns } = watched();
    guest.kernel("pushl $2; pushl $0; pushl $0; iret");
    expect(guest.vector).toBe(13);
    expect(returns).toEqual([]);
  });
});
