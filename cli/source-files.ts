/** Source files as the commands read them. */
import { dirname, join } from "node:path";
import { type CommandIo, InputError } from "./io.ts";

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46];

/** Whether a file says that it is ELF. */
export function isElf(bytes: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, index) => bytes[index] === byte);
}

/** Looks for an included file beside the one that includes it, then in the include path. */
export function includer(
  directories: readonly string[],
  io: CommandIo,
): (name: string, from: string) => Found | undefined {
  return (name, from) => {
    for (const directory of [dirname(from), ...directories]) {
      const file = join(directory, name);
      try {
        return { file, text: decodeText(io.readFile(file), file) };
      } catch (error) {
        if (error instanceof InputError) throw error;
      }
    }
    return undefined;
  };
}

/** As `includer`, for the bytes of a file that `.incbin` names. */
export function byteIncluder(
  directories: readonly string[],
  io: CommandIo,
): (name: string, from: string) => Uint8Array | undefined {
  return (name, from) => {
    for (const directory of [dirname(from), ...directories]) {
      try {
        return io.readFile(join(directory, name));
      } catch {
        // The next directory may have it.
      }
    }
    return undefined;
  };
}

interface Found {
  readonly file: string;
  readonly text: string;
}

/** The text of a source. @throws InputError when it is not UTF-8 */
export function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${path}: not a text file in UTF-8`);
  }
}
