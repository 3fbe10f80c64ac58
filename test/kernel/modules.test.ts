import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { every_symbol } from "../../kernel/configuration.ts";
import { KernelModule } from "../../kernel/host/kernel-module.ts";
import { kernel_modules } from "../../kernel/modules.ts";

it("the kernel is linked from every source file that declares something for it", async () => {
  const files = readdirSync("kernel", { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts") && !/^(host|compiler)\//.test(name));
  const declaring: string[] = [];
  for (const file of files) {
    const { $object } = (await import(
      `../../node_modules/.cache/esp0/modules/kernel/${file.replace(/\.ts$/, ".mjs")}`
    )) as {
      $object?: unknown;
    };
    if ($object instanceof KernelModule && $object.file === `kernel/${file}`) declaring.push($object.file);
  }
  expect(
    kernel_modules(every_symbol)
      .map(({ file }) => file)
      .sort(),
  ).toEqual(declaring.sort());
});
