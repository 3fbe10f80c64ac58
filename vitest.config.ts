import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { hosted } from "./kernel/compiler/index.ts";
import { nativeModules } from "./test/native-modules.ts";
import { LongestFirst } from "./test/order.ts";
import { seeds } from "./test/seeds.ts";

export default defineConfig({
  plugins: [
    seeds(),
    nativeModules(),
    hosted({ files: ["kernel/index.ts", "assets.d.ts"], runtime: "./kernel/host/runtime.ts" }),
  ],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    setupFiles: ["test/breath.ts", "test/tier.ts"],
    testTimeout: 60_000,
    // Files share a process: the kernel and the emulator are loaded, and made into machine code, once and not 190 times.
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Stacks of failures name the sources.
    poolOptions: { forks: { execArgv: ["--enable-source-maps"], maxForks: availableParallelism() } },
  },
});
