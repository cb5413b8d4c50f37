// Finds out whether onnxruntime can use a GPU here. A child process tries, because drivers print warnings, and some
// crash.
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { arch, env, execPath, platform } from "node:process";
import { GraphBuilder } from "./graph.js";

/** A GPU, with its name if known, or the reason why there is none and the remedy. */
export type GpuReport =
  | { readonly runs: true; readonly name?: string | undefined }
  | { readonly runs: false; readonly reason: string; readonly remedy: string };

const require = createRequire(import.meta.url);

const NOT_LOADED = "onnxruntime-node does not load: ";

/** Negates a number on the GPU. */
const PROBE = `
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {}); // of a terminal: the parent handles them
  let onnxruntime;
  try {
    onnxruntime = require(process.argv[1]);
  } catch (error) {
    console.log("${NOT_LOADED}" + error.message.split("\\n")[0]);
    process.exit();
  }
  const { InferenceSession, Tensor, env } = onnxruntime;
  env.logLevel = "fatal";
  InferenceSession.create(Buffer.from(process.argv[2], "base64"), { executionProviders: ["webgpu"] })
    .then((session) => session.run({ x: new Tensor("float32", [3], [1]) }))
    .then(({ y }) => console.log(y.data[0] === -3 ? "runs" : "it computes wrong numbers"))
    .catch((error) => console.log(error.message));
`;

/** Prints the type and the name of each Vulkan device: VkPhysicalDeviceProperties holds them at bytes 16 and 20. */
const VULKAN = `
  const vulkan = require(process.argv[1]).load("libvulkan.so.1");
  const create = vulkan.func("int vkCreateInstance(void *, void *, void *)");
  const enumerate = vulkan.func("int vkEnumeratePhysicalDevices(uint64_t, void *, void *)");
  const describe = vulkan.func("void vkGetPhysicalDeviceProperties(uint64_t, void *)");
  const [info, instance, count] = [64, 8, 4].map((size) => Buffer.alloc(size));
  info.writeInt32LE(1); // VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
  create(info, null, instance);
  enumerate(instance.readBigUInt64LE(), count, null);
  const devices = Buffer.alloc(8 * count.readUInt32LE());
  enumerate(instance.readBigUInt64LE(), count, devices);
  for (let at = 0; at < devices.length; at += 8) {
    const properties = Buffer.alloc(4096);
    describe(devices.readBigUInt64LE(at), properties);
    console.log(properties.readUInt32LE(16) + " " + properties.toString("utf8", 20, properties.indexOf(0, 20)));
  }
`;

/** VkPhysicalDeviceType, in the order of preference: discrete, integrated, virtual, other, CPU. */
const PROCESSOR = "4";
const PREFERENCE = ["2", "1", "3", "0", PROCESSOR];

const DEBIAN = "on Debian and Ubuntu, apt install libvulkan1 mesa-vulkan-drivers, or for NVIDIA its driver";

let finding: Promise<GpuReport> | undefined;

/**
 * Tries the GPU in a child process. Caches success for the life of the process.
 *
 * @throws Error if onnxruntime-node is not installed
 */
export function findGpu(): Promise<GpuReport> {
  if (!finding) {
    finding = tryGpu();
    const forget = () => {
      finding = undefined;
    };
    finding.then(({ runs }) => runs || forget(), forget);
  }
  return finding;
}

async function tryGpu(): Promise<GpuReport> {
  const graph = new GraphBuilder("probe");
  graph.node("Neg", [graph.input("x", "float32", [1])], {}, [graph.output("y", "float32", [1])]);
  const model = Buffer.from(graph.encode()).toString("base64");
  const { stdout, stderr, end } = await runScript(PROBE, require.resolve("onnxruntime-node"), model);
  const answer = stdout.split("\n").at(-1) ?? ""; // a driver may have printed lines before
  if (answer === "runs") return { runs: true };
  return { runs: false, ...explain(answer, stderr, end) };
}

/** The name of the GPU that onnxruntime prefers. Undefined if it is unknown. */
export async function nameOfGpu(): Promise<string | undefined> {
  if (platform === "darwin") {
    const { stdout } = await run("system_profiler", ["-json", "SPDisplaysDataType"]);
    return /"sppci_model"\s*:\s*"([^"]+)"/.exec(stdout)?.[1];
  }
  if (platform === "win32") {
    const command = "(Get-CimInstance Win32_VideoController).Name";
    return (await run("powershell", ["-NoProfile", "-Command", command])).stdout.split(/\r?\n/)[0] || undefined;
  }
  try {
    const { stdout } = await runScript(VULKAN, require.resolve("koffi"));
    const devices = stdout.split("\n").map((line) => ({ type: line[0], name: line.slice(2) }));
    const preferred = PREFERENCE.map((type) => devices.find((device) => device.type === type));
    const { name, type } = preferred.find((device) => device) ?? {};
    return type === PROCESSOR ? `${name}, which computes on the processor` : name;
  } catch {
    return undefined; // koffi is optional
  }
}

function explain(problem: string, warnings: string, end: string | undefined) {
  if (problem.startsWith(NOT_LOADED)) return { reason: problem, remedy: "npm ci" };
  if (warnings.includes("Couldn't load Vulkan")) {
    return { reason: "Vulkan is not installed (libvulkan.so.1)", remedy: DEBIAN };
  }
  if (problem.includes("No supported adapters")) {
    return platform === "linux"
      ? { reason: "no Vulkan driver finds a GPU", remedy: DEBIAN }
      : { reason: "no driver finds a GPU", remedy: "install the driver of its manufacturer" };
  }
  if (problem.includes("is unsupported")) {
    return {
      reason: `onnxruntime-node uses no GPU on ${platform} ${arch}`,
      remedy: "use Linux (x64), macOS (arm64) or Windows",
    };
  }
  const reason = problem || `the GPU's driver ended the process (${end ?? "without an error"})`;
  return { reason, remedy: "update the GPU's driver" };
}

function runScript(script: string, ...args: readonly string[]) {
  return run(execPath, ["-e", script, ...args]);
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Undefined if the program succeeded. */
  readonly end: string | undefined;
}

function run(program: string, args: readonly string[]): Promise<Ended> {
  const options = { env: { ...env, ORT_DISABLE_TELEMETRY: "1" }, timeout: 60_000, windowsHide: true };
  return new Promise((resolve) => {
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const failure = error?.killed ? "no answer in a minute" : (error?.signal ?? `exit code ${error?.code}`);
      const end = error ? String(failure) : undefined;
      resolve({ stdout: stdout.trim(), stderr, end });
    });
  });
}
