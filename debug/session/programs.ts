/** The programs that are debugged, by what their ELF files tell: the kernel, the program on it. */

import { DebugInformation } from "../../asm/dwarf/reader/index.ts";
import type { ElfFile } from "../../asm/index.ts";
import type { CodeBlocks, InlinedCall } from "./symbol-table.ts";

const PT_LOAD = 1;

/** A stretch of the address space. */
interface Extent {
  readonly start: number;
  /** Behind its last byte. */
  readonly end: number;
}

interface Program {
  readonly extents: readonly Extent[];
  readonly information: () => DebugInformation | undefined;
}

export class DebugPrograms implements CodeBlocks {
  readonly #programs: Program[] = [];

  add(elf: ElfFile): this {
    const information = new DebugInformation(elf);
    const extents = elf.segments
      .filter(({ type }) => type === PT_LOAD)
      .map(({ virtualAddress, memorySize }) => ({ start: virtualAddress, end: virtualAddress + memorySize }));
    this.#programs.push({ extents, information: () => information });
    return this;
  }

  /** Adds a program whose file is read when something there is first asked for. */
  addLater(extent: Extent, read: () => ElfFile | undefined): this {
    let information: DebugInformation | null | undefined;
    const open = () => {
      if (information === undefined) {
        const elf = read();
        information = elf === undefined ? null : new DebugInformation(elf);
      }
      return information ?? undefined;
    };
    this.#programs.push({ extents: [extent], information: open });
    return this;
  }

  /** What is known of the program that has an address. */
  at(address: number): DebugInformation | undefined {
    const at = address >>> 0;
    return this.#programs
      .find(({ extents }) => extents.some(({ start, end }) => at >= start && at < end))
      ?.information();
  }

  readonly isOptimized = (address: number): boolean => this.at(address)?.unitAt(address)?.isOptimized === true;

  readonly inlinedCalls = (address: number): readonly InlinedCall[] => {
    const information = this.at(address);
    const inlined = information?.scopesAt(address).filter((scope) => scope.isInlined) ?? [];
    return inlined.map((scope) => {
      const { file, line } = scope.call;
      return { id: scope.entry, file: file === undefined ? undefined : information!.fileOf(scope, file), line };
    });
  };

  readonly blockOf = (address: number): object | undefined => this.at(address)?.scopesAt(address).at(-1)?.entry;

  /** Directories that compilers ran in: what names of source files count from. */
  directories(): string[] {
    return [...new Set([...this.from(0)].flatMap((information) => information.directories))];
  }

  /** All of them, the one that has an address first. */
  *from(address: number): Generator<DebugInformation> {
    const first = this.at(address);
    if (first !== undefined) yield first;
    for (const { information } of this.#programs) {
      const each = information();
      if (each !== undefined && each !== first) yield each;
    }
  }
}
