// Runs the built command many times in one process, for command-server.ts: `import(ESP0)` is what Node does with it. What
// takes long when it is first needed, TypeScript above all, is loaded once.

import { Readable } from "node:stream";

/** What the command at hand has put out, in order. */
let said = [];
/** Its standard input. */
let input = Readable.from([]);

for (const name of ["stdout", "stderr"]) {
  process[name].write = (chunk) => {
    said.push({ name, text: Buffer.from(chunk).toString() });
    return true;
  };
}
Object.defineProperty(process, "stdin", { get: () => input });

let count = 0;

async function run({ command, args, cwd }) {
  said = [];
  input = Readable.from([]);
  // Those of the commands before.
  for (const stream of [process.stdout, process.stderr]) stream.removeAllListeners("error");
  process.exitCode = undefined;
  process.chdir(cwd);
  process.argv = [process.execPath, command, ...args];
  // Another address is another module: the command's first file runs again, with what it has imported.
  await import(`${new URL(`file:${command}`)}?${++count}`);
  return { status: process.exitCode ?? 0, said };
}

process.on("message", (request) => {
  run(request).then(
    (answer) => process.send(answer),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});
