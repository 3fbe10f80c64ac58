import { describe, expect, it } from "vitest";
import { make_calls } from "../calls.ts";

const ENOENT = -2;
const EBADF = -9;
const EACCES = -13;
const EFAULT = -14;
const ENOTDIR = -20;
const EINVAL = -22;
const ENOTTY = -25;
const ESPIPE = -29;
const EROFS = -30;
const ERANGE = -34;
const AT_FDCWD = -100;
const O_DIRECTORY = 0o200000;
const O_CREAT = 0o100;

const files = { "/etc/motd": new TextEncoder().encode("hello world"), "/etc/deep/er": new Uint8Array(5000) };
const NAMES = `
motd:	.asciz "/etc/motd"
bare:	.asciz "motd"
etc:	.asciz "/etc"
up:	.asciz "../etc/deep/er"
none:	.asciz "/etc/none"
below:	.asciz "/etc/motd/x"
exe:	.asciz "/proc/self/exe"
tty:	.asciz "/dev/ttyS0"
empty:	.asciz ""
.align 4
buffer:	.skip 512
other:	.skip 512
`;

const calls = (list: Parameters<typeof make_calls>[0], wanted: Record<string, number> = {}) =>
  make_calls(list, NAMES, wanted, { files });

describe("stat, in three layouts", () => {
  it("stat64 of a file, a directory and a device", () => {
    const { results, memory } = calls(
      [
        ["stat64", "motd", "buffer"],
        ["stat64", "tty", "buffer+96"],
        ["fstat64", 1, "buffer+192"],
        ["lstat64", "etc", "buffer+288"],
        ["lstat64", "exe", "buffer+384"],
      ],
      { buffer: 480 },
    );
    expect(results).toEqual([0, 0, 0, 0, 0]);
    const word = (which: number, offset: number) => memory.buffer.getUint32(96 * which + offset, true);
    const [MODE, NLINK, RDEV, SIZE, BLKSIZE, BLOCKS, MTIME] = [16, 20, 32, 44, 52, 56, 72];
    expect([MODE, NLINK, SIZE, BLKSIZE, BLOCKS, MTIME].map((at) => word(0, at))).toEqual([
      0o100755, 1, 11, 4096, 1, 978566400,
    ]);
    expect(word(0, 88)).toBe(word(0, 12)); // st_ino, twice
    expect(word(1, MODE) & 0o170000).toBe(0o020000);
    expect([word(1, RDEV), word(2, RDEV)]).toEqual([0x440, 0x501]);
    expect(word(3, MODE)).toBe(0o040755);
    expect(word(4, MODE) & 0o170000).toBe(0o120000);
  });

  it("the older stat, fstatat64, and their errors", () => {
    const { results, memory } = calls(
      [
        ["newstat", "motd", "buffer"],
        ["open", "etc", O_DIRECTORY],
        ["fstatat64", "@1", "bare", "other", 0],
        ["fstatat64", "@1", "empty", "other", 0x1000],
        ["fstatat64", "@1", "empty", "other", 0],
        ["stat64", "none", "other"],
        ["stat64", "below", "other"],
        ["stat64", "motd", 0],
        ["stat64", 0, "other"],
        ["fstat64", 17, "other"],
        ["fstatat64", AT_FDCWD, "motd", "other", 1],
        ["fstatat64", 1, "bare", "other", 0],
        ["newlstat", "exe", "other+96"],
        ["newfstat", 17, "other"],
      ],
      { buffer: 64, other: 200 },
    );
    expect(results).toEqual([0, 3, 0, 0, ENOENT, ENOENT, ENOTDIR, EFAULT, EFAULT, EBADF, EINVAL, ENOTDIR, 0, EBADF]);
    expect(memory.buffer.getUint16(8, true)).toBe(0o100755);
    expect(memory.buffer.getUint32(20, true)).toBe(11);
    expect(memory.other.getUint32(16, true)).toBe(0o040755); // the open directory itself
  });
});

