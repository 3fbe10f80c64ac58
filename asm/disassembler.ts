/** Machine code to AT&T text. The decoder is iced-x86, compiled to WebAssembly, which is loaded when first asked for. */
import type * as Iced from "iced-x86";

export interface DisassembledInstruction {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** GNU as syntax, operands aligned to column 8; branch targets and absolute operands followed by their symbols. */
  readonly text: string;
}

export interface SymbolReference {
  readonly name: string;
  /** Bytes from the symbol's address. */
  readonly offset: number;
}

export interface DisassembleOptions {
  /** Size of operands and addresses without prefixes; 32 if not given. */
  readonly bits?: 16 | 32;
  /** The most instructions to decode; all if not given. */
  readonly limit?: number;
  /** Names the place of a branch's target, or nothing. */
  readonly codeSymbol?: (address: number) => SymbolReference | undefined;
  /** Names an address that an operand holds, or nothing if it is a mere number. */
  readonly dataSymbol?: (address: number) => SymbolReference | undefined;
}

/**
 * Decodes all of `bytes`, the first of which lies at `address`.
 * Bytes that are no instruction come out one at a time as `(bad)`; 0F 3F imm16 as `hostcall $imm16`.
 */
export type Disassembler = (
  bytes: Uint8Array,
  address: number,
  options?: DisassembleOptions,
) => DisassembledInstruction[];

/** `name` or `name+0x10`. */
export function formatReference({ name, offset }: SymbolReference): string {
  return offset === 0 ? name : `${name}+0x${offset.toString(16)}`;
}

const HOSTCALL_LENGTH = 4;

/** Numbers below this are taken for sizes, offsets and flags, not for addresses. */
const LEAST_ADDRESS = 0x1000;

const hex = (value: number): string => value.toString(16);

class IcedDisassembler {
  private readonly formatter: Iced.Formatter;
  private readonly instruction: Iced.Instruction;

  constructor(private readonly iced: typeof Iced) {
    const formatter = new iced.Formatter(iced.FormatterSyntax.Gas);
    formatter.hexPrefix = "0x";
    formatter.uppercaseHex = false;
    formatter.firstOperandCharIndex = 7;
    formatter.spaceAfterOperandSeparator = false;
    formatter.branchLeadingZeros = false;
    formatter.signedImmediateOperands = false;
    formatter.smallHexNumbersInDecimal = false;
    this.formatter = formatter;
    this.instruction = new iced.Instruction();
  }

  disassemble(bytes: Uint8Array, address: number, options: DisassembleOptions): DisassembledInstruction[] {
    const { bits = 32, limit = Number.POSITIVE_INFINITY } = options;
    const decoder = new this.iced.Decoder(bits, bytes, this.iced.DecoderOptions.None);
    const found: DisassembledInstruction[] = [];
    try {
      let position = 0;
      while (position < bytes.length && found.length < limit) {
        const at = (address + position) >>> 0;
        const { length, text } = this.decodeAt(decoder, bytes, position, at, options);
        found.push({ address: at, bytes: bytes.subarray(position, position + length), text });
        position += length;
      }
    } finally {
      decoder.free();
    }
    return found;
  }

  private decodeAt(
    decoder: Iced.Decoder,
    bytes: Uint8Array,
    position: number,
    address: number,
    options: DisassembleOptions,
  ): { length: number; text: string } {
    const isHostcall = bytes[position] === 0x0f && bytes[position + 1] === 0x3f;
    if (isHostcall && position + HOSTCALL_LENGTH <= bytes.length) {
      const number = bytes[position + 2] | (bytes[position + 3] << 8);
      return { length: HOSTCALL_LENGTH, text: `hostcall $0x${hex(number)}` };
    }
    decoder.position = position;
    decoder.ip = BigInt(address);
    decoder.decodeOut(this.instruction);
    if (this.instruction.isInvalid) return { length: 1, text: "(bad)" };
    return { length: this.instruction.length, text: this.annotated(options) };
  }

  private annotated({ codeSymbol, dataSymbol }: DisassembleOptions): string {
    const { instruction, iced } = this;
    const text = this.formatter.format(instruction);
    const target = Number(instruction.nearBranchTarget);
    const isNearBranch =
      instruction.opCount === 1 &&
      (instruction.op0Kind === iced.OpKind.NearBranch32 || instruction.op0Kind === iced.OpKind.NearBranch16);
    if (isNearBranch) {
      const symbol = codeSymbol?.(target);
      // The address as objdump prints it, without 0x.
      const plain = text.replace(/0x([0-9a-f]+)$/, "$1");
      return symbol === undefined ? plain : `${plain} <${formatReference(symbol)}>`;
    }
    if (dataSymbol === undefined) return text;
    for (let operand = 0; operand < instruction.opCount; operand++) {
      const value = this.addressIn(operand);
      const symbol = value === undefined || value < LEAST_ADDRESS ? undefined : dataSymbol(value);
      if (symbol !== undefined) return `${text}  # <${formatReference(symbol)}>`;
    }
    return text;
  }

  /** The number in an operand that may be an address: a displacement or a 32-bit immediate. */
  private addressIn(operand: number): number | undefined {
    const { OpKind } = this.iced;
    const kind = this.instruction.opKind(operand);
    if (kind === OpKind.Memory) return Number(this.instruction.memoryDisplacement & 0xffff_ffffn);
    return kind === OpKind.Immediate32 ? this.instruction.immediate32 : undefined;
  }
}

let loaded: Promise<Disassembler> | undefined;

/** Loads the decoder (some 100 ms, once) and returns the function that uses it. */
export function loadDisassembler(): Promise<Disassembler> {
  loaded ??= import("iced-x86").then((iced) => {
    const disassembler = new IcedDisassembler(iced);
    return (bytes, address, options = {}) => disassembler.disassemble(bytes, address, options);
  });
  return loaded;
}

/** Loads the decoder if need be and disassembles. @see Disassembler */
export async function disassemble(
  bytes: Uint8Array,
  address: number,
  options?: DisassembleOptions,
): Promise<DisassembledInstruction[]> {
  return (await loadDisassembler())(bytes, address, options);
}
