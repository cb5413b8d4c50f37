// npm run test:tensorflow: what is tested on every engine, on engine tensorflow, which must be there.
import { defineConfig, mergeConfig } from "vitest/config";
import everywhere from "../../vitest.config.js";

const { include, globalSetup, ...test } = everywhere.test ?? {};

export default mergeConfig(
  { test },
  defineConfig({
    test: {
      include: [
        "test/engine/{engine,leak,parity}.test.ts",
        "test/model/vae.test.ts",
        "test/training/step.test.ts",
        "test/cli/engines.test.ts",
      ],
      provide: { engines: ["tensorflow", "cpu"] },
    },
  }),
);