describe("names", () => {
  it("relative ones begin at the working directory, or at an open one", () => {
    const { results, text } = calls(
      [
        ["open", "bare", 0],
        ["chdir", "etc"],
        ["open", "bare", 0],
        ["open", "up", 0],
        ["getcwd", "buffer", 100],
        ["getcwd", "other", 4],
        ["getcwd", 0, 100],
        ["chdir", "motd"],
        ["chdir", "none"],
        ["open", "etc", 0],
        ["fchdir", "@9"],
        ["fchdir", "@2"],
        ["openat", "@9", "bare", 0],
        ["openat", 1, "bare", 0],
        ["openat", 20, "bare", 0],
        ["openat", 20, "motd", 0],
      ],
      { buffer: 16 },
    );
    expect(results).toEqual([ENOENT, 0, 3, 4, 5, ERANGE, EFAULT, ENOTDIR, ENOENT, 5, 0, ENOTDIR, 6, ENOTDIR, EBADF, 7]);
    expect(text("buffer")).toBe("/etc");
  });

  it("readlink, access, open's flags", () => {
    const { results, text } = calls(
      [
        ["readlink", "exe", "buffer", 100],
        ["readlinkat", AT_FDCWD, "exe", "other", 3],
        ["readlink", "motd", "buffer", 100],
        ["readlink", "exe", 0, 100],
        ["readlink", "exe", "buffer", 0],
        ["access", "motd", 5],
        ["access", "motd", 2],
        ["access", "motd", 8],
        ["access", "none", 0],
        ["access", "tty", 6],
        ["access", "tty", 1],
        ["faccessat", AT_FDCWD, "motd", 4],
        ["open", "motd", O_DIRECTORY],
        ["open", "none", O_CREAT],
        ["open", "motd", 1],
        ["open", "exe", 0o400000],
        ["umask", 0o77],
        ["umask", 0],
      ],
      { buffer: 16, other: 8 },
    );
    expect(results).toEqual([
      5,
      3,
      EINVAL,
      EFAULT,
      EINVAL,
      0,
      EROFS,
      EINVAL,
      ENOENT,
      0,
      EACCES,
      0,
      ENOTDIR,
      EROFS,
      EROFS,
      -40,
      0o22,
      0o77,
    ]);
    expect(text("buffer")).toBe("/init");
    expect(text("other")).toBe("/in");
  });
});

describe("directories", () => {
  it("getdents64 lists them in pieces, from where the last call ended or lseek went", () => {
    const { results, memory } = calls(
      [
        ["open", "etc", 0],
        ["getdents64", "@0", "buffer", 50],
        ["getdents64", "@0", "buffer+48", 400],
        ["getdents64", "@0", "other", 400],
        ["lseek", "@0", 0, 0],
        ["getdents64", "@0", "other", 10],
        ["open", "motd", 0],
        ["getdents64", "@6", "other", 400],
        ["getdents64", 20, "other", 400],
        ["getdents64", "@0", 0, 400],
      ],
      { buffer: 256 },
    );
    expect(results).toEqual([3, 48, 48, 0, 0, EINVAL, 4, ENOTDIR, EBADF, EFAULT]);
    const found: [string, number][] = [];
    for (let at = 0; at < 48 + 48; at += memory.buffer.getUint16(at + 16, true)) {
      let name = "";
      for (let i = at + 19; memory.buffer.getUint8(i) !== 0; i++)
        name += String.fromCharCode(memory.buffer.getUint8(i));
      found.push([name, memory.buffer.getUint8(at + 18)]);
    }
    expect(found).toEqual([
      [".", 4],
      ["..", 4],
      ["deep", 4],
      ["motd", 8],
    ]);
  });
});

