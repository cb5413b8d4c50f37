import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/engines.ts",
    testTimeout: 60_000, // against hanging alone: nothing here is a test of speed
    hookTimeout: 60_000,
  },
});
