/** Assembles the programs that ship with the kernel and packs them. */
import { assemble, type LinkedImage, link, writeExecutable } from "../asm/index.ts";
import { initramfs } from "../boot/index.ts";
import { includes, programs } from "./index.ts";

const FIRST_BASE = 0x08048000;
/** Each has addresses of its own, which tell a debugger whose they are. */
const BETWEEN_BASES = 0x100000;

/** Every program of `programs`, linked, by its path in the file system. */
export function link_programs(): Readonly<Record<string, LinkedImage>> {
  const linked = Object.entries(programs).map(([path, { file, text }], number) => {
    const object = assemble(text, { file, include: (name) => includes[name] });
    return [path, link([object], { textAddress: FIRST_BASE + number * BETWEEN_BASES })] as const;
  });
  return Object.fromEntries(linked);
}

/** The demo's initramfs: every program of `programs` as a static ELF. */
export function build_initramfs(): Uint8Array {
  const files = Object.entries(link_programs()).map(([path, image]) => [path, writeExecutable(image)] as const);
  return initramfs(Object.fromEntries(files));
}
