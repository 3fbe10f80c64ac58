/** The part of the WebAssembly JavaScript interface that the emulator uses; Node has it, its types lack it. */
declare namespace WebAssembly {
  /** Linear memory: `initial` and `maximum` count pages of 64 KiB. */
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
  /** Functions that WebAssembly code calls by number. */
  class Table {
    constructor(descriptor: { element: "anyfunc"; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    /** Adds null entries; returns how many there were. */
    grow(entries: number): number;
    set(index: number, value: unknown): void;
  }
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>);
    readonly exports: Record<string, unknown>;
  }
}
