/** The part of the WebAssembly JavaScript interface that the emulator uses; Node has it, its types lack it. */
declare namespace WebAssembly {
  /** Linear memory: `initial` and `maximum` count pages of 64 KiB. */
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
  }
}
