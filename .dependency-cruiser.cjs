// The order of imports: a file imports only from lines above its own, so data flows one way. Every file may import the
// types of config/config.ts. docs/architecture.md describes the parts.
const ORDER = [
  "version\\.ts",
  "errors\\.ts",
  "wording\\.ts",
  "shell\\.ts",
  "values/", // of settings and arguments
  "config/entries\\.ts", // constructors of settings, used by every part
  "arguments\\.ts",
  "distributed/",
  "engine/compiled/", // stands alone
  "kernels/",
  "tree\\.ts",
  "random\\.ts",
  "half\\.ts",
  "formats/",
  "files/",
  "pictures/",
  "data/",
  "noise\\.ts",
  "model/",
  "engine/(?!compiled/)",
  "config/(?!entries)",
  "run/",
  "inference/",
  "training/",
  "explore/",
  "report/",
  "page/",
  "index\\.ts",
  "commands/",
  "cli\\.ts",
];

/** Modules of commands/ that commands may import. */
const SHARED = [
  ...["array-input", "array-output", "command", "comparison-table", "flags", "help", "hints", "io", "latent-table"],
  ...["other-names", "output", "pictures", "processes", "program", "signals", "table", "tools", "training"],
  ...["training-group", "training-screen"],
];

const inOrder = ORDER.slice(0, -1).map((part, i) => ({
  name: `order-${part.replace(/\W/g, "")}`,
  comment: "A file imports only from parts above its own in the order of .dependency-cruiser.cjs.",
  severity: "error",
  from: { path: `^src/${part}` },
  to: {
    path: `^src/(${ORDER.slice(i + 1).join("|")})`,
    // Types of config/config.ts are needed everywhere, and vanish at compile time.
    ...(i < ORDER.indexOf("config/(?!entries)") && { pathNot: "^src/config/config\\.ts$" }),
  },
}));

/** Allows only `users` to import modules that match `path`. */
const only = (name, path, users, to = {}) => ({
  name,
  severity: "error",
  from: { path: "^src/", pathNot: `^src/(${users.join("|")})` },
  to: { path, ...to },
});

module.exports = {
  forbidden: [
    ...inOrder,
    {
      name: "config-by-type-alone",
      comment: "Parts above config/ import only its types.",
      severity: "error",
      from: { path: `^src/(${ORDER.slice(0, ORDER.indexOf("config/(?!entries)")).join("|")})` },
      to: { path: "^src/config/config\\.ts$", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "not-in-order",
      comment: "Every file has a place in the order.",
      severity: "error",
      from: { path: "^src/", pathNot: `^src/(${ORDER.join("|")})` },
      to: {},
    },
    {
      name: "compiled-alone",
      comment: "The compiled engine's folder can be copied out of the project: it imports nothing from outside.",
      severity: "error",
      from: { path: "^src/engine/compiled/" },
      to: { path: "^src/", pathNot: "^src/engine/compiled/" },
    },
    {
      name: "commands-apart",
      comment: "Commands do not import one another.",
      severity: "error",
      from: { path: "^src/commands/" },
      to: {
        path: "^src/commands/",
        pathNot: `^src/commands/(${SHARED.join("|")})\\.ts$`,
      },
    },
    {
      name: "page-apart",
      comment: "Pages run in browsers: they import only each other, and types of what the server sends.",
      severity: "error",
      from: { path: "^src/page/" },
      to: { path: "^src/", pathNot: "^src/page/", dependencyTypesNot: ["type-only"] },
    },
    only("browser", "^src/page/|node_modules/(preact|@preact|uplot)/", ["page/"]),
    {
      name: "formats-apart",
      comment: "A format converts bytes and arrays: it reads no disk and imports no other format. Some are folders.",
      severity: "error",
      from: { path: "^src/formats/" },
      to: { path: "^(node:)?fs|^src/(files|formats)/", pathNot: "^src/formats/(parquet|table|tensorboard)/" },
    },
    only(
      "tensorflow",
      "(node_modules/@tensorflow/|^src/engine/compiled/tf\\.ts$)",
      ["model/", "engine/", "training/(step|optimizer/adam)\\.ts"],
      {
        dependencyTypesNot: ["type-only"],
      },
    ),
    only("onnxruntime", "node_modules/onnxruntime-", ["engine/compiled/session\\.ts"]),
    only("koffi", "node_modules/koffi/", ["distributed/mpi\\.ts"]),
    only("protobuf", "node_modules/@bufbuild/", ["engine/compiled/(graph|onnx_pb)\\.ts", "formats/tensorboard[./]"]),
    only("parquet", "(node_modules/(hyparquet|fzstd|hysnappy)|^src/formats/parquet/)", ["formats/parquet[./]"]),
    only("images", "node_modules/(pngjs|@types/pngjs|sharp|@img)/", ["data/", "pictures/"]),
    only("plots", "node_modules/(vega|vega-lite)/", ["pictures/(plots|vega)\\.ts"]),
    only("pca", "node_modules/ml-pca/", ["inference/latent-plane\\.ts"]),
    only("viewer", "node_modules/open/", ["commands/pictures\\.ts"]),
    only("terminal", "node_modules/(commander|@bomb\\.sh|chalk|cli-progress|@types/cli-progress)/", [
      "commands/",
      "cli\\.ts",
    ]),
    // Biome forbids the global `process` outside commands/ and cli.ts, so nothing else can print.
    only("process", "^(node:)?process$", [
      "explore/model-process\\.ts",
      "run/lock\\.ts",
      "distributed/(mpi|processes)\\.ts",
      "files/(cache-folder|write)\\.ts",
      "engine/tensorflow\\.ts",
      "engine/compiled/(session|gpu)\\.ts",
      "training/size\\.ts",
    ]),
    only("disk", "^(node:)?fs(/promises)?$", [
      "data/",
      "files/",
      "run/",
      "commands/",
      "engine/compiled/session\\.ts",
      "distributed/processes\\.ts",
      "training/gradient-exchange\\.ts",
    ]),
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
    },
  },
};
