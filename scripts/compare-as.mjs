/**
 * Compares the assembler with GNU as over hand-written assembly that Debian's sources bring:
 * `node scripts/build.mjs`, then `node scripts/compare-as.mjs [PACKAGE...] [--keep DIRECTORY]`.
 *
 * Fetches the sources of the packages (with apt-get, into the directory, by default a temporary one), lets gcc preprocess
 * their i386 `.S` files, and compares bytes, relocations and symbols of what both assemblers make. Files that GNU as
 * refuses too, for want of headers that only a configured source has, are counted apart. Needs apt-get, dpkg-dev, gcc.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { AssemblyError, assemble, objectFromElf, readElf } from "../dist/asm.js";

const { values, positionals } = parseArgs({
  options: { keep: { type: "string" }, suite: { type: "string", default: "bookworm" } },
  allowPositionals: true,
});

/**
 * Where each package has its i386 code, and the headers that it includes; `generated` are those that its build makes, for
 * which empty ones will do in nearly all of its files.
 */
const PACKAGES = {
  musl: { only: /i386/, headers: ["arch/i386", "arch/generic", "src/internal", "include"] },
  klibc: { only: /i386/, headers: ["usr/include", "usr/include/arch/i386"] },
  dietlibc: { only: /i386|syscalls\.s/, headers: [".", "i386", "include"], flags: ["-D__dietlibc__"] },
  seabios: { only: /./, headers: ["src", "vgasrc"] },
  syslinux: { only: /^(?!.*(64|gpxe))/, headers: ["com32/include", "com32/lib", "com32/lib/sys", "com32/lib/i386"] },
  glibc: {
    only: /sysdeps.*i386/,
    headers: ["include", "sysdeps/i386/fpu", "sysdeps/i386/nptl", "sysdeps/i386", "sysdeps/x86/fpu", "sysdeps/x86"]
      .concat(["i386", "x86", ""].map((part) => `sysdeps/unix/sysv/linux/${part}`))
      .concat(["sysdeps/unix/i386", "sysdeps/unix", "sysdeps/ieee754/ldbl-96", "sysdeps/ieee754", "sysdeps/nptl"])
      .concat(["sysdeps/generic", "math", "."]),
    flags: ["-DMODULE_NAME=libc", "-DMODULE_libc=1", "-DTOP_NAMESPACE=glibc", "-include", "libc-symbols.h"],
    generated: `abi-versions config first-versions jmp_buf-ssp libc-modules link-defines locale-defines lowlevellock
      pthread-errnos rtld-offsets signal-defines tcb-offsets tlsdesc ucontext_i`,
  },
};

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: "utf8", ...options });
  if (result.error !== undefined) throw result.error;
  return result;
}

/** The directory of a package's source, fetched if it is not there. */
function fetchSource(name, root) {
  const target = join(root, name);
  if (existsSync(target)) return target;
  const apt = join(root, "apt");
  for (const part of ["lists/partial", "cache/archives/partial"]) mkdirSync(join(apt, part), { recursive: true });
  const list = join(apt, "sources.list");
  const options = [`Dir::Etc::sourcelist=${list}`, "Dir::Etc::sourceparts=/dev/null", `Dir::State::lists=${apt}/lists`]
    .concat([`Dir::Cache=${apt}/cache`])
    .flatMap((option) => ["-o", option]);
  if (!existsSync(list)) {
    const key = "/usr/share/keyrings/debian-archive-keyring.gpg";
    writeFileSync(list, `deb-src [signed-by=${key}] http://deb.debian.org/debian ${values.suite} main\n`);
    run("apt-get", [...options, "update"]);
  }
  run("apt-get", [...options, "source", "--download-only", name], { cwd: root });
  const description = readdirSync(root).find((file) => file.startsWith(`${name}_`) && file.endsWith(".dsc"));
  if (description === undefined) throw new Error(`${name}: apt-get found no source`);
  run("dpkg-source", ["--no-check", "-x", description, name], { cwd: root });
  return target;
}

