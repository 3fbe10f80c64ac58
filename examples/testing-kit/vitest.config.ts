import { hosted } from "esp0/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({ plugins: [hosted()], test: { setupFiles: ["esp0/testing/vitest"] } });
