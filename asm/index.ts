/** Assembler (AT&T syntax, a subset of GNU as), linker to ELF32, ELF reader and writer, disassembly. */
export { type AssembleBinaryOptions, type AssembleOptions, assemble, assembleBinary } from "./assemble.ts";
export { AssemblyError, type Diagnostic, formatDiagnostic, type Position } from "./diagnostics.ts";
export {
  type DisassembledInstruction,
  type DisassembleOptions,
  type Disassembler,
  disassemble,
  loadDisassembler,
} from "./disassembler.ts";
export type {
  DebugBlock,
  DebugInfo,
  DebugLocal,
  DebugMember,
  DebugParameter,
  DebugSignature,
  DebugStruct,
  DebugType,
} from "./dwarf/debug-unit.ts";
export { elfLines } from "./dwarf/elf-lines.ts";
export { type DebugSection, imageDebugSections, withDebugSections } from "./dwarf/program-units.ts";
export { ElfError } from "./elf-format.ts";
export { objectFromElf } from "./elf-object.ts";
export {
  type ElfFile,
  type ElfRelocation,
  type ElfSection,
  type ElfSegment,
  type ElfSymbol,
  readElf,
} from "./elf-reader.ts";
export { writeExecutable, writeRelocatable } from "./elf-writer.ts";
export { DEFAULT_LAYOUT, type OutputSectionLayout } from "./layout.ts";
export {
  flatBinary,
  type LinkedCode,
  LinkedImage,
  type LinkedLine,
  type LinkedSection,
  type LinkedSegment,
  type LinkedSymbol,
  systemMap,
} from "./linked-image.ts";
export { LinkError, type LinkOptions, link } from "./linker.ts";
export { didYouMean, nearNames } from "./near-names.ts";
export { type ObjdumpOptions, objdump } from "./objdump.ts";
export * from "./object-file.ts";
