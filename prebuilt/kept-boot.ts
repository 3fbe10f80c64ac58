/** A booted kernel as a file of the build, with what happened on the way. */
import { crc32 } from "../emulator/index.ts";
import { BootState, Kernel, type KernelImage, type LoadOptions, type RecordedEvent } from "../kernel/index.ts";

/** A file begins with the length and the CRC-32 of the events, which are JSON; the state is the rest. */
const HEADER_BYTES = 8;

export class KeptBoot {
  constructor(
    readonly state: BootState,
    /** Since the reset. */
    readonly events: readonly RecordedEvent[],
  ) {}

  /**
   * Boots a kernel; undefined when it does not get to where it asks what it is to run.
   * @throws RangeError when the machine has too little memory
   */
  static boot(options: LoadOptions): KeptBoot | undefined {
    const kernel = new Kernel(options);
    const events: RecordedEvent[] = [];
    kernel.on_event((event) => events.push(event));
    if (!kernel.run_to_hand_over()) return undefined;
    return new KeptBoot(BootState.of(kernel), events);
  }

  /** What `encode` made bytes of; undefined when they are damaged, or of another kernel than this. */
  static decode(bytes: Uint8Array, image: KernelImage): KeptBoot | undefined {
    if (bytes.length < HEADER_BYTES) return undefined;
    const header = new DataView(bytes.buffer, bytes.byteOffset);
    const stateAt = HEADER_BYTES + header.getUint32(0, true);
    const events = bytes.subarray(HEADER_BYTES, stateAt);
    if (crc32(events) !== header.getInt32(4, true)) return undefined;
    const state = BootState.decode(bytes.subarray(stateAt), image);
    return state && new KeptBoot(state, JSON.parse(new TextDecoder().decode(events)));
  }

  /** As a file, for `decode` in another process. */
  encode(): Uint8Array {
    const events = new TextEncoder().encode(JSON.stringify(this.events));
    const state = this.state.encode();
    const bytes = new Uint8Array(HEADER_BYTES + events.length + state.length);
    const header = new DataView(bytes.buffer);
    header.setUint32(0, events.length, true);
    header.setInt32(4, crc32(events), true);
    bytes.set(events, HEADER_BYTES);
    bytes.set(state, HEADER_BYTES + events.length);
    return bytes;
  }
}
