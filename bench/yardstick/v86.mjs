// Runs bench.elf on the v86 package.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { printed } from "./lines.mjs";

const build = join(dirname(createRequire(import.meta.url).resolve("v86/package.json")), "build");
const { V86 } = await import(pathToFileURL(join(build, "libv86.mjs")).href);
const { buffer, byteOffset, byteLength } = readFileSync(new URL("bench.elf", import.meta.url));

const emulator = new V86({
  wasm_path: join(build, "v86.wasm"),
  memory_size: 128 << 20,
  vga_memory_size: 2 << 20,
  multiboot: { buffer: buffer.slice(byteOffset, byteOffset + byteLength) },
  autostart: true,
  disable_speaker: true,
  acpi: false,
  log_level: 0,
});
emulator.add_listener(
  "serial0-output-byte",
  printed(() => process.exit(0)),
);
