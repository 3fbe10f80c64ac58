/** The options of a recording, checked: somebody else's file is no command line that commander has looked at. */
import { REGISTER_NAMES } from "../../emulator/index.ts";
import { ConfigurationError, PRESETS, read_configuration } from "../../kernel/index.ts";
import { interleaverOf } from "../interleave-option.ts";
import { type Fields, FormatError } from "./format.ts";

type Check = (value: unknown) => boolean;

const MIB = 1 << 20;

const isNumber =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isList =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const isTextByNumber: Check = (value) =>
  typeof value === "object" &&
  value !== null &&
  Object.entries(value).every(([number, text]) => /^\d{1,3}$/.test(number) && isText(text));
const isFileAt: Check = (value) =>
  typeof value === "object" &&
  value !== null &&
  isText((value as Fields)["file"]) &&
  isNumber(0, 2 ** 32 - 1)((value as Fields)["address"]);
const isRegisterValue: Check = (value) =>
  Array.isArray(value) &&
  value.length === 2 &&
  REGISTER_NAMES.some((name) => name === value[0]) &&
  isNumber(-(2 ** 31), 2 ** 32 - 1)(value[1]);

const isInterleave: Check = (value) => {
  try {
    return typeof value === "string" && interleaverOf(value) !== undefined;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
};

const isConfiguration: Check = (value) => {
  try {
    return isList(isText)(value) && read_configuration(value as string[]) !== undefined;
  } catch (error) {
    if (error instanceof ConfigurationError) return false;
    throw error;
  }
};

/** Every option that can be in a recording. Ranges that the machine itself checks are not checked here. */
const OPTIONS: Readonly<Record<string, Check>> = {
  memory: isNumber(1, MIB),
  cpuHz: isNumber(1, 2 ** 32 - 1),
  maxInstructions: isNumber(1, Number.MAX_SAFE_INTEGER),
  memoryModel: (value) => value === "sc" || value === "tso",
  cpus: isNumber(1, 2 ** 16),
  interleave: isInterleave,
  multiboot: isText,
  append: isText,
  kernel: isText,
  initrd: isText,
  module: isList(isText),
  syscall: isTextByNumber,
  preset: (value) => PRESETS.some((preset) => preset === value),
  config: isConfiguration,
  rom: isList(isFileAt),
  load: isList(isFileAt),
  mode: (value) => value === "real" || value === "protected",
  reg: isList(isRegisterValue),
  disk: isList(isText),
  floppy: isList(isText),
  pci: isFlag,
  type: isText,
  keyboard: isText,
  rtc: isNumber(-(2 ** 40), 2 ** 40),
  post: isNumber(0, 0xffff),
  postText: isFlag,
  strictUart: isFlag,
  serial: isText,
  reboot: isFlag,
};

/** @throws FormatError for options that there are not, and values that they cannot have */
export function checkOptions(options: Fields): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
    if (check === undefined) throw new FormatError(`there is no option ${name}`);
    if (!check(value)) throw new FormatError(`the option ${name} cannot be ${JSON.stringify(value)}`);
  }
}
