// A folder of TensorBoard's files: one event file, which grows, and the files of the projector.
import { rm } from "node:fs/promises";
import path from "node:path";
import { listNames, parseRegular } from "../files/read.js";
import { appendToFile, writeFileAtomically } from "../files/write.js";

/** TensorBoard reads the files of a folder in the order of their names. */
const NAME = /^events\.out\.tfevents\.(\d{10,})\.vae$/;

export class EventFolder {
  #file: string | undefined;

  /** @param prepare makes the folder, and checks that it may be written. Called before each write */
  constructor(
    readonly dir: string,
    private readonly prepare: () => Promise<void>,
  ) {}

  /** Yields the items that `parse` reads from the event file. Yields none if there is no file. */
  async *read<Item>(
    parse: (read: (start: number, length: number) => Promise<Uint8Array>) => AsyncIterable<Item>,
  ): AsyncGenerator<Item, void> {
    const name = (await this.#names()).at(-1);
    if (name !== undefined) yield* parseRegular(path.join(this.dir, name), parse);
  }

  /** Replaces the event file by one with a later name: a running TensorBoard never reopens a file. */
  async replace(records: AsyncIterable<Uint8Array>): Promise<void> {
    await this.prepare();
    const before = await this.#names();
    const last = Number(NAME.exec(before.at(-1) ?? "")?.[1] ?? 0);
    const file = path.join(this.dir, eventFileName(Math.max(Math.floor(Date.now() / 1000), last + 1)));
    await writeFileAtomically(file, records);
    for (const name of before) await rm(path.join(this.dir, name), { force: true });
    this.#file = file;
  }

  /** Appends to the event file that `replace` wrote, and flushes it. */
  async append(record: Uint8Array): Promise<void> {
    await this.prepare();
    if (this.#file === undefined) throw new Error("There is no event file to append to");
    await appendToFile(this.#file, record);
  }

  /** Writes another file of the folder. */
  async write(name: string, content: string | Uint8Array): Promise<void> {
    await this.prepare();
    await writeFileAtomically(path.join(this.dir, name), content);
  }

  /** The names of event files, the latest last. */
  async #names(): Promise<string[]> {
    const times = (await listNames(this.dir)).flatMap((name) => NAME.exec(name)?.[1] ?? []);
    return times.sort((a, b) => Number(a) - Number(b)).map(eventFileName);
  }
}

function eventFileName(seconds: number | string): string {
  return `events.out.tfevents.${seconds}.vae`;
}
