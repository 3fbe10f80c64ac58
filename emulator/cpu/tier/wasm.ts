/** Writing WebAssembly: function bodies with labels instead of depths, and modules of them (WebAssembly 2.0, chapter 5). */

export const I32 = 0x7f;
export const I64 = 0x7e;
const EMPTY = 0x40;

/** Instructions without operands. */
export const UNREACHABLE = 0x00;
const BLOCK = 0x02;
const LOOP = 0x03;
const IF = 0x04;
const ELSE = 0x05;
const END = 0x0b;
const BR = 0x0c;
const BR_IF = 0x0d;
const BR_TABLE = 0x0e;
const RETURN = 0x0f;
const CALL = 0x10;
const RETURN_CALL_INDIRECT = 0x13;
export const DROP = 0x1a;
export const SELECT = 0x1b;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;

/** Loads and stores. */
export const I32_LOAD = 0x28;
export const I32_LOAD8_U = 0x2d;
export const I32_LOAD16_U = 0x2f;
export const I32_STORE = 0x36;
export const I32_STORE8 = 0x3a;
export const I32_STORE16 = 0x3b;

/** Before the number of an instruction. */
const PREFIX = 0xfc;
const MEMORY_COPY = 10;
const MEMORY_FILL = 11;

const I32_CONST = 0x41;
const I64_CONST = 0x42;
export const I32_EQZ = 0x45;
export const I32_EQ = 0x46;
export const I32_NE = 0x47;
export const I32_LT_S = 0x48;
export const I32_LT_U = 0x49;
export const I32_GT_S = 0x4a;
export const I32_GT_U = 0x4b;
export const I32_LE_S = 0x4c;
export const I32_LE_U = 0x4d;
export const I32_GE_U = 0x4f;
export const I32_CLZ = 0x67;
export const I32_CTZ = 0x68;
export const I32_POPCNT = 0x69;
export const I32_ADD = 0x6a;
export const I32_SUB = 0x6b;
export const I32_MUL = 0x6c;
export const I32_DIV_S = 0x6d;
export const I32_DIV_U = 0x6e;
export const I32_REM_S = 0x6f;
export const I32_REM_U = 0x70;
export const I32_AND = 0x71;
export const I32_OR = 0x72;
export const I32_XOR = 0x73;
export const I32_SHL = 0x74;
export const I32_SHR_S = 0x75;
export const I32_SHR_U = 0x76;
export const I32_ROTL = 0x77;
export const I32_ROTR = 0x78;
export const I64_MUL = 0x7e;
export const I64_DIV_U = 0x80;
export const I64_REM_U = 0x82;
export const I64_OR = 0x84;
export const I64_SHL = 0x86;
export const I64_SHR_U = 0x88;
export const I32_WRAP_I64 = 0xa7;
export const I64_EXTEND_I32_S = 0xac;
export const I64_EXTEND_I32_U = 0xad;
export const I32_EXTEND8_S = 0xc0;
export const I32_EXTEND16_S = 0xc1;

/** Bytes that grow. */
class Bytes {
  #bytes = new Uint8Array(1024);
  length = 0;

