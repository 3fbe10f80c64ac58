/** Assembles the programs that ship with the kernel and packs them. */
import { assemble, link, writeExecutable } from "../asm/index.ts";
import { initramfs } from "../boot/index.ts";
import { includes, programs } from "./index.ts";

/** The demo's initramfs: every program of `programs` as a static ELF. */
export function build_initramfs(): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const [path, { file, text }] of Object.entries(programs)) {
    files[path] = writeExecutable(link([assemble(text, { file, include: (name) => includes[name] })], {}));
  }
  return initramfs(files);
}
