import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/engines.ts",
    maxWorkers: 2, // of two processors, vitest would use one
    testTimeout: 60_000, // against hanging alone: nothing here is a test of speed
    hookTimeout: 60_000,
  },
});
