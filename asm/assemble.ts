/** The assembler's entry points. */
import { Assembler, type AssemblerOptions } from "./assembler/assembler.ts";
import { ObjectBuilder } from "./assembler/object-builder.ts";
import { flatBinary } from "./linked-image.ts";
import { link } from "./linker.ts";
import type { ObjectFile } from "./object-file.ts";

export type AssembleOptions = AssemblerOptions;

export interface AssembleBinaryOptions extends AssembleOptions {
  /** Linear address of the first byte; 0 if not given. */
  readonly origin?: number;
}

/**
 * Assembles a source in AT&T syntax, preprocessed as `.S` files are, to a relocatable object: the bytes and
 * relocations that GNU as 2.40 makes of it with `--32`.
 * @throws AssemblyError with every error of the source
 */
export function assemble(source: string, options: AssembleOptions): ObjectFile {
  const assembler = new Assembler(options);
  assembler.read(source);
  const object = new ObjectBuilder(assembler).build();
  assembler.finish();
  return object;
}

/**
 * Assembles a source to the bytes that lie in memory from `origin` on: code first, then data. For boot sectors, ROMs
 * and test programs.
 * @throws AssemblyError with every error of the source
 * @throws LinkError if a symbol is undefined
 */
export function assembleBinary(source: string, options: AssembleBinaryOptions): Uint8Array {
  const object = assemble(source, options);
  return flatBinary(link([object], { textAddress: options.origin ?? 0, pageSize: 1, entry: null }));
}
