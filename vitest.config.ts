import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

/** Against hanging alone: nothing here is a test of speed. */
export const timeouts = { testTimeout: 180_000, hookTimeout: 180_000 };

// Node.js cannot load this module as it is published: tests take the bundle that the build makes of it.
const gradients = fileURLToPath(new URL("dist/engine/compiled/gradients.js", import.meta.url));
export const resolve = { alias: { "@tensorflow/tfjs-core/dist/register_all_gradients.js": gradients } };

/** Messages name the program as it was started: by its file, not by the npm or npx that runs the tests. */
const env = { npm_lifecycle_event: "" };

export default defineConfig({
  test: {
    globalSetup: "test/setup.ts",
    maxWorkers: Math.max(2, Math.floor(availableParallelism() / 2)), // of two processors, vitest would use one
    projects: [
      {
        resolve,
        // Not isolated: all files of a worker share the modules that the first of them has loaded.
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
