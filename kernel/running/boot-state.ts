/**
 * A kernel that has booted as far as it gets without knowing what it is to run (`read_boot_params`), to be kept: others
 * start from there. What is handed to it there lies where nothing has looked yet, so that it goes on exactly as one that
 * had it from its reset.
 */
import { ramdiskOf } from "../../boot/index.ts";
import { Capture, DEFAULT_HZ, DEFAULT_RAM, SnapshotError } from "../../emulator/index.ts";
import type { KernelImage } from "../host/kernel-image.ts";
import { PAGE_OFFSET, PAGE_SIZE } from "../include/asm/page.ts";
import { log_buf, log_end } from "../kernel/printk.ts";
import { type BootOptions, Kernel, type KernelCapture, type LoadOptions, type ResumeOptions } from "./kernel.ts";

/** A file begins with the kernel's build id; a captured machine as bytes is the rest. */
const HEADER_BYTES = 4;

export class BootState {
  readonly image: KernelImage;
  readonly capture: KernelCapture;
  /** Physical address above all that the kernel has written. */
  readonly #free: number;

  private constructor(image: KernelImage, capture: KernelCapture) {
    this.image = image;
    this.capture = capture;
    this.#free = free_from(capture.machine);
  }

  /** The state of a kernel that stands where `run_to_hand_over` stops. @throws Error during a run */
  static of(kernel: Kernel): BootState {
    return new BootState(kernel.image, kernel.capture());
  }

  /** Boots a kernel. @throws RangeError when the machine has too little memory; Error when the kernel does not get there */
  static boot(options: LoadOptions): BootState {
    const kernel = new Kernel(options);
    if (!kernel.run_to_hand_over()) throw new Error("the kernel did not get to where it asks what it is to run");
    return BootState.of(kernel);
  }

  /** What `encode` made bytes of; undefined when they are damaged, or of another kernel than this. */
  static decode(bytes: Uint8Array, image: KernelImage): BootState | undefined {
    if (bytes.length < HEADER_BYTES) return undefined;
    const build_id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (build_id !== image.build_id) return undefined;
    try {
      return new BootState(image, { machine: Capture.decode(bytes.subarray(HEADER_BYTES)), input_closed: false });
    } catch (error) {
      if (error instanceof SnapshotError) return undefined;
      throw error;
    }
  }

  /** As a file, for `decode` in another process. */
  encode(): Uint8Array {
    const machine = this.capture.machine.encode();
    const bytes = new Uint8Array(HEADER_BYTES + machine.length);
    new DataView(bytes.buffer).setUint32(0, this.image.build_id, true);
    bytes.set(machine, HEADER_BYTES);
    return bytes;
  }

  /** What the kernel has logged, as `Kernel.on_log` hears it. */
  get log(): string {
    const { machine } = this.capture;
    const physical = (name: string) => this.image.symbol(name) - PAGE_OFFSET;
    const end = new DataView(read(machine, physical(log_end.symbol), 4).buffer).getUint32(0, true);
    const text = String.fromCharCode(...read(machine, physical(log_buf.symbol), end));
    return text.replace(/^<\d>/gm, "");
  }

  /** Whether a boot with these options comes by this state, and its archive has room there. */
  fits(options: BootOptions): boolean {
    const { image, memoryBytes = DEFAULT_RAM, cpuHz = DEFAULT_HZ, cpus = 1, memoryModel = "sc" } = options;
    const { interleaver, initramfs } = options;
    const { configuration } = this.capture.machine;
    return (
      image === this.image &&
      memoryBytes === configuration.memoryBytes &&
      cpuHz === configuration.cpuHz &&
      cpus === configuration.cpus &&
      interleaver === undefined &&
      memoryModel === configuration.memoryModel &&
      ramdiskOf(memoryBytes, initramfs) >= this.#free
    );
  }

  /**
   * A kernel that goes on from here with what it is to run.
   * @param options those of a boot that this `fits`
   * @throws RangeError when the command line is too long
   */
  start(options: BootOptions & ResumeOptions): Kernel {
    const kernel = Kernel.resume(this.capture, options);
    kernel.hand_over(options, this.#free);
    return kernel;
  }
}

/** A machine's RAM at a physical address. */
function read({ configuration, pages }: Capture, physical: number, length: number): Uint8Array {
  const first = pages.length - configuration.memoryBytes / PAGE_SIZE;
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) {
    const at = physical + done;
    const contents = pages.page(first + Math.floor(at / PAGE_SIZE));
    const in_page = at % PAGE_SIZE;
    const count = Math.min(length - done, PAGE_SIZE - in_page);
    if (contents !== null) bytes.set(contents.subarray(in_page, in_page + count), done);
    done += count;
  }
  return bytes;
}

/** Physical address behind the last page of RAM that is not zeros. */
function free_from({ configuration, pages }: Capture): number {
  let free = configuration.memoryBytes / PAGE_SIZE;
  const first = pages.length - free;
  while (free > 0 && pages.page(first + free - 1) === null) free--;
  return free * PAGE_SIZE;
}
