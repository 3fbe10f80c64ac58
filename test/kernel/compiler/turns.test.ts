import { expect, it } from "vitest";
import { loading } from "../../../kernel/host/context.ts";
import { CompiledRun, Loadable, PREAMBLE, path_of, project } from "./run.ts";

const text = `${PREAMBLE}
const long = Array.from({ length: 65536 }, (_, i) => i);
const known = new Set(long);
function search(times: number): number {
  let found = 0;
  for (let i = 0; i < times; i++) if (long.indexOf(-1 - i) >= 0 || known.has(-1 - i) || long.at(i) !== i) found++;
  return found;
}
function spread(times: number): number {
  let most = 0;
  for (let i = 0; i < times; i++) most = Math.max(...long.map((x) => x), 0);
  return most;
}
export const searching = kernel_function("searching", [i32], i32, function* (times) { return search(times); });
export const spreading = kernel_function("spreading", [i32], i32, function* (times) { return spread(times); });
`;

it("a statement that has long lists gone through over and over is an oops, however little of it is in its loops", async () => {
  const compiled = new Loadable(project().compile(path_of("turns.ts"), text)!.code);
  const run = await loading(async () => new CompiledRun(compiled));
  expect(run.call("searching", 20)).toMatchObject({ result: 0 });
  expect(run.call("spreading", 1)).toMatchObject({ result: 65535 });
  expect(() => run.call("searching", 30)).toThrow(/has gone round its loops more than 100,000 times/);
});
