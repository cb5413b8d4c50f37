// Runs loops of steps on a GPU. The inputs of a chunk go up together, and its outputs come down together.
import {
  copyOf,
  copyProgram,
  NEXT_STEP,
  REPORTS,
  ROWS,
  STEP,
  type StepProgram,
  stepProgram,
} from "./device-program.js";
import type { Loop } from "./loop.js";
import { checkArrays, type Step, stepsOf } from "./program.js";
import { type DeviceArray, GpuError, type IndexArray, Session } from "./session.js";
import { type HostArray, type HostTree, leaves, mapTree, sizeOf } from "./tree.js";

/** The sessions that run a step on the GPU, for inputs of the same names, types and shapes. */
export class DeviceStep {
  private constructor(
    readonly program: StepProgram,
    readonly step: Session,
    readonly uploadCarry: Session,
    readonly uploadChunk: Session,
    readonly downloadCarry: Session,
    readonly downloadReports: Session,
  ) {}

  static async create<Carry, X, Y>(
    step: Step<Carry, X, Y>,
    init: HostTree<Carry>,
    xs: HostTree<X>,
    threads: number,
  ): Promise<DeviceStep> {
    const program = await stepProgram(step, init, xs);
    const carry = carryInputs(init);
    const chunk = chunkInputs(xs, program.width);
    const loaded: Session[] = [];
    const load = async (model: Uint8Array, onDevice: readonly string[] = []) => {
      const session = await Session.create(model, threads, "gpu", onDevice);
      loaded.push(session);
      return session;
    };
    const names = (arrays: ReadonlyMap<string, HostArray>) => [...arrays.keys()].map(copyOf);
    const reports = new Map([[REPORTS, chunk.get(REPORTS) as HostArray]]);
    try {
      return new DeviceStep(
        program,
        await load(program.model, [...program.carry.values(), program.reports]),
        await load(copyProgram(carry, false), names(carry)),
        await load(copyProgram(chunk, true), names(chunk)),
        await load(copyProgram(carry, false)),
        await load(copyProgram(reports, true)),
      );
    } catch (error) {
      await Promise.allSettled(loaded.map((session) => session.close())); // on a lost GPU, closing fails too
      throw error;
    }
  }

  async close(): Promise<void> {
    const { step, uploadCarry, uploadChunk, downloadCarry, downloadReports } = this;
    const sessions = [step, uploadCarry, uploadChunk, downloadCarry, downloadReports];
    await Promise.all(sessions.map((session) => session.close()));
  }
}

/** The most bytes of a chunk that are in the memory of the GPU at once, unless a single step needs more. */
const MAX_UPLOADED_BYTES = 2 ** 26;

/** A loop that keeps its carry in the memory of the GPU. */
export class DeviceLoop<Carry, X, Y> implements Loop<Carry, X, Y> {
  #carry: ReadonlyMap<string, DeviceArray> | undefined;
  #sessions: DeviceStep | undefined;
  #isClosed = false;

  /** @param open returns the sessions for these inputs */
  constructor(
    private readonly open: (xs: HostTree<X>) => Promise<DeviceStep>,
    private readonly init: HostTree<Carry>,
  ) {}