describe("reading and writing", () => {
  it("readv and writev go through their pieces; llseek has 64 bits", () => {
    const { results, text, memory } = make_calls(
      [
        ["open", "motd", 0],
        ["readv", "@0", "vector", 3],
        ["writev", 1, "vector", 2],
        ["llseek", "@0", 0, 6, "position", 0],
        ["read", "@0", "third", 5],
        ["llseek", "@0", -1, -1, "position", 1],
        ["llseek", "@0", 1, 0, "position", 0],
        ["llseek", 1, 0, 0, "position", 0],
        ["llseek", 30, 0, 0, "position", 0],
        ["writev", 1, 0, 1],
        ["writev", 30, "vector", 1],
        ["writev", 1, "vector", 1025],
        ["readv", "@0", "vector", 0],
      ],
      `${NAMES}
vector:	.long first, 3, second, 4, third, 100
first:	.skip 4
second:	.skip 5
third:	.skip 8
.align 4
position: .long 0, 0xffffffff`,
      { first: 4, second: 5, third: 8, position: 8 },
      { files },
    );
    expect(results).toEqual([3, 11, 7, 0, 5, 0, EINVAL, ESPIPE, EBADF, EFAULT, EBADF, EINVAL, 0]);
    expect([text("first"), text("second"), text("third")]).toEqual(["hel", "lo w", "world"]);
    expect([memory.position.getUint32(0, true), memory.position.getUint32(4, true)]).toEqual([10, 0]);
  });

  it("a short read moves on by what it read: at the end of the file, and of the memory", () => {
    const SEEK_CUR = 1;
    const { results, text } = calls(
      [
        ["open", "motd", 0],
        ["read", "@0", "buffer", 100],
        ["lseek", "@0", 0, SEEK_CUR],
        ["read", "@0", "buffer", 100],
        ["lseek", "@0", -11, SEEK_CUR],
        ["mmap2", 0x60000000, 0x1000, 3, 0x22, -1, 0],
        ["read", "@0", 0x60000ffc, 11],
        ["lseek", "@0", 0, SEEK_CUR],
        ["read", "@0", "other", 3],
      ],
      { buffer: 100, other: 4 },
    );
    expect(results).toEqual([3, 11, 11, 0, 0, 0x60000000, 4, 4, 3]);
    expect([text("buffer"), text("other")]).toEqual(["hello world", "o w"]);
  });

  it("dup2 of a descriptor to itself changes nothing, not even that exec closes it", () => {
    const [F_GETFD, F_SETFD] = [1, 2];
    const { results } = calls([
      ["open", "motd", 0],
      ["fcntl64", "@0", F_SETFD, 1],
      ["dup2", "@0", "@0"],
      ["fcntl64", "@0", F_GETFD, 0],
      ["read", "@0", "buffer", 5],
      ["close", "@0"],
      ["dup2", "@0", "@0"],
    ]);
    expect(results).toEqual([3, 0, 3, 1, 5, 0, EBADF]);
  });

  it("the terminal has a size, settings and a foreground group", () => {
    const { results, memory } = calls(
      [
        ["ioctl", 0, 0x5413, "buffer"],
        ["ioctl", 0, 0x5410, "buffer"],
        ["ioctl", 0, 0x540f, "other"],
        ["ioctl", 0, 0x5401, "buffer+8"],
        ["ioctl", 0, 0x5402, "buffer+8"],
        ["ioctl", 0, 0x5413, 0],
        ["ioctl", 0, 0x9999, 0],
        ["fcntl", 0, 1030, 10],
        ["fcntl64", 10, 1],
      ],
      { buffer: 8, other: 4 },
    );
    expect(results).toEqual([0, 0, 0, 0, 0, EFAULT, ENOTTY, 10, 1]);
    expect([memory.buffer.getUint16(0, true), memory.buffer.getUint16(2, true)]).toEqual([24, 80]);
    expect(memory.other.getUint32(0, true)).toBe(memory.buffer.getUint32(0, true));
  });
});
