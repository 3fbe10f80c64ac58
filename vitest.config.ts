import { defineConfig } from "vitest/config";
import { hosted } from "./kernel/compiler/index.ts";

export default defineConfig({
  plugins: [hosted({ files: ["kernel/index.ts", "assets.d.ts"], runtime: "./kernel/host/runtime.ts" })],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build-dist.ts"],
    testTimeout: 60_000,
  },
});
