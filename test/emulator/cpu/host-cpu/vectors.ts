/** The recorded vectors and how they are kept in a file: by columns, which compress well. */

/** What a real CPU did with one vector. */
export interface Outcome {
  /** Exception that ended it: 3 is the INT3 after (or at the target of) the last instruction. */
  trap: number;
  /** Pushed by the exception; 0 when it pushes none. */
  errorCode: number;
  /** CR2 after a page fault, else 0. */
  cr2: number;
  /** As the exception pushed it. */
  eip: number;
  /** The recorded bits. */
  eflags: number;
  /** EAX ECX EDX EBX ESP EBP ESI EDI, as int32. */
  registers: number[];
  /** ES CS SS DS FS GS. */
  segments: number[];
  /** The aligned doublewords of the windows that have changed. */
  memory: [address: number, value: number][];
}

export interface Vector {
  /** Index into MODE_SELECTORS. */
  mode: number;
  code: number[];
  eflags: number;
  registers: number[];
  /** Doublewords written, in order, before the vector runs; any alignment. */
  patches: [address: number, value: number][];
  /** Arithmetic flags that the manual leaves undefined after it. */
  undefinedFlags: number;
}

export interface RecordedVector extends Vector {
  outcome: Outcome;
}

/** Registers and patches are mostly of these 255 values; others follow an escape. */
export type ValuePool = readonly number[];
const ESCAPE = 255;

class Column {
  readonly #bytes: number[] = [];
  #data: Uint8Array = new Uint8Array(0);
  #position = 0;

  put(byte: number): void {
    this.#bytes.push(byte);
  }

  next(): number {
    return this.#data[this.#position++];
  }

  /** Has been read to its end. */
  get finished(): boolean {
    return this.#position === this.#data.length;
  }

  take(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  give(data: Uint8Array): void {
    this.#data = data;
  }
}

/** Numbers of up to 32 bits, a column for each byte. */
class WideColumn {
  readonly planes: readonly Column[];

  constructor(bytes: number) {
    this.planes = Array.from({ length: bytes }, () => new Column());
  }

  put(value: number): void {
    this.planes.forEach((plane, i) => {
      plane.put((value >>> (8 * i)) & 0xff);
    });
  }

  next(): number {
    return this.planes.reduce((value, plane, i) => value | (plane.next() << (8 * i)), 0);
  }
}

class Columns {
  readonly mode = new Column();
  readonly codeLength = new Column();
  readonly code = new Column();
  readonly eflags = new WideColumn(3);
  readonly registers = Array.from({ length: 8 }, () => new Column());
  readonly others = new WideColumn(4);
  readonly patchCount = new Column();
  readonly patchAddress = new WideColumn(2);
  readonly patchValue = new Column();
  readonly undefinedFlags = new WideColumn(2);
  readonly trap = new Column();
  readonly errorCode = new WideColumn(2);
  readonly cr2 = new WideColumn(4);
  readonly eip = new WideColumn(4);
  readonly eflagsChange = new WideColumn(3);
  readonly registersChanged = new Column();
  readonly registerChange = new WideColumn(4);
  readonly segmentsChanged = new Column();
  readonly segment = new WideColumn(2);
  readonly memoryCount = new Column();
  readonly memoryAddress = new WideColumn(2);
  readonly memoryValue = new WideColumn(4);

