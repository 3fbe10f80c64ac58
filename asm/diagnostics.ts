/** A place in a source text. Lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing wrong with a source text: where, what, and (in the message) what was expected. */
export interface Diagnostic {
  readonly position: Position;
  readonly message: string;
}

/** `file:line:column: error: message`, the form editors recognise. */
export function formatDiagnostic({ position, message }: Diagnostic): string {
  return `${position.file}:${position.line}:${position.column}: error: ${message}`;
}

/** Every error found in the sources, in source order. `message` holds one formatted line for each. */
export class AssemblyError extends Error {
  override readonly name = "AssemblyError";

  constructor(readonly diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n"));
  }
}

/** Thrown inside the assembler for one faulty statement; the assembler collects it and goes on with the next. */
export class StatementError extends Error {
  override readonly name = "StatementError";

  constructor(
    message: string,
    readonly position?: Position,
  ) {
    super(message);
  }
}
