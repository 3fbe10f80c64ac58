/** The kernel that a command takes: how it is configured, and with which modules in TypeScript, compiled when the command starts. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { LinkError } from "../asm/index.ts";
import {
  type Configuration,
  ConfigurationError,
  configuration,
  DefinedTwiceError,
  type KernelImage,
  link_kernel,
  PRESETS,
  type Preset,
  read_configuration,
  SystemCallError,
} from "../kernel/index.ts";
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
  readonly preset?: Preset;
  /** Texts `KEY=VALUE`. */
  readonly config?: readonly string[];
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

/** `hz=1000`, added to those before. */
function configured(text: string, before: readonly string[] = []): string[] {
  try {
    read_configuration([text]);
  } catch (error) {
    if (error instanceof ConfigurationError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
  return [...before, text];
}

/** Adds `--preset`, `--config`, `--syscall` and `--vmlinux`. */
export function addKernelOptions(command: Command): Command {
  return command
    .addOption(new Option("--preset <NAME>", "which Linux the kernel is like (default: 2.4)").choices(PRESETS))
    .option("--config <KEY=VALUE>", "configure the kernel, see `esp0 config`; may be repeated", configured)
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

/** How a kernel is configured by what a command says. */
export function configurationOf({ cpus = 1, preset, config = [] }: KernelOptions): Configuration {
  return configuration({ smp: cpus > 1, ...read_configuration(config) }, preset);
}

/**
 * The kernel, configured and with modules of the user's.
 * @throws InputError for configurations that cannot be, and for modules that cannot be compiled, loaded or linked
 */
export async function kernelWith(options: KernelOptions, io: CommandIo): Promise<KernelImage> {
  const { module = [], syscall = {}, vmlinux } = options;
  const isOwn = module.length === 0 && Object.keys(syscall).length === 0;
  const modules = isOwn ? [] : await (await import("./module-loader.ts")).loadModules(module, io);
  const image = linked(() => {
    const config = configurationOf(options);
    return isOwn ? prebuiltKernel(config) : link_kernel({ modules, system_calls: syscall, config });
  });
  if (vmlinux !== undefined) writeOutput(io, vmlinux, image.elf());
  return image;
}

function linked(link: () => KernelImage): KernelImage {
  try {
    return link();
  } catch (error) {
    if (error instanceof SystemCallError) {
      const lines = error.calls.map(
        ({ number, symbol, place, why }) => `${place ?? "esp0"}: --syscall ${number}=${symbol}: ${why}`,
      );
      throw new InputError(lines.join("\n"));
    }
    if (error instanceof DefinedTwiceError) throw new InputError(error.message);
    if (error instanceof LinkError || error instanceof ConfigurationError)
      throw new InputError(`esp0: ${error.message}`);
    throw error;
  }
}
