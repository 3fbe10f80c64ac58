/** The first root file system: a newc cpio archive with the device nodes every program expects. */
import { type CpioFile, writeCpio } from "./cpio.ts";

const DIRECTORY = 0o040755;
const PROGRAM = 0o100755;
const CHARACTER_DEVICE = 0o020666;

/** Name, major and minor of the devices in /dev (Documentation/devices.txt). */
const devices = [
  ["console", 5, 1],
  ["null", 1, 3],
  ["ttyS0", 4, 64],
  ["zero", 1, 5],
] as const;

/** Packs executable files, by absolute path, with their directories and /dev. */
export function initramfs(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const directories = new Set<string>(["dev"]);
  for (const path of Object.keys(files)) {
    const parts = path.split("/").slice(1, -1);
    for (let i = 1; i <= parts.length; i++) directories.add(parts.slice(0, i).join("/"));
  }
  const entries: CpioFile[] = [...directories].sort().map((name) => ({ name, mode: DIRECTORY }));
  for (const [name, rdevmajor, rdevminor] of devices) {
    entries.push({ name: `dev/${name}`, mode: CHARACTER_DEVICE, rdevmajor, rdevminor });
  }
  for (const [path, data] of Object.entries(files)) entries.push({ name: path.slice(1), mode: PROGRAM, data });
  return writeCpio(entries);
}
