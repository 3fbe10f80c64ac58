import { describe, expect, it } from "vitest";
import { register_chrdev, unregister_chrdev } from "../../../kernel/fs/devices.ts";
import { EBUSY, EINVAL } from "../../../kernel/include/linux/errno.ts";
import { make_calls } from "../calls.ts";
import { Harness } from "../harness.ts";

const NAME = 0xc0001000;
const OTHER = 0xc0001004;
const FOPS = 0xc0002000;

describe("register_chrdev (W7)", () => {
  const kernel = new Harness(1024);
  const register = (major: number, name = NAME, fops = FOPS) =>
    kernel.run(() => register_chrdev(major, name, fops)) | 0;
  const unregister = (major: number, name = NAME) => kernel.run(() => unregister_chrdev(major, name)) | 0;

  it("gives a number away once, and again when it has come back", () => {
    expect(register(200)).toBe(0);
    expect(register(200, OTHER, FOPS + 4)).toBe(-EBUSY);
    expect(unregister(200, OTHER)).toBe(-EINVAL);
    expect(unregister(200)).toBe(0);
    expect(unregister(200)).toBe(-EINVAL);
    expect(register(200, OTHER, FOPS + 4)).toBe(0);
    expect(unregister(200, OTHER)).toBe(0);
  });

  it("finds a free one, from the highest down", () => {
    expect(register(0)).toBe(254);
    expect(register(0)).toBe(253);
    expect(unregister(254)).toBe(0);
    expect(register(0)).toBe(254);
    for (let major = 252; major > 0; major--) register(major);
    expect(register(0)).toBe(-EBUSY);
  });

  it("refuses numbers that there are not", () => {
    expect(register(255)).toBe(-EINVAL);
    expect([unregister(0), unregister(255)]).toEqual([-EINVAL, -EINVAL]);
  });
});

describe("mknod (W7)", () => {
  it("makes a node that opens the driver's device, and says what is wrong", () => {
    const S_IFCHR = 0x2000;
    const [EPERM, ENOENT, ENXIO, EEXIST, ENODEV, ENOTDIR, EROFS, ENAMETOOLONG] = [1, 2, 6, 17, 19, 20, 30, 36];
    const { results, memory } = make_calls(
      [
        ["umask", 0o27],
        ["mknod", "node", S_IFCHR | 0o666, 0x103], // the null device
        ["open", "node", 2],
        ["write", "@2", "node", 5],
        ["newstat", "node", "stat"],
        ["mknod", "node", S_IFCHR | 0o666, 0x103],
        ["mknod", "deep", S_IFCHR, 0x103],
        ["mknod", "below", S_IFCHR, 0x103],
        ["mknod", "relative", S_IFCHR, 0x6400],
        ["open", "absolute", 0],
        ["mknod", "regular", 0x8000, 0],
        ["mknod", "regular", 0, 0],
        ["mknod", "regular", 0x6000, 0x103],
        ["mknod", "regular", 0x1000, 0],
        ["mknod", "odd", S_IFCHR, 0x1ff],
        ["open", "odd", 0],
        ["mknod", "long", S_IFCHR, 0x103],
        ["mknod", 8, S_IFCHR, 0x103],
      ],
      `
node:	.asciz "/dev/null2"
deep:	.asciz "/no/such"
below:	.asciz "/dev/null/x"
relative: .asciz "here"
absolute: .asciz "/here"
regular: .asciz "/file"
odd:	.asciz "/odd"
long:	.ascii "/"
	.skip 200, 'x'
	.byte 0
.align 4
stat:	.skip 64
`,
      { stat: 64 },
    );
    expect(results.slice(1, 5)).toEqual([0, 3, 5, 0]);
    expect(results.slice(5, 10)).toEqual([-EEXIST, -ENOENT, -ENOTDIR, 0, -ENODEV]);
    expect(results.slice(10)).toEqual([-EROFS, -EROFS, -EPERM, -EPERM, 0, -ENXIO, -ENAMETOOLONG, -14]);
    expect(memory.stat.getUint16(8, true)).toBe(S_IFCHR | 0o640);
  });
});
