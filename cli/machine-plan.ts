/** What `esp0 machine` is to boot: the files that its options name, read and checked. */
import {
  BootError,
  bootDisk,
  bootMultiboot,
  bootRaw,
  bootRomImages,
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
import { type CommandIo, InputError, parseNumber, readInput } from "./io.ts";
import type { FileAt } from "./option-values.ts";

const MIB = 1 << 20;

/** The options that say what the machine is and what it boots. */
export interface PlanOptions {
  readonly cpus?: number;
  /** MiB. */
  readonly memory?: number;
  readonly multiboot?: string;
  readonly append?: string;
  readonly module?: readonly string[];
  readonly rom?: readonly FileAt[];
  readonly load?: readonly FileAt[];
  readonly mode?: RawMode;
  readonly reg?: readonly RegisterValue[];
  readonly disk?: readonly string[];
  /** Date and time at power-on, in seconds from 1970 UTC. */
  readonly rtc?: number;
  /** Port of the POST log. */
  readonly post?: number;
  /** Serial ports as the data sheet and the PC have them. */
  readonly strictUart?: boolean;
}

export type RegisterValue = readonly [name: RegisterName, value: number];

/** Drives that a PC has room for. */
const MOST_DISKS = 4;

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
    ...(options.rtc === undefined ? {} : { rtc: { time: options.rtc } }),
    ...(options.post === undefined ? {} : { postPort: options.post }),
    serial: { strict: options.strictUart === true },
    log,
  };
  return {
    build: () => {
      try {
        const machine = new Machine(machineOptions);
        boot(machine);
        return machine;
      } catch (error) {
        if (error instanceof BootError || error instanceof RangeError) throw new InputError(`esp0: ${error.message}`);
        throw error;
      }
    },
  };
}

type Boot = (machine: Machine) => void;

function bootWay(options: PlanOptions, io: CommandIo, log: (line: string) => void): Boot {
  const { multiboot, rom, load, mode, append, disk, module = [] } = options;
  if (multiboot === undefined && (append !== undefined || module.length > 0)) {
    throw new InputError("esp0: --append and --module go with --multiboot");
  }
  if (multiboot !== undefined && rom !== undefined) throw new InputError("esp0: either --multiboot or --rom, not both");
  const images = readImages(load ?? [], io);
  const isDisk = multiboot === undefined && rom === undefined && load === undefined && disk !== undefined;
  const isRaw = multiboot === undefined && rom === undefined && !isDisk;
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
      diskWay(machine, disk[0]!);
      setRegisters(machine, registers);
    };
  }
  const again =
    multiboot !== undefined ? multibootWay(multiboot, options, images, io) : rawWay(images, mode ?? "protected");
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
    machine.cores[0]!.halted = true;
  }
}

function multibootWay(
  path: string,
  { append, module = [] }: PlanOptions,
  images: readonly PlacedImage[],
  io: CommandIo,
): Boot {
  const kernel = readInput(io, path);
  const modules = module.map((file) => ({ bytes: readInput(io, file), string: file }));
  const commandLine = append === undefined ? path : `${path} ${append}`;
  return (machine) => {
    try {
      bootMultiboot(machine, { kernel, commandLine, modules });
    } catch (error) {
      throw error instanceof BootError ? new BootError(`${path}: ${error.message}`) : error;
    }
    loadImages(machine, images);
  };
}

function diskWay(machine: Machine, path: string): void {
  try {
    bootDisk(machine);
  } catch (error) {
    throw error instanceof BootError ? new BootError(`${path}: ${error.message}`) : error;
  }
}

function rawWay(images: readonly PlacedImage[], mode: RawMode): Boot {
  if (images.length === 0) {
    throw new InputError("esp0: nothing to boot: give --multiboot, --rom, --load or --disk (see --help)");
  }
  return (machine) => bootRaw(machine, { images, mode });
}

/** An image that ends within a sector has zeros after it. */
function readDisks(files: readonly string[], io: CommandIo): DiskOptions[] {
  if (files.length > MOST_DISKS) throw new InputError(`esp0: ${files.length} disks; a PC has room for ${MOST_DISKS}`);
  return files.map((file) => {
    const bytes = readInput(io, file);
    if (bytes.length === 0) throw new InputError(`${file}: the disk image is empty`);
    const image = new Uint8Array(Math.ceil(bytes.length / SECTOR_BYTES) * SECTOR_BYTES);
    image.set(bytes);
    return { image };
  });
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
    const register = REGISTER_NAMES.find((known) => known === name!.trim().toLowerCase());
    if (register === undefined)
      throw new RangeError(`There is no register "${name}"; known are ${REGISTER_NAMES.join(", ")}.`);
    const number = value === undefined ? undefined : parseNumber(value.trim());
    if (number === undefined || rest.length > 0)
      throw new RangeError(`${name} needs a value of at most 32 bits, as in ${name}=0x1000.`);
    return [register, number];
  });
}
