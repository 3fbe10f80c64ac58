/** This process's streams, files and exit status. */
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { type CommandIo, MODE_FILE, STATUS_BAD_INPUT } from "./io.ts";
import { OutputStream } from "./output-stream.ts";

/** What is lost here is lost: it is the log, and nobody could be told. */
const standardError = new OutputStream(process.stderr);

export const standardOutput = new OutputStream(process.stdout, (reason) => {
  standardError.write(`esp0: standard output cannot be written: ${reason}\n`);
  process.exitCode = STATUS_BAD_INPUT;
});

export const processIo: CommandIo = {
  stdout: (text) => void standardOutput.write(text),
  stderr: (text) => void standardError.write(text),
  readFile: (path) => readFileSync(path),
  writeFile: (path, contents, mode) => writeFileSync(path, contents, { mode }),
  openFile: (path) => {
    const file = openSync(path, "w", MODE_FILE);
    return { write: (text) => writeFileSync(file, text), close: () => closeSync(file) };
  },
  makeDirectory: (path) => void mkdirSync(path, { recursive: true }),
  exitStatus: (status) => {
    process.exitCode = standardOutput.state === "failed" ? STATUS_BAD_INPUT : status;
  },
};
