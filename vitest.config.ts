import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Node.js cannot load this module as it is published: tests take the bundle that the build has made of it.
    alias: {
      "@tensorflow/tfjs-core/dist/register_all_gradients.js": fileURLToPath(
        new URL("dist/engine/compiled/gradients.js", import.meta.url),
      ),
    },
    include: ["test/**/*.test.ts"],
    globalSetup: "test/engines.ts",
    maxWorkers: 2, // of two processors, vitest would use one
    testTimeout: 60_000, // against hanging alone: nothing here is a test of speed
    hookTimeout: 60_000,
  },
});
