import { defineConfig } from "vitest/config";

export default defineConfig({ test: { setupFiles: ["esp0/testing/vitest"] } });
