import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CpioFile, writeCpio } from "../../../boot/index.ts";
import { initrd_end, initrd_start } from "../../../kernel/arch/i386/kernel/setup.ts";
import { default_rootfs, populate_rootfs } from "../../../kernel/fs/initramfs.ts";
import { for_each_inode, inode_init } from "../../../kernel/fs/inode.ts";
import { path_lookup } from "../../../kernel/fs/namei.ts";
import { read_bytes, write_bytes } from "../../../kernel/host/memory.ts";
import { ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "../../../kernel/include/linux/errno.ts";
import { IS_ERR, inode, S_IFCHR, S_IFDIR, S_IFMT, S_IFREG } from "../../../kernel/include/linux/fs.ts";
import { GFP_KERNEL } from "../../../kernel/include/linux/mm.ts";
import { __get_free_pages, get_order } from "../../../kernel/mm/page_alloc.ts";
import { Harness } from "../harness.ts";
import { program, run } from "../run.ts";

const DIRECTORY = 0o040755;
const REGULAR = 0o100644;
const SYMLINK = 0o120777;
const FIFO = 0o010644;
const BLOCK = 0o060644;

const text = (content: string) => Uint8Array.from(content, (c) => c.charCodeAt(0));

/** A kernel that has unpacked an archive, and what it logged. */
function unpack(archive: Uint8Array): {
  kernel: Harness;
  log: () => string;
  look: (path: string) => number;
  content: (path: string) => string;
} {
  const kernel = Harness.with_slabs(512);
  const at = kernel.run(() => __get_free_pages(GFP_KERNEL, get_order(Math.max(archive.length, 1))));
  kernel.inspect(() => {
    write_bytes(at, archive);
    initrd_start.value = at;
    initrd_end.value = at + archive.length;
  });
  kernel.run(() => inode_init());
  kernel.run(() => default_rootfs());
  kernel.run(() => populate_rootfs());
  const scratch = kernel.run(() => __get_free_pages(GFP_KERNEL, 0));
  const look = (path: string) => {
    kernel.inspect(() => write_bytes(scratch, text(`${path}\0/\0`)));
    const found = kernel.run(() => path_lookup(scratch, scratch + path.length + 1, true));
    return IS_ERR(found) ? found | 0 : found;
  };
  const content = (path: string) => {
    const node = look(path);
    return kernel.inspect(() => {
      const { i_data, i_size } = inode.at(node);
      return String.fromCharCode(...read_bytes(i_data, i_size));
    });
  };
  return { kernel, log: () => kernel.log, look, content };
}

const archive = (...files: CpioFile[]) => writeCpio(files);

describe("populate_rootfs", () => {
  it("makes files, directories and devices of an archive's entries", () => {
    const { kernel, content, look } = unpack(
      archive(
        { name: "bin", mode: DIRECTORY },
        { name: "bin/a", mode: REGULAR, data: text("alpha") },
        { name: "./b", mode: REGULAR, data: text("beta, longer") },
        { name: "/abs//c", mode: REGULAR },
        { name: "dev/tty9", mode: 0o020600, rdevmajor: 4, rdevminor: 9 },
      ),
    );
    expect(content("/bin/a")).toBe("alpha");
    expect(content("/b")).toBe("beta, longer");
    expect(content("/abs/c")).toBe("");
    kernel.inspect(() => {
      expect(inode.at(look("/bin")).i_mode & S_IFMT).toBe(S_IFDIR);
      expect(inode.at(look("/bin/a")).i_mode & S_IFMT).toBe(S_IFREG);
      const tty = inode.at(look("/dev/tty9"));
      expect(tty.i_mode & S_IFMT).toBe(S_IFCHR);
      expect(tty.i_rdev).toBe(0x409);
    });
  });

  it("has the standard devices even without an archive", () => {
    const { look } = unpack(archive());
    for (const path of ["/", "/dev", "/dev/console", "/dev/ttyS0", "/dev/null", "/dev/zero"])
      expect(look(path)).toBeGreaterThan(0);
  });

  it("looks names up from the root, through . and .. and links", () => {
    const { look } = unpack(
      archive(
        { name: "a", mode: DIRECTORY },
        { name: "a/file", mode: REGULAR },
        { name: "link", mode: SYMLINK, data: text("a") },
        { name: "a/up", mode: SYMLINK, data: text("../link/./file") },
        { name: "absolute", mode: SYMLINK, data: text("/a/file") },
        { name: "loop", mode: SYMLINK, data: text("loop") },
      ),
    );
    const file = look("/a/file");
    expect(file).toBeGreaterThan(0);
    for (const path of ["a/file", "//a///./file", "/a/../../a/file", "/link/file", "/a/up", "/absolute"])
      expect(look(path)).toBe(file);
    expect(look("/loop")).toBe(-ELOOP);
    expect(look("/a/file/x")).toBe(-ENOTDIR);
    expect(look("/a/file/")).toBe(-ENOTDIR);
    expect(look("/a/none")).toBe(-ENOENT);
    expect(look("")).toBe(-ENOENT);
    expect(look(`/${"x".repeat(128)}`)).toBe(-ENAMETOOLONG);
  });

  it("a later entry replaces an earlier one of the same name", () => {
    const { content } = unpack(
      archive({ name: "f", mode: REGULAR, data: text("old") }, { name: "f", mode: REGULAR, data: text("new!") }),
    );
    expect(content("/f")).toBe("new!");
  });

  it("leaves out what it cannot have, and says so", () => {
    const { look, log } = unpack(
      archive(
        { name: "pipe", mode: FIFO },
        { name: "disk", mode: BLOCK },
        { name: "d".repeat(200), mode: REGULAR },
        { name: "last", mode: REGULAR },
      ),
    );
    expect(look("/pipe")).toBe(-ENOENT);
    expect(look("/disk")).toBe(-ENOENT);
    expect(look("/last")).toBeGreaterThan(0);
    expect(log()).toMatch(/initramfs: \/pipe: file type 010000 is not supported/);
    expect(log()).toMatch(/\/disk: file type 060000 is not supported \(block device\)/);
    expect(log()).toMatch(/name of 201 bytes is too long/);
  });

  it("stops at the first damaged entry and keeps what came before", () => {
    const good = archive(
      { name: "one", mode: REGULAR, data: text("1") },
      { name: "two", mode: REGULAR, data: text("2") },
    );
    const second = 116 + 4;
    const cases: [(bytes: Uint8Array) => Uint8Array, RegExp][] = [
      [(bytes) => bytes.fill(0x30, second, second + 6), /no cpio magic \("000000"\) at offset 120/],
      [(bytes) => bytes.fill(0x78, second + 6, second + 14), /field ino is no hex number/],
      [(bytes) => bytes.fill(0x66, second + 54, second + 62), /an entry of 4 \+ 4294967295 bytes does not fit/],
      [(bytes) => bytes.fill(0x66, second + 94, second + 102), /does not fit/],
      [(bytes) => bytes.fill(0x30, second + 94, second + 102), /an entry of 0 \+ 1 bytes does not fit/],
      [(bytes) => bytes.slice(0, second), /the archive ends without a trailer/],
    ];
    for (const [damage, message] of cases) {
      const { look, log } = unpack(damage(good.slice()));
      expect(look("/one")).toBeGreaterThan(0);
      expect(look("/two")).toBe(-ENOENT);
      expect(log()).toMatch(message);
    }
  });

  it("survives any bytes", () => {
    const good = archive(
      { name: "bin", mode: DIRECTORY },
      { name: "bin/a", mode: REGULAR, data: text("alpha") },
      { name: "link", mode: SYMLINK, data: text("bin/a") },
    );
    const change = fc.tuple(fc.nat({ max: good.length - 1 }), fc.constantFrom(...text("0fF/x\0.\xff")));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), fc.nat({ max: good.length }), (changes, cut) => {
        const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        const { kernel, look } = unpack(bytes);
        const inodes = kernel.inspect(() => [...for_each_inode()].length);
        expect(inodes).toBeGreaterThanOrEqual(9);
        expect(inodes).toBeLessThanOrEqual(12);
        look("/link");
        look("/bin/a");
      }),
      { numRuns: 60 },
    );
  });
});