  all(): Column[] {
    const fields = Object.values(this) as (Column | WideColumn | Column[])[];
    return fields.flatMap((field) =>
      field instanceof Column ? [field] : field instanceof WideColumn ? [...field.planes] : field,
    );
  }
}

/** Differences that a vector without surprises does not have. */
function regularEip(vector: Vector, code: number): number {
  return code + vector.code.length + 1;
}

/**
 * @param code offset of a vector's first byte
 * @param segments by mode, what the segment registers hold before
 */
export function pack(
  vectors: readonly RecordedVector[],
  pool: ValuePool,
  code: number,
  segments: readonly (readonly number[])[],
): Uint8Array {
  const columns = new Columns();
  const indexOf = new Map(pool.map((value, i) => [value | 0, i]));
  const putValue = (column: Column, value: number) => {
    const index = indexOf.get(value | 0);
    column.put(index ?? ESCAPE);
    if (index === undefined) columns.others.put(value);
  };
  for (const vector of vectors) {
    const { outcome } = vector;
    columns.mode.put(vector.mode);
    columns.codeLength.put(vector.code.length);
    for (const byte of vector.code) columns.code.put(byte);
    columns.eflags.put(vector.eflags);
    vector.registers.forEach((value, i) => {
      putValue(columns.registers[i], value);
    });
    columns.patchCount.put(vector.patches.length);
    for (const [address, value] of vector.patches) {
      columns.patchAddress.put(address);
      putValue(columns.patchValue, value);
    }
    columns.undefinedFlags.put(vector.undefinedFlags);
    columns.trap.put(outcome.trap);
    columns.errorCode.put(outcome.errorCode);
    if (outcome.trap === 14) columns.cr2.put(outcome.cr2);
    columns.eip.put(outcome.eip - regularEip(vector, code));
    columns.eflagsChange.put(outcome.eflags ^ vector.eflags);
    let changed = 0;
    outcome.registers.forEach((value, i) => {
      const change = value ^ vector.registers[i];
      if (change === 0) return;
      changed |= 1 << i;
      columns.registerChange.put(change);
    });
    columns.registersChanged.put(changed);
    changed = 0;
    outcome.segments.forEach((selector, i) => {
      if (selector === segments[vector.mode][i]) return;
      changed |= 1 << i;
      columns.segment.put(selector);
    });
    columns.segmentsChanged.put(changed);
    columns.memoryCount.put(outcome.memory.length);
    for (const [address, value] of outcome.memory) {
      columns.memoryAddress.put(address);
      columns.memoryValue.put(value);
    }
  }
  const parts = columns.all().map((column) => column.take());
  const header = Uint32Array.from([vectors.length, pool.length, ...pool, ...parts.map((part) => part.length)]);
  return Buffer.concat([new Uint8Array(header.buffer), ...parts]);
}

/** The inverse of `pack`. @throws Error when the data are of another format */
export function unpack(data: Uint8Array, code: number, segments: readonly (readonly number[])[]): RecordedVector[] {
  const columns = new Columns();
  const all = columns.all();
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let position = 0;
  const word = () => {
    position += 4;
    return view.getUint32(position - 4, true);
  };
  const count = word();
  const pool = Array.from({ length: word() }, () => word() | 0);
  const lengths = all.map(() => word());
  lengths.forEach((length, i) => {
    all[i].give(data.subarray(position, position + length));
    position += length;
  });
  const value = (column: Column) => {
    const index = column.next();
    return index === ESCAPE ? columns.others.next() : pool[index];
  };
  const vectors: RecordedVector[] = [];
  for (let n = 0; n < count; n++) {
    const mode = columns.mode.next();
    const bytes = Array.from({ length: columns.codeLength.next() }, () => columns.code.next());
    const eflags = columns.eflags.next();
    const registers = columns.registers.map(value);
    const patches = Array.from({ length: columns.patchCount.next() }, (): [number, number] => [
      columns.patchAddress.next(),
      value(columns.patchValue),
    ]);
    const undefinedFlags = columns.undefinedFlags.next();
    const vector = { mode, code: bytes, eflags, registers, patches, undefinedFlags };
    const trap = columns.trap.next();
    const errorCode = columns.errorCode.next();
    const cr2 = trap === 14 ? columns.cr2.next() : 0;
    const eip = (columns.eip.next() + regularEip(vector, code)) | 0;
    const eflagsAfter = columns.eflagsChange.next() ^ eflags;
    const registersChanged = columns.registersChanged.next();
    const registersAfter = registers.map((before, i) =>
      (registersChanged >> i) & 1 ? before ^ columns.registerChange.next() : before,
    );
    const segmentsChanged = columns.segmentsChanged.next();
    const segmentsAfter = segments[mode].map((before, i) =>
      (segmentsChanged >> i) & 1 ? columns.segment.next() : before,
    );
    const memory = Array.from({ length: columns.memoryCount.next() }, (): [number, number] => [
      columns.memoryAddress.next(),
      columns.memoryValue.next(),
    ]);
    vectors.push({
      ...vector,
      outcome: {
        trap,
        errorCode,
        cr2,
        eip,
        eflags: eflagsAfter,
        registers: registersAfter,
        segments: segmentsAfter,
        memory,
      },
    });
  }
  if (position !== data.length || !all.every((column) => column.finished)) {
    throw new Error("the vectors are not of this format: record them again");
  }
  return vectors;
}
