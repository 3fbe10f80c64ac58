/** Files and streams in memory, and a program to run commands with. */
import { Command, CommanderError } from "commander";
import type { CommandIo, OutputFile } from "../../cli/io.ts";

export class FakeIo implements CommandIo {
  out = "";
  errors = "";
  status = 0;
  readonly files = new Map<string, Uint8Array>();
  readonly modes = new Map<string, number>();

  constructor(files: Readonly<Record<string, string | Uint8Array>>) {
    for (const [path, contents] of Object.entries(files)) this.writeFile(path, contents, 0o666);
  }

  readonly stdout = (text: string): void => {
    this.out += text;
  };

  readonly stderr = (text: string): void => {
    this.errors += text;
  };

  readonly readFile = (path: string): Uint8Array => {
    const contents = this.files.get(path);
    if (contents === undefined) throw Object.assign(new Error(`open '${path}'`), { code: "ENOENT" });
    return contents;
  };

  writeFile(path: string, contents: string | Uint8Array, mode: number): void {
    if (path.startsWith("/readonly/")) throw Object.assign(new Error(`open '${path}'`), { code: "EROFS" });
    this.modes.set(path, mode);
    this.files.set(path, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
  }

  readonly openFile = (path: string): OutputFile => {
    let text = "";
    this.writeFile(path, text, 0o666);
    return {
      write: (more) => {
        text += more;
        this.writeFile(path, text, 0o666);
      },
      close: () => {},
    };
  };

  readonly directories: string[] = [];

  readonly makeDirectory = (path: string): void => {
    if (path.startsWith("/readonly/")) throw Object.assign(new Error(`mkdir '${path}'`), { code: "EROFS" });
    this.directories.push(path);
  };

  readonly exitStatus = (status: number): void => {
    this.status = status;
  };

  text(path: string): string {
    return new TextDecoder().decode(this.readFile(path));
  }
}

/** Runs `esp0 ARGUMENTS` with one command registered. A usage error that commander finds gives status 2. */
export async function runCommand(
  io: FakeIo,
  register: (program: Command, io: CommandIo) => void,
  ...args: readonly string[]
): Promise<number> {
  const program = new Command("esp0").exitOverride();
  program.configureOutput({ writeOut: io.stdout, writeErr: io.stderr });
  register(program, io);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  return io.status;
}
