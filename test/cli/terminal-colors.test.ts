import { expect, it } from "vitest";
import { allowsColors } from "../../cli/run-host.ts";

it("colours what a terminal shows, unless NO_COLOR or a dumb terminal forbids it", () => {
  expect(allowsColors({ TERM: "xterm" })).toBe(true);
  expect(allowsColors({ TERM: "xterm", NO_COLOR: "" })).toBe(true);
  expect(allowsColors({ TERM: "xterm", NO_COLOR: "1" })).toBe(false);
  expect(allowsColors({ TERM: "dumb" })).toBe(false);
});
