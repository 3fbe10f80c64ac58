/** Debugging sections of an object, which a linker will relocate. */
import { R_386_32, R_386_PC32, type Section, SHF_ALLOC, SHT_PROGBITS } from "../object-file.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** Sections with the contents of `writers`, by name. `.eh_frame` is loaded with the program, the others are not. */
export function relocatableSections(writers: ReadonlyMap<string, ByteWriter>): Section[] {
  const made = new Map<string, Section>();
  for (const [name, writer] of writers) {
    const data = writer.toBytes();
    const isFrames = name.endsWith("_frame");
    made.set(name, {
      name,
      type: SHT_PROGBITS,
      flags: name === ".eh_frame" ? SHF_ALLOC : 0,
      entrySize: 0,
      alignment: isFrames ? 4 : 1,
      data,
      size: data.length,
      relocations: [],
    });
  }
  for (const [name, { references }] of writers) {
    made.get(name)!.relocations = references.map(({ offset, target, isRelative }) => {
      const section = typeof target === "string" ? made.get(target)! : target;
      return {
        offset,
        type: isRelative ? R_386_PC32 : R_386_32,
        symbol: { name: section.name, binding: "local", type: "section", section, value: 0, size: 0 },
      };
    });
  }
  return [...made.values()];
}
