import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";

const EPERM = -1;
const ESRCH = -3;
const EFAULT = -14;
const EINVAL = -22;
const BOOT = 978566400;
const INFINITY = 0xffffffff;

describe("who a process is", () => {
  it("the superuser, with a group and a session", () => {
    const ids = ["getuid", "geteuid", "getgid", "getegid", "getuid32", "geteuid32", "getgid32", "getegid32"] as const;
    expect(make_calls(ids.map((name) => [name])).results).toEqual(ids.map(() => 0));
    const { results } = make_calls([
      ["getpgid", 0],
      ["getpgid", 99],
      ["getsid", 0],
      ["getsid", 99],
      ["setpgid", 0, 0],
      ["getpgid", 1],
      ["setpgid", 99, 0],
      ["setpgid", 0, -1],
      ["setpgid", 0, 77],
      ["personality", -1],
      ["personality", 5],
    ]);
    expect(results).toEqual([0, ESRCH, 0, ESRCH, 0, 1, ESRCH, EINVAL, EPERM, 0, EINVAL]);
  });

  it("prctl names a thread", () => {
    const { results, text } = make_calls(
      [
        ["prctl", 15, "name"],
        ["prctl", 16, "buffer"],
        ["prctl", 16, 0],
        ["prctl", 15, 0xdead0000],
        ["prctl", 99, 0],
      ],
      'name: .asciz "a name that is too long"\nbuffer: .skip 16',
      { buffer: 16 },
    );
    expect(results).toEqual([0, 0, EFAULT, EFAULT, EINVAL]);
    expect(text("buffer")).toBe("a name that is ");
  });
});

describe("time", () => {
  it("begins at a fixed date and advances with the ticks", () => {
    const { results, memory } = make_calls(
      [
        ["time", 0],
        ["gettimeofday", "buffer", "zone"],
        ["clock_nanosleep", 1, 0, "second", 0],
        ["clock_gettime", 0, "buffer+8"],
        ["clock_gettime", 1, "buffer+16"],
        ["clock_getres", 1, "buffer+24"],
        ["clock_gettime", 99, "buffer"],
        ["clock_gettime", 0, 0],
        ["clock_nanosleep", 2, 0, "second", 0],
        ["clock_nanosleep", 1, 1, "second", 0],
        ["gettimeofday", 0xdead0000, 0],
        ["times", "tms"],
        ["times", 0xdead0000],
      ],
      "buffer: .skip 32\nzone: .long -1, -1\nsecond: .long 1, 0\ntms: .long -1, -1, -1, -1",
      { buffer: 32, zone: 8, tms: 16 },
    );
    const at = (index: number) => memory.buffer.getInt32(4 * index, true);
    expect(results.slice(0, 3)).toEqual([BOOT, 0, 0]);
    expect(at(0)).toBe(BOOT);
    expect(at(2)).toBe(BOOT + 1);
    expect(at(4)).toBe(1);
    expect([at(6), at(7)]).toEqual([0, 10_000_000]);
    expect(results.slice(3, 11)).toEqual([0, 0, 0, EINVAL, EFAULT, EINVAL, 0, EFAULT]);
    expect(results[11]).toBeGreaterThanOrEqual(100);
    expect(results[12]).toBe(EFAULT);
    expect(memory.zone.getInt32(0, true)).toBe(0);
    expect(memory.tms.getInt32(8, true)).toBe(0);
  });
});

describe("resources", () => {
  it("limits: the stack's is 8 MiB, descriptors are 32; what is set is told again", () => {
    const { results, memory } = make_calls(
      [
        ["getrlimit", 3, "buffer"],
        ["getrlimit", 7, "buffer+8"],
        ["old_getrlimit", 0, "buffer+16"],
        ["setrlimit", 0, "small"],
        ["prlimit64", 0, 0, 0, "wide"],
        ["getrlimit", 16, "buffer"],
        ["getrlimit", 3, 0],
        ["setrlimit", 0, "wrong"],
        ["setrlimit", 7, "wide+100"],
        ["prlimit64", 99, 0, 0, 0],
      ],
      "buffer: .skip 24\nsmall: .long 5, -1\nwrong: .long 6, 5\nwide: .skip 100\n.long 10, 1000",
      { buffer: 24, wide: 16 },
    );
    expect(results).toEqual([0, 0, 0, 0, 0, EINVAL, EFAULT, EINVAL, EPERM, ESRCH]);
    const words = (view: DataView) =>
      Array.from({ length: view.byteLength / 4 }, (_, i) => view.getUint32(4 * i, true));
    expect(words(memory.buffer)).toEqual([8 << 20, INFINITY, 32, 32, 0x7fffffff, 0x7fffffff]);
    expect(words(memory.wide)).toEqual([5, 0, INFINITY, INFINITY]);
  });

  it("getrusage and sysinfo", () => {
    const { results, memory } = make_calls(
      [
        ["getrusage", 0, "usage"],
        ["getrusage", -1, "usage"],
        ["getrusage", 5, "usage"],
        ["sysinfo", "info"],
        ["sysinfo", 0],
      ],
      "usage: .skip 72\ninfo: .skip 64",
      { info: 64 },
    );
    expect(results).toEqual([0, 0, EINVAL, 0, EFAULT]);
    expect(memory.info.getUint32(16, true)).toBe(8 << 20); // totalram
    expect(memory.info.getUint32(20, true)).toBeGreaterThan(1 << 20); // freeram
    expect(memory.info.getUint32(20, true)).toBeLessThan(8 << 20);
    expect(memory.info.getUint16(40, true)).toBe(1); // procs
  });

  it("getrandom: the same bytes in every run, others in every call", () => {
    const once = () =>
      make_calls(
        [
          ["getrandom", "buffer", 100, 0],
          ["getrandom", "other", 100, 1],
          ["getrandom", 0, 100, 0],
          ["getrandom", "other", 4, 8],
        ],
        "buffer: .skip 100\nother: .skip 100",
        { buffer: 100, other: 100 },
      );
    const first = once();
    const second = once();
    const bytes = ({ buffer, byteOffset, byteLength }: DataView) => new Uint8Array(buffer, byteOffset, byteLength);
    expect(first.results).toEqual([100, 100, EFAULT, EINVAL]);
    expect(bytes(first.memory.buffer)).toEqual(bytes(second.memory.buffer));
    expect(bytes(first.memory.buffer)).not.toEqual(bytes(first.memory.other));
    expect(new Set(bytes(first.memory.buffer)).size).toBeGreaterThan(60);
  });
});
