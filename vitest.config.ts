import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/** Guards against hanging tests. No test measures speed. */
export const timeouts = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 30_000 } } };

// Node.js cannot load the published module, so tests import the build's bundle of it.
const gradients = fileURLToPath(new URL("dist/engine/compiled/gradients.js", import.meta.url));
export const resolve = { alias: { "@tensorflow/tfjs-core/dist/register_all_gradients.js": gradients } };

/** Hides from messages that npm or npx runs the tests: they name the program by its file. */
const env = { npm_lifecycle_event: "" };

export default defineConfig({
  test: {
    globalSetup: "test/setup.ts",
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)), // on two processors, vitest would use one
    projects: [
      {
        resolve,
        // Not isolated: all test files of a worker share loaded modules.
        test: {
          name: "fast",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/system/**"],
          isolate: false,
          env,
          ...timeouts,
        },
      },
      { resolve, test: { name: "system", include: ["test/system/**/*.test.ts"], env, ...timeouts } },
    ],
  },
});
