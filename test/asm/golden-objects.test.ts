import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assemble, objectFromElf, readElf } from "../../asm/index.ts";
import { describeObject, gnuAssemble, hasGnuAs } from "./gnu-as.ts";

const golden = new URL("golden/", import.meta.url);
const names = readdirSync(new URL("sources/", golden)).map((file) => file.replace(/\.s$/, ""));

describe("objects are those that GNU as made of", () => {
  it.each(names)("%s.s", (name) => {
    const source = readFileSync(new URL(`sources/${name}.s`, golden), "utf8");
    const recorded = describeObject(
      objectFromElf(readElf(readFileSync(new URL(`objects/${name}.o`, golden))), "input.s"),
    );
    expect(describeObject(assemble(source, { file: "input.s" }))).toBe(recorded);
    if (hasGnuAs) expect(describeObject(gnuAssemble(source))).toBe(recorded);
  });
});