  async run(xs: HostTree<X>): Promise<HostTree<Y, Float32Array>> {
    this.#check();
    const steps = stepsOf(xs);
    checkArrays(xs);
    this.#sessions = await this.open(xs);
    const { program, uploadCarry } = this.#sessions;
    this.#carry ??= copies(await uploadCarry.runOnDevice(carryInputs(this.init)));
    const bytes = leaves(xs).reduce((sum, [, { data }]) => sum + 4 * data.length, 0);
    const most = Math.max(1, Math.floor((MAX_UPLOADED_BYTES * steps) / bytes));
    const reports = new Float32Array(steps * program.width);
    for (let first = 0; first < steps; first += most) {
      const count = Math.min(most, steps - first);
      const part = mapTree(xs, (array: HostArray) => rowsOf(array, first, count)) as HostTree<X>;
      reports.set(await this.#runPart(this.#sessions, part, count), first * program.width);
    }
    return unpack(reports, steps, program) as HostTree<Y, Float32Array>;
  }

  async carry(): Promise<HostTree<Carry, Float32Array>> {
    this.#check();
    if (!this.#carry || !this.#sessions) return this.init as HostTree<Carry, Float32Array>;
    const arrays = await this.#sessions.downloadCarry.run(this.#carry);
    return mapTree(this.init, (_: HostArray, path) => {
      return arrays.get(copyOf(`carry/${path}`)) as HostArray;
    }) as HostTree<Carry, Float32Array>;
  }

  close(): void {
    this.#isClosed = true;
    dispose(this.#carry);
    this.#carry = undefined;
  }

  #check(): void {
    if (this.#isClosed) throw new Error("The loop is closed");
  }

  /** Runs steps whose inputs are uploaded together. @returns the reports */
  async #runPart({ program, step, uploadChunk, downloadReports }: DeviceStep, xs: HostTree<X>, count: number) {
    const uploaded = copies(await uploadChunk.runOnDevice(chunkInputs(xs, program.width, count)));
    try {
      for (let i = 0; i < count; i++) {
        const place = new Map([STEP, NEXT_STEP].map((name, next) => [name, index(i + next)]));
        const inputs = new Map<string, DeviceArray | IndexArray>([...(this.#carry ?? []), ...uploaded, ...place]);
        const results = await step.runOnDevice(inputs);
        dispose(this.#carry);
        this.#carry = new Map([...program.carry].map(([path, name]) => [`carry/${path}`, pick(results, name)]));
        uploaded.get(REPORTS)?.dispose();
        uploaded.set(REPORTS, pick(results, program.reports));
      }
      const [reports] = (await downloadReports.run(new Map([[REPORTS, pick(uploaded, REPORTS)]]))).values();
      return reports.data;
    } finally {
      dispose(uploaded);
    }
  }
}

function carryInputs(init: unknown): Map<string, HostArray> {
  return new Map(leaves({ carry: init }));
}

/** The inputs of a chunk: those of its steps, their numbers, and reports to be filled. */
function chunkInputs(xs: unknown, width: number, steps = stepsOf(xs)): Map<string, HostArray> {
  const rows = Float32Array.from({ length: steps }, (_, step) => step);
  return new Map([
    ...leaves({ x: xs }),
    [ROWS, { data: rows, shape: [steps] }],
    [REPORTS, { data: new Float32Array(steps * width), shape: [steps, width] }],
  ]);
}

function rowsOf({ data, shape }: HostArray, first: number, count: number): HostArray {
  const size = sizeOf(shape.slice(1));
  return { data: data.subarray(first * size, (first + count) * size), shape: [count, ...shape.slice(1)] };
}

/** Divides reports into the outputs of the steps, stacked. @throws GpuError if a step did not write its row */
function unpack(reports: Float32Array, steps: number, { width, y }: StepProgram): unknown {
  for (let step = 0; step < steps; step++) {
    if (reports[step * width] !== 1) throw new GpuError("it did not run all steps");
  }
  let next = 1;
  return mapTree(y as object, ({ shape }: { readonly shape: readonly number[] }) => {
    const size = sizeOf(shape);
    const data = new Float32Array(steps * size);
    for (let step = 0; step < steps; step++) {
      data.set(reports.subarray(step * width + next, step * width + next + size), step * size);
    }
    next += size;
    return { data, shape: [steps, ...shape] };
  });
}

/** The results of a copy, by the names of its inputs. */
function copies(results: ReadonlyMap<string, DeviceArray>): Map<string, DeviceArray> {
  return new Map([...results].map(([name, array]) => [name.slice(copyOf("").length), array]));
}

function pick(arrays: ReadonlyMap<string, DeviceArray>, name: string): DeviceArray {
  return arrays.get(name) as DeviceArray;
}

function index(step: number): IndexArray {
  return { data: BigInt64Array.of(BigInt(step)), shape: [1] };
}

function dispose(arrays: ReadonlyMap<string, DeviceArray> | undefined): void {
  for (const array of arrays?.values() ?? []) array.dispose();
}