  push(byte: number): void {
    if (this.length === this.#bytes.length) this.#grow(this.length + 1);
    this.#bytes[this.length++] = byte;
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#bytes.length) this.#grow(this.length + bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** LEB128, unsigned. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.push((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.push(rest);
  }

  /** LEB128, signed, of an int32. */
  signed(value: number): void {
    let rest = value | 0;
    while (rest < -64 || rest > 63) {
      this.push((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.push(rest & 0x7f);
  }

  take(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  #grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, atLeast));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** A place to branch to: the end of a block, the beginning of a loop. */
export interface Label {
  readonly height: number;
}

/** The body of one function. Locals are numbered, parameters first. */
export class Code {
  readonly #bytes = new Bytes();
  readonly #types: number[] = [];
  readonly #parameters: number;
  /** Labels open; the first is the body itself. */
  #height = 1;

  /** @param parameters how many the function has */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Bytes written. */
  get length(): number {
    return this.#bytes.length;
  }

  /** A new local of a type, 0 at first. */
  local(type: number): number {
    this.#types.push(type);
    return this.#parameters + this.#types.length - 1;
  }

  op(opcode: number): void {
    this.#bytes.push(opcode);
  }

  get(local: number): void {
    this.#bytes.push(LOCAL_GET);
    this.#bytes.unsigned(local);
  }

  set(local: number): void {
    this.#bytes.push(LOCAL_SET);
    this.#bytes.unsigned(local);
  }

  tee(local: number): void {
    this.#bytes.push(LOCAL_TEE);
    this.#bytes.unsigned(local);
  }

  constant(value: number): void {
    this.#bytes.push(I32_CONST);
    this.#bytes.signed(value);
  }

  constant64(value: number): void {
    this.#bytes.push(I64_CONST);
    this.#bytes.signed(value);
  }

  /** @param offset added to the address; not negative */
  memory(opcode: number, offset = 0): void {
    this.#bytes.push(opcode);
    this.#bytes.push(0);
    this.#bytes.unsigned(offset);
  }

  /** Copies within memory: destination, source and length are on the stack. */
  copyMemory(): void {
    this.#bytes.append(Uint8Array.of(PREFIX, MEMORY_COPY, 0, 0));
  }

  /** Fills memory with a byte: destination, value and length are on the stack. */
  fillMemory(): void {
    this.#bytes.append(Uint8Array.of(PREFIX, MEMORY_FILL, 0));
  }

  /** @param type of the value that the block ends with */
  block(type = EMPTY): Label {
    return this.#open(BLOCK, type);
  }

  loop(): Label {
    return this.#open(LOOP, EMPTY);
  }

  if(type = EMPTY): Label {
    return this.#open(IF, type);
  }

  else(): void {
    this.#bytes.push(ELSE);
  }

  end(): void {
    this.#height--;
    this.#bytes.push(END);
  }

  br(label: Label): void {
    this.#bytes.push(BR);
    this.#bytes.unsigned(this.#height - label.height);
  }

  brIf(label: Label): void {
    this.#bytes.push(BR_IF);
    this.#bytes.unsigned(this.#height - label.height);
  }

  /** Goes to one label by a number; to the last for numbers that are too large. */
  brTable(labels: readonly Label[]): void {
    this.#bytes.push(BR_TABLE);
    this.#bytes.unsigned(labels.length - 1);
    for (const label of labels) this.#bytes.unsigned(this.#height - label.height);
  }

  call(functionIndex: number): void {
    this.#bytes.push(CALL);
    this.#bytes.unsigned(functionIndex);
  }

  /** Tail call through table 0. */
  returnCallIndirect(type: number): void {
    this.#bytes.push(RETURN_CALL_INDIRECT);
    this.#bytes.unsigned(type);
    this.#bytes.push(0);
  }

  return(): void {
    this.#bytes.push(RETURN);
  }

  /** The function's entry in the code section. */
  encode(): Uint8Array {
    const body = new Bytes();
    body.unsigned(this.#types.length);
    for (const type of this.#types) {
      body.unsigned(1);
      body.push(type);
    }
    body.append(this.#bytes.take());
    body.push(END);
    const entry = new Bytes();
    entry.unsigned(body.length);
    entry.append(body.take());
    return entry.take();
  }

  #open(opcode: number, type: number): Label {
    this.#bytes.push(opcode);
    this.#bytes.push(type);
    this.#height++;
    return { height: this.#height };
  }
}

/** A function type: numbers of int32 parameters; the result is always one int32. */
export interface ModuleDescription {
  /** By type index: how many int32 parameters. */
  readonly types: readonly number[];
  /** Imported from "env": functions by name and type index; "memory" and "table" are imported too. */
  readonly imports: readonly (readonly [name: string, type: number])[];
  /** Exported by name, in order behind the imported ones. */
  readonly functions: readonly { readonly name: string; readonly type: number; readonly code: Code }[];
  /** Pages of 64 KiB that the memory has. */
  readonly memoryPages: number;
}

/** The bytes of a module. */
export function encodeModule({ types, imports, functions, memoryPages }: ModuleDescription): Uint8Array {
  const module = new Bytes();
  module.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  section(module, 1, (s) => {
    s.unsigned(types.length);
    for (const parameters of types) {
      s.push(0x60);
      s.unsigned(parameters);
      for (let i = 0; i < parameters; i++) s.push(I32);
      s.append(Uint8Array.of(1, I32));
    }
  });
  section(module, 2, (s) => {
    s.unsigned(imports.length + 2);
    name(s, "env");
    name(s, "memory");
    s.append(Uint8Array.of(2, 1));
    s.unsigned(memoryPages);
    s.unsigned(memoryPages);
    name(s, "env");
    name(s, "table");
    s.append(Uint8Array.of(1, 0x70, 0, 0));
    for (const [imported, type] of imports) {
      name(s, "env");
      name(s, imported);
      s.push(0);
      s.unsigned(type);
    }
  });
  section(module, 3, (s) => {
    s.unsigned(functions.length);
    for (const { type } of functions) s.unsigned(type);
  });
  section(module, 7, (s) => {
    s.unsigned(functions.length);
    for (let i = 0; i < functions.length; i++) {
      name(s, functions[i].name);
      s.push(0);
      s.unsigned(imports.length + i);
    }
  });
  section(module, 10, (s) => {
    s.unsigned(functions.length);
    for (const { code } of functions) s.append(code.encode());
  });
  return module.take();
}

function section(module: Bytes, id: number, write: (contents: Bytes) => void): void {
  const contents = new Bytes();
  write(contents);
  module.push(id);
  module.unsigned(contents.length);
  module.append(contents.take());
}

function name(bytes: Bytes, text: string): void {
  bytes.unsigned(text.length);
  for (let i = 0; i < text.length; i++) bytes.push(text.charCodeAt(i));
}
