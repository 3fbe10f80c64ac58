/** What `esp0 machine` is to boot: the files that its options name, read and checked. */
import {
  BootError,
  bootDisk,
  bootLinux,
  bootMultiboot,
  bootRaw,
  bootRomImages,
  disketteBytes,
  LARGEST_DISKETTE,
  loadImages,
  type PlacedImage,
  type RawMode,
} from "../boot/index.ts";
import {
  type DiskOptions,
  Machine,
  type MachineOptions,
  REGISTER_NAMES,
  type RegisterName,
  SECTOR_BYTES,
} from "../emulator/index.ts";
import { interleaverOf } from "./interleave-option.ts";
import { type CommandIo, InputError, parseNumber, readInput } from "./io.ts";
import type { MemoryModel } from "./memory-model-option.ts";
import type { FileAt } from "./option-values.ts";

const MIB = 1 << 20;

/** The options that say what the machine is and what it boots. */
export interface PlanOptions {
  readonly cpus?: number;
  /** MiB. */
  readonly memory?: number;
  readonly multiboot?: string;
  /** A Linux kernel, and its initial ramdisk. */
  readonly kernel?: string;
  readonly initrd?: string;
  readonly append?: string;
  readonly module?: readonly string[];
  readonly rom?: readonly FileAt[];
  readonly load?: readonly FileAt[];
  readonly mode?: RawMode;
  readonly reg?: readonly RegisterValue[];
  readonly disk?: readonly string[];
  readonly floppy?: readonly string[];
  readonly pci?: boolean;
  readonly cpuHz?: number;
  readonly memoryModel?: MemoryModel;
  /** As `interleaverOf` takes it. */
  readonly interleave?: string;
  /** Text for the keyboard, typed from the start. */
  readonly type?: string;
  /** Date and time at power-on, in seconds from 1970 UTC. */
  readonly rtc?: number;
  /** Port of the POST log. */
  readonly post?: number;
  /** Serial ports as the data sheet and the PC have them. */
  readonly strictUart?: boolean;
}

export type RegisterValue = readonly [name: RegisterName, value: number];

/** Names of the options that say what a machine without a kernel of esp0's is to boot. */
export const BOOT_OPTIONS = [
  ...(["cpus", "interleave", "multiboot", "kernel", "initrd", "append", "rom", "load", "mode", "reg"] as const),
  ...(["disk", "floppy", "rtc", "type", "strictUart"] as const),
] as const;

