import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CpioError, type CpioFile, readCpio, writeCpio } from "../../boot/index.ts";
import { oracle } from "../oracles.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const FILES: readonly CpioFile[] = [
  { name: "bin", mode: 0o040755 },
  { name: "bin/init", mode: 0o100755, data: text("#!/bin/sh\n"), uid: 1, gid: 2, mtime: 1000000000 },
  { name: "etc/motd", mode: 0o100644, data: text("héllo") },
  { name: "dev/console", mode: 0o020600, rdevmajor: 5, rdevminor: 1 },
  { name: "bin/sh", mode: 0o120777, data: text("init") },
  { name: "empty", mode: 0o100600 },
];

const sum = (data: Uint8Array): number => data.reduce((total, byte) => total + byte, 0);

describe("writeCpio and readCpio", () => {
  it("give back the files that were put in, with the attributes that were left out made up", () => {
    const entries = readCpio(writeCpio(FILES));
    expect(entries.map(({ name }) => name)).toEqual(FILES.map(({ name }) => name));
    expect(entries.map(({ ino }) => ino)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(entries.map(({ nlink }) => nlink)).toEqual([2, 1, 1, 1, 1, 1]);
    expect(entries[1]).toMatchObject({ mode: 0o100755, uid: 1, gid: 2, mtime: 1000000000 });
    expect(entries[3]).toMatchObject({ rdevmajor: 5, rdevminor: 1 });
    expect(entries.map(({ data }) => new TextDecoder().decode(data))).toEqual([
      "",
      "#!/bin/sh\n",
      "héllo",
      "",
      "init",
      "",
    ]);
  });

  it("round-trip any names and contents", () => {
    const name = fc.string({ minLength: 1, maxLength: 40, unit: "binary" }).filter((value) => !value.includes("\0"));
    const file = fc.record({ name, mode: fc.nat(0o177777), data: fc.uint8Array({ maxLength: 50 }) });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 8 }), (files) => {
        const found = readCpio(writeCpio(files));
        expect(found.map(({ name, mode, data }) => ({ name, mode, data: [...data] }))).toEqual(
          files.map(({ name, mode, data }) => ({ name, mode, data: [...data] })),
        );
      }),
    );
  });

  it("lay out the header as newc has it", () => {
    const archive = new TextDecoder().decode(writeCpio([{ name: "a", mode: 0o100644, data: text("xyz") }]));
    expect(archive.slice(0, 112)).toBe(
      `070701${"00000001"}${"000081A4"}${"00000000".repeat(2)}${"00000001"}${"00000000"}${"00000003"}${"00000000".repeat(4)}` +
        `${"00000002"}${"00000000"}a\0`,
    );
    expect(archive.slice(112, 122)).toBe("xyz\x00070701");
    expect(archive.length % 4).toBe(0);
  });

  it("reads archives with checksums, and sees a wrong one", () => {
    const data = text("xyz");
    const archive = writeCpio([{ name: "a", mode: 0o100644, data }]);
    const check = sum(data).toString(16).padStart(8, "0");
    archive.set(text("070702"), 0);
    archive.set(text(check), 102);
    expect(readCpio(archive)).toHaveLength(1);
    archive[112] ^= 1;
    expect(() => readCpio(archive)).toThrow(/'a' has checksum \d+ instead of \d+ \(at archive offset 0x70\)/);
  });

  it("refuses names that an archive cannot hold", () => {
    for (const name of ["", "TRAILER!!!", "a\0b", "x".repeat(4096)]) {
      expect(() => writeCpio([{ name, mode: 0o100644 }])).toThrow(RangeError);
    }
  });
});

describe("readCpio on damaged archives", () => {
  const archive = writeCpio(FILES);
  const damaged = (offset: number, value: string): Uint8Array => {
    const copy = archive.slice();
    copy.set(text(value), offset);
    return copy;
  };

  it.each([
    ["nothing", new Uint8Array(0), /ends without a TRAILER!!! entry \(at archive offset 0x0\)/],
    ["another file", text("#!/bin/sh\n".repeat(20)), /no newc header: expected 070701, found "#!\/bin"/],
    ["the old format", damaged(0, "070707"), /old portable format/],
    ["a field of other letters", damaged(6 + 8, "0000zz00"), /mode is no hexadecimal number: "0000zz00" .*0xe\)/],
    ["a name of no bytes", damaged(6 + 11 * 8, "00000000"), /a name of 0 bytes/],
    ["a name beyond measure", damaged(6 + 11 * 8, "FFFFFFFF"), /a name of 4294967295 bytes/],
    ["a name without end", damaged(110, "abcd"), /does not end with its only NUL/],
    ["a file larger than the archive", damaged(6 + 6 * 8, "FFFFFFF0"), /ends within 'bin', which has 4294967280 bytes/],
  ])("tells of %s", (_, bytes, message) => {
    expect(() => readCpio(bytes)).toThrow(CpioError);
    expect(() => readCpio(bytes)).toThrow(message);
  });

  it("only ever throws CpioError, wherever it is cut or changed", () => {
    const survives = (bytes: Uint8Array): void => {
      try {
        readCpio(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(CpioError);
      }
    };
    for (let length = 0; length < archive.length; length++) survives(archive.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(archive.length - 1), fc.nat(255), (offset, value) => {
        const copy = archive.slice();
        copy[offset] = value;
        survives(copy);
      }),
      { numRuns: 500 },
    );
  });
});

const hasCpio = oracle("GNU cpio", spawnSync("cpio", ["--version"]).status === 0);

describe.skipIf(!hasCpio)("GNU cpio", () => {
  it("lists our archive, and we read its", () => {
    const directory = mkdtempSync(join(tmpdir(), "esp0-cpio-"));
    try {
      const listed = execFileSync("cpio", ["-t", "--quiet"], { input: writeCpio(FILES), encoding: "utf8" });
      expect(listed.trim().split("\n")).toEqual(FILES.map(({ name }) => name));
      writeFileSync(join(directory, "file"), "contents\n");
      const made = execFileSync("cpio", ["-o", "-H", "newc", "--quiet"], { cwd: directory, input: "file\n" });
      const [entry] = readCpio(made);
      expect(entry.name).toBe("file");
      expect(new TextDecoder().decode(entry.data)).toBe("contents\n");
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