function* sourcesIn(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* sourcesIn(path);
    else if (/\.[sS]$/.test(entry.name) && entry.isFile()) yield path;
  }
}

const hex = (value) => (value >>> 0).toString(16);

/** An object as text: sections with bytes and relocations, and the symbols. */
function describe({ sections, symbols }) {
  const place = ({ section, value }) => `${section?.name ?? section}+${hex(value)}`;
  const target = ({ name, type, section }) => (type === "section" ? section.name : name);
  const lines = sections
    .filter(({ size }) => size > 0)
    .flatMap(({ name, type, flags, entrySize, alignment, size, data, relocations }) => [
      `${name} ${type} ${hex(flags)} ${entrySize} ${alignment} ${size} ${Buffer.from(data).toString("hex")}`,
      ...[...relocations]
        .sort((a, b) => a.offset - b.offset)
        .map((relocation) => `${hex(relocation.offset)} ${relocation.type} ${target(relocation.symbol)}`),
    ]);
  const named = symbols.filter(({ name, type }) => name !== "" && type !== "section" && type !== "file");
  const records = named.map((symbol) => {
    const { name, binding, type, visibility = "default", size } = symbol;
    return `${name} ${binding} ${type} ${visibility} ${place(symbol)} ${size}`;
  });
  return [...lines, ...records.sort()].join("\n");
}

/** `same`, `differs`, `refused` (by this assembler alone), `neither` or, if only GNU as refuses the source, `taken`. */
function compare(path, { headers, flags = [], generated = "" }, root, scratch) {
  const source = join(scratch, "source.s");
  const object = join(scratch, "object.o");
  const made = join(scratch, "generated");
  mkdirSync(made, { recursive: true });
  for (const name of generated.split(/\s+/)) writeFileSync(join(made, `${name}.h`), "");
  const directories = [dirname(path), ...headers.map((directory) => join(root, directory)), made];
  const include = directories.flatMap((name) => ["-I", name]);
  const options = ["-m32", "-fno-pic", "-E", "-x", "assembler-with-cpp", ...flags, ...include, path, "-o", source];
  if (run("gcc", options).status !== 0) return { outcome: "neither" };
  // GNU as puts frames into .eh_frame if nothing else is said.
  writeFileSync(source, `.cfi_sections .debug_frame\n${readFileSync(source, "utf8")}`);
  const isGnu = run("as", ["--32", "-o", object, source]).status === 0;
  try {
    const ours = describe(assemble(readFileSync(source, "utf8"), { file: path }));
    if (!isGnu) return { outcome: "taken" };
    return { outcome: ours === describe(objectFromElf(readElf(readFileSync(object)))) ? "same" : "differs" };
  } catch (error) {
    if (!(error instanceof AssemblyError)) throw error;
    return isGnu ? { outcome: "refused", reason: error.message.split("\n")[0] } : { outcome: "neither" };
  }
}

const root = values.keep ?? mkdtempSync(join(tmpdir(), "compare-as-"));
mkdirSync(root, { recursive: true });
const scratch = mkdtempSync(join(tmpdir(), "compare-as-"));
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(PACKAGES)) {
    const settings = PACKAGES[name];
    if (settings === undefined) throw new Error(`${name}: not one of ${Object.keys(PACKAGES).join(", ")}`);
    const directory = fetchSource(name, root);
    const counts = { same: 0, differs: 0, refused: 0, taken: 0, neither: 0 };
    for (const path of sourcesIn(directory)) {
      if (!settings.only.test(path.slice(directory.length))) continue;
      const { outcome, reason } = compare(path, settings, directory, scratch);
      counts[outcome]++;
      if (outcome === "differs" || outcome === "refused")
        console.log(`${outcome} ${path}${reason ? `: ${reason}` : ""}`);
    }
    console.log(name, JSON.stringify(counts));
  }
} finally {
  rmSync(scratch, { recursive: true });
  if (values.keep === undefined) rmSync(root, { recursive: true });
}