describe("system calls on files", () => {
  const body = (calls: string) => `
.globl _start
_start:
${calls}
	EXIT
fail:	negl %eax
	EXIT %eax
.data
path:	.asciz "/data"
dir:	.asciz "/dev"
null:	.asciz "/dev/null"
zero:	.asciz "/dev/zero"
none:	.asciz "/none"
.bss
buffer:	.skip 64
`;
  const files = { "/data": text("0123456789") };
  const check = (expected: string) => `\tcmpl $${expected}, %eax\n\tjne fail\n`;

  it("read a file in pieces, to its end, and again after lseek", () => {
    const { stop, output } = run(
      body(`
	SYSCALL open, $path, $0
	movl %eax, %ebp
	SYSCALL read, %ebp, $buffer, $4
	${check("4")}
	SYSCALL read, %ebp, $buffer+4, $60
	${check("6")}
	SYSCALL read, %ebp, $buffer, $60
	${check("0")}
	SYSCALL write, $1, $buffer, $10
	movl $19, %eax			# lseek(fd, -3, SEEK_END)
	movl %ebp, %ebx
	movl $-3, %ecx
	movl $2, %edx
	int $0x80
	${check("7")}
	SYSCALL read, %ebp, $buffer, $60
	${check("3")}
	SYSCALL write, $1, $buffer, $3
	movl $19, %eax			# lseek(fd, -1, SEEK_SET)
	movl %ebp, %ebx
	movl $-1, %ecx
	xorl %edx, %edx
	int $0x80
	${check("-22")}
	SYSCALL close, %ebp
	${check("0")}
	SYSCALL read, %ebp, $buffer, $1
	${check("-9")}
`),
      { files },
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
    expect(output()).toBe("0123456789789");
  });

  it("give Linux's errors", () => {
    const { stop } = run(
      body(`
	SYSCALL open, $path, $1		# O_WRONLY: the file system is read-only
	${check("-30")}
	SYSCALL open, $none, $0x40	# O_CREAT
	${check("-30")}
	SYSCALL open, $path, $0xc0	# O_CREAT | O_EXCL
	${check("-17")}
	SYSCALL open, $none, $0
	${check("-2")}
	SYSCALL open, $dir, $2
	${check("-21")}
	SYSCALL open, $dir, $0
	movl %eax, %ebp
	SYSCALL read, %ebp, $buffer, $1
	${check("-21")}
	SYSCALL read, $0x7fffffff, $buffer, $1
	${check("-9")}
	SYSCALL write, $-1, $buffer, $1
	${check("-9")}
	SYSCALL close, $31
	${check("-9")}
	SYSCALL write, $1, $0xbffff000+0x2000, $1
	${check("-14")}
	SYSCALL write, $1, $16, $1
	${check("-14")}
	SYSCALL open, $path, $0
	SYSCALL read, %eax, $16, $1
	${check("-14")}
	SYSCALL open, $path, $3		# neither reading nor writing
	SYSCALL read, %eax, $buffer, $1
	${check("-9")}
`),
      { files },
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("know /dev/null and /dev/zero", () => {
    const { stop } = run(
      body(`
	SYSCALL open, $null, $2
	movl %eax, %ebp
	SYSCALL write, %ebp, $buffer, $1000000
	${check("1000000")}
	SYSCALL read, %ebp, $buffer, $10
	${check("0")}
	SYSCALL open, $zero, $0
	movl %eax, %ebp
	movl $-1, buffer
	SYSCALL read, %ebp, $buffer, $3
	${check("3")}
	movl buffer, %eax
	${check("0xff000000")}
	SYSCALL read, %ebp, $0x1000, $3
	${check("-14")}
`),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });

  it("give out descriptors from the lowest, 32 of them", () => {
    const { stop } = run(
      body(`
	movl $3, %edi
1:	SYSCALL open, $null, $0
	cmpl %edi, %eax
	jne fail
	incl %edi
	cmpl $32, %edi
	jb 1b
	SYSCALL open, $null, $0
	${check("-24")}
	SYSCALL close, $7
	SYSCALL open, $null, $0
	${check("7")}
`),
    );
    expect(stop).toEqual({ kind: "exit", status: 0 });
  });
});

it("hard links share the contents that one of them carries", () => {
  const link = { ino: 77, nlink: 3, mode: REGULAR };
  const { content } = unpack(
    archive(
      { ...link, name: "x" },
      { ...link, name: "y", data: text("shared") },
      { ...link, name: "z" },
      { name: "w", ino: 78, nlink: 1, mode: REGULAR },
    ),
  );
  expect(["/x", "/y", "/z", "/w"].map(content)).toEqual(["shared", "shared", "shared", ""]);
});

it("runs a program by a symbolic link", () => {
  const bytes = writeCpio([
    { name: "bin", mode: DIRECTORY },
    { name: "bin/true", mode: 0o100755, data: program(".globl _start\n_start: EXIT $5\n") },
    { name: "init", mode: SYMLINK, data: text("bin/true") },
  ]);
  expect(run(".globl _start\n_start: EXIT", { initramfs: bytes }).stop).toEqual({ kind: "exit", status: 5 });
});
