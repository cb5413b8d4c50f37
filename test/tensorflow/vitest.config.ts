// npm run test:tensorflow: what is tested on every engine, on engine tensorflow, which must be there.
import { defineConfig } from "vitest/config";
import { resolve, timeouts } from "../../vitest.config.js";

export default defineConfig({
  resolve,
  test: {
    ...timeouts,
    maxWorkers: 2,
    include: [
      "test/engine/{convolution,engine,parity}.test.ts",
      "test/model/vae.test.ts",
      "test/training/step.test.ts",
      "test/cli/engines.test.ts",
      "test/system/{engines,leak}.test.ts",
    ],
    provide: { engines: ["tensorflow", "cpu"], gpu: false },
  },
});
