/** `--module` and `--syscall`: kernel modules in TypeScript that are compiled when the command starts, and linked in. */
import { type Command, InvalidArgumentError } from "commander";
import { LinkError } from "../asm/index.ts";
import { DefinedTwiceError, type KernelImage, link_kernel, SystemCallError } from "../kernel/index.ts";
import { prebuiltKernel } from "../prebuilt/index.ts";
import { type CommandIo, InputError, writeOutput } from "./io.ts";

/** What of the user's goes into the kernel, and where the linked kernel goes. */
export interface KernelOptions {
  /** Kernel modules to compile and link. */
  readonly module?: readonly string[];
  /** Functions by system call number. */
  readonly syscall?: Readonly<Record<number, string>>;
  /** File for the linked kernel. */
  readonly vmlinux?: string | undefined;
  /** More than one take a kernel for several. */
  readonly cpus?: number;
}

const LAST_SYSTEM_CALL = 511;

/** `250=sys_mine`, added to those before. */
function systemCall(text: string, before: Readonly<Record<number, string>> = {}): Record<number, string> {
  const [, number, name] = /^(\d{1,3})=([A-Za-z_]\w*)$/.exec(text) ?? [];
  if (name === undefined || Number(number) > LAST_SYSTEM_CALL)
    throw new InvalidArgumentError(`It is NUMBER=FUNCTION with a number up to ${LAST_SYSTEM_CALL}: 250=sys_mine.`);
  const other = before[Number(number)];
  if (other !== undefined) throw new InvalidArgumentError(`${number} is ${other} already.`);
  return { ...before, [Number(number)]: name };
}

function repeated(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Adds `--syscall` and `--vmlinux`. */
export function addKernelOptions(command: Command): Command {
  return command
    .option("--syscall <N=FUNCTION>", "make a function a system call; may be repeated", systemCall)
    .option("--vmlinux <FILE>", "write the linked kernel to FILE: what GDB reads of a kernel with modules");
}

/** Adds `--module`. */
export function addModuleOption(command: Command, what = ""): Command {
  return command.option(
    "--module <FILE>",
    `compile a kernel module and link it into the kernel; may be repeated${what}`,
    repeated,
  );
}

/** The kernel, with modules of the user's. @throws InputError for modules that cannot be compiled, loaded or linked */
export async function kernelWith(
  { module = [], syscall = {}, vmlinux, cpus = 1 }: KernelOptions,
  io: CommandIo,
): Promise<KernelImage> {
  const isOwn = module.length === 0 && Object.keys(syscall).length === 0;
  const image = isOwn ? prebuiltKernel(cpus > 1) : await linkedWith(module, syscall, cpus > 1, io);
  if (vmlinux !== undefined) writeOutput(io, vmlinux, image.elf());
  return image;
}

async function linkedWith(
  files: readonly string[],
  system_calls: Readonly<Record<number, string>>,
  smp: boolean,
  io: CommandIo,
): Promise<KernelImage> {
  const { loadModules } = await import("./module-loader.ts");
  const modules = await loadModules(files, io);
  try {
    return link_kernel({ modules, system_calls, smp });
  } catch (error) {
    if (error instanceof SystemCallError) {
      const lines = error.calls.map(
        ({ number, symbol, place, why }) => `${place ?? "esp0"}: --syscall ${number}=${symbol}: ${why}`,
      );
      throw new InputError(lines.join("\n"));
    }
    if (error instanceof DefinedTwiceError) throw new InputError(error.message);
    if (error instanceof LinkError) throw new InputError(`esp0: ${error.message}`);
    throw error;
  }
}
