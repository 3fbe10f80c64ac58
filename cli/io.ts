/** What commands see of the world outside, so that tests can stand in for it. */

export interface CommandIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** @throws Error if the file cannot be read */
  readonly readFile: (path: string) => Uint8Array;
  /**
   * @param mode permissions of a new file before the umask
   * @throws Error if the file cannot be written
   */
  readonly writeFile: (path: string, contents: Uint8Array | string, mode: number) => void;
  /** Creates or empties a file that is written piece by piece. @throws Error if it cannot be written */
  readonly openFile: (path: string) => OutputFile;
  /** Makes a directory, with those it is in, unless it is there. @throws Error if it cannot be made */
  readonly makeDirectory: (path: string) => void;
  /** Takes the command's exit status; a command that fails calls it once. */
  readonly exitStatus: (status: number) => void;
}

/** A file being written. */
export interface OutputFile {
  /** @throws Error if the file cannot be written */
  readonly write: (text: string) => void;
  readonly close: () => void;
}

/** Exit status for wrong usage and for input that cannot be used. */
export const STATUS_BAD_INPUT = 2;

/** Something wrong with what the user gave; its message, which names the file or option, goes to stderr as it is. */
export class InputError extends Error {
  override readonly name: string = "InputError";
  /** The command's exit status. */
  readonly status: number = STATUS_BAD_INPUT;
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  EEXIST: "is not a directory",
  ENOTDIR: "part of the path is not a directory",
  ENOSPC: "no space left on the device",
  EROFS: "the file system is read-only",
  EIO: "input/output error",
};

/** What a file operation failed with, in words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return (code !== undefined && FILE_ERRORS[code]) || error.message;
}

/** @throws InputError that names the file */
export function readInput(io: CommandIo, path: string): Uint8Array {
  try {
    return io.readFile(path);
  } catch (error) {
    throw new InputError(`${path}: cannot be read: ${reasonOf(error)}`);
  }
}

/** Permissions of new files, before the umask. */
export const MODE_FILE = 0o666;
export const MODE_PROGRAM = 0o777;

/** @throws InputError that names the file */
export function writeOutput(io: CommandIo, path: string, contents: Uint8Array | string, mode = MODE_FILE): void {
  try {
    io.writeFile(path, contents, mode);
  } catch (error) {
    throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
  }
}

/** A file to write piece by piece; @throws InputError that names it, here and from `write` */
export function openOutput(io: CommandIo, path: string): OutputFile {
  const checked = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      throw new InputError(`${path}: cannot be written: ${reasonOf(error)}`);
    }
  };
  const file = checked(() => io.openFile(path));
  return { write: (text) => checked(() => file.write(text)), close: () => checked(file.close) };
}

/** @throws InputError that names the directory */
export function makeOutputDirectory(io: CommandIo, path: string): void {
  try {
    io.makeDirectory(path);
  } catch (error) {
    throw new InputError(`${path}: cannot be made: ${reasonOf(error)}`);
  }
}

/** Runs a command; what is wrong with its input becomes a message on stderr and an exit status. */
export async function reporting(io: CommandIo, command: () => void | Promise<void>): Promise<number> {
  try {
    await command();
    return 0;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    io.stderr(`${error.message}\n`);
    io.exitStatus(error.status);
    return error.status;
  }
}

/** A number as C writes it: decimal, 0x hexadecimal, 0 octal, 0b binary; undefined if it is none of 32 bits. */
export function parseNumber(text: string): number | undefined {
  const match = /^(-?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (match === null) return undefined;
  const isOctal = /^0[0-7]+$/.test(match[2]);
  const value = isOctal ? Number.parseInt(match[2], 8) : Number(match[2]);
  const signed = match[1] === "-" ? -value : value;
  return signed < -0x8000_0000 || signed > 0xffff_ffff ? undefined : signed;
}