/** Of the options given, those that make a machine what it is. */
export function planOptions(options: PlanOptions): PlanOptions {
  const names = [...BOOT_OPTIONS, "module", "memory", "pci", "cpuHz", "memoryModel", "post"] as const;
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

/** Drives that a PC has room for. */
const MOST_DISKS = 4;
const MOST_DISKETTES = 2;

/** A machine that is ready to run, as often as one is wanted: each is the same. */
export interface Plan {
  /** @throws InputError when the files do not fit the machine */
  readonly build: () => Machine;
}

/** Reads the files. @throws InputError for files that cannot be read, and options that do not go together */
export function planMachine(options: PlanOptions, io: CommandIo, log: (line: string) => void): Plan {
  const boot = bootWay(options, io, log);
  const machineOptions: MachineOptions = {
    cpus: options.cpus ?? 1,
    memoryBytes: (options.memory ?? 32) * MIB,
    disks: readDisks(options.disk ?? [], io),
    diskettes: readDiskettes(options.floppy ?? [], io),
    pci: options.pci ?? true,
    ...(options.cpuHz === undefined ? {} : { cpuHz: options.cpuHz }),
    ...(options.memoryModel === undefined ? {} : { memoryModel: options.memoryModel }),
    ...(options.rtc === undefined ? {} : { rtc: { time: options.rtc } }),
    ...(options.post === undefined ? {} : { postPort: options.post }),
    serial: { strict: options.strictUart === true },
    log,
  };
  return {
    build: () => {
      try {
        const machine = new Machine({ ...machineOptions, ...turnsOf(options) });
        boot(machine);
        machine.keyboard.type(options.type ?? "");
        return machine;
      } catch (error) {
        if (error instanceof BootError || error instanceof RangeError) throw new InputError(`esp0: ${error.message}`);
        throw error;
      }
    },
  };
}

/** Each machine has an interleaver of its own. */
function turnsOf({ interleave }: PlanOptions): Pick<MachineOptions, "interleaver"> {
  return interleave === undefined ? {} : { interleaver: interleaverOf(interleave) };
}

type Boot = (machine: Machine) => void;

function bootWay(options: PlanOptions, io: CommandIo, log: (line: string) => void): Boot {
  const { multiboot, kernel, initrd, rom, load, mode, append, disk, floppy, module = [] } = options;
  checkTogether(options);
  const images = readImages(load ?? [], io);
  const isLoaded = multiboot !== undefined || kernel !== undefined;
  const isDisk = !isLoaded && rom === undefined && load === undefined && (disk !== undefined || floppy !== undefined);
  const isRaw = !isLoaded && rom === undefined && !isDisk;
  if (!isRaw && mode !== undefined) throw new InputError("esp0: --mode is for raw images (--load alone)");
  const registers = options.reg ?? [];
  if (rom !== undefined) {
    const roms = readImages(rom, io);
    return (machine) => {
      bootRomImages(machine, roms);
      loadImages(machine, images);
      setRegisters(machine, registers);
    };
  }
  if (isDisk) {
    return (machine) => {
      named((floppy ?? disk)![0], () => bootDisk(machine));
      setRegisters(machine, registers);
    };
  }
  const again =
    multiboot !== undefined
      ? multibootWay(multiboot, append, module, images, io)
      : kernel !== undefined
        ? linuxWay(kernel, initrd, append, images, io)
        : rawWay(images, mode ?? "protected");
  return (machine) => {
    const start = () => {
      again(machine);
      setRegisters(machine, registers);
    };
    start();
    // No firmware would find what to boot after a reset.
    machine.onReset = () => restart(machine, start, log);
  };
}

/** What a guest has done to its machine may leave no room for it: it stands still then, as a PC that finds nothing to boot. */
function restart(machine: Machine, start: () => void, log: (line: string) => void): void {
  try {
    start();
  } catch (error) {
    if (!(error instanceof BootError || error instanceof RangeError)) throw error;
    log(`the machine was reset, and cannot be started again: ${error.message}`);
    machine.cores[0].halted = true;
  }
}

/** @throws InputError for options that do not go together */
function checkTogether({ multiboot, kernel, initrd, append, module = [], rom }: PlanOptions): void {
  const ways = Object.entries({ multiboot, kernel, rom }).filter(([, value]) => value !== undefined);
  if (ways.length > 1) throw new InputError(`esp0: either --${ways[0][0]} or --${ways[1][0]}, not both`);
  if (multiboot === undefined && module.length > 0) throw new InputError("esp0: --module goes with --multiboot");
  if (kernel === undefined && initrd !== undefined) throw new InputError("esp0: --initrd goes with --kernel");
  if (multiboot === undefined && kernel === undefined && append !== undefined) {
    throw new InputError("esp0: --append goes with --multiboot or --kernel");
  }
}

function linuxWay(
  path: string,
  initrdPath: string | undefined,
  commandLine: string | undefined,
  images: readonly PlacedImage[],
  io: CommandIo,
): Boot {
  const kernel = readInput(io, path);
  const initrd = initrdPath === undefined ? undefined : readInput(io, initrdPath);
  return (machine) => {
    named(path, () =>
      bootLinux(machine, {
        kernel,
        ...(commandLine === undefined ? {} : { commandLine }),
        ...(initrd === undefined ? {} : { initrd }),
      }),
    );
    loadImages(machine, images);
  };
}

function multibootWay(
  path: string,
  append: string | undefined,
  module: readonly string[],
  images: readonly PlacedImage[],
  io: CommandIo,
): Boot {
  const kernel = readInput(io, path);
  const modules = module.map((file) => ({ bytes: readInput(io, file), string: file }));
  const commandLine = append === undefined ? path : `${path} ${append}`;
  return (machine) => {
    named(path, () => bootMultiboot(machine, { kernel, commandLine, modules }));
    loadImages(machine, images);
  };
}

/** Boots; what is wrong is said with the file's name. */
function named(path: string, boot: () => void): void {
  try {
    boot();
  } catch (error) {
    throw error instanceof BootError ? new BootError(`${path}: ${error.message}`) : error;
  }
}

function rawWay(images: readonly PlacedImage[], mode: RawMode): Boot {
  if (images.length === 0) {
    throw new InputError(
      "esp0: nothing to boot: give --multiboot, --kernel, --rom, --load, --disk or --floppy (see --help)",
    );
  }
  return (machine) => bootRaw(machine, { images, mode });
}

/** An image that ends within a sector has zeros after it. */
function readDisks(files: readonly string[], io: CommandIo): DiskOptions[] {
  if (files.length > MOST_DISKS) throw new InputError(`esp0: ${files.length} disks; a PC has room for ${MOST_DISKS}`);
  return files.map((file) => readDrive(io, file, (bytes) => Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES));
}

/** An image that is no whole diskette is the beginning of one. */
function readDiskettes(files: readonly string[], io: CommandIo): DiskOptions[] {
  if (files.length > MOST_DISKETTES)
    throw new InputError(`esp0: ${files.length} diskettes; a PC has room for ${MOST_DISKETTES}`);
  return files.map((file) =>
    readDrive(io, file, (bytes) => {
      if (bytes <= LARGEST_DISKETTE) return disketteBytes(bytes);
      throw new InputError(`${file}: ${bytes} bytes are no diskette, which has up to ${LARGEST_DISKETTE}: use --disk`);
    }),
  );
}

/** @param size bytes that the drive has for an image of so many; what is not in the image is 0 */
function readDrive(io: CommandIo, file: string, size: (imageBytes: number) => number): DiskOptions {
  const bytes = readInput(io, file);
  if (bytes.length === 0) throw new InputError(`${file}: the disk image is empty`);
  const image = new Uint8Array(size(bytes.length));
  image.set(bytes);
  return { image };
}

function setRegisters(machine: Machine, registers: readonly RegisterValue[]): void {
  for (const [name, value] of registers) machine.setRegister(name, value);
}

function readImages(files: readonly FileAt[], io: CommandIo): PlacedImage[] {
  return files.map(({ file, address }) => ({ name: file, bytes: readInput(io, file), address }));
}

/** `eip=0x1000,eax=1`. @throws RangeError that says what is expected */
export function parseRegisters(text: string): RegisterValue[] {
  return text.split(",").map((assignment): RegisterValue => {
    const [name, value, ...rest] = assignment.split("=");
    const register = REGISTER_NAMES.find((known) => known === name.trim().toLowerCase());
    if (register === undefined)
      throw new RangeError(`There is no register "${name}"; known are ${REGISTER_NAMES.join(", ")}.`);
    const number = value === undefined ? undefined : parseNumber(value.trim());
    if (number === undefined || rest.length > 0)
      throw new RangeError(`${name} needs a value of at most 32 bits, as in ${name}=0x1000.`);
    return [register, number];
  });
}
