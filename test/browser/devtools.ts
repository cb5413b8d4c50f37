// Drives a page in headless Chromium through the DevTools protocol, with real key and mouse events.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout } from "node:timers/promises";

type Parameters = Readonly<Record<string, unknown>>;
type Reply = { readonly id?: number; readonly error?: { readonly message: string }; readonly result?: unknown };

/** A browser tab. */
export class Page {
  private constructor(
    private readonly call: (method: string, params?: Parameters) => Promise<unknown>,
    readonly close: () => Promise<void>,
  ) {}

  /** @param chromium path of the browser's program */
  static async open(chromium: string): Promise<Page> {
    const profile = mkdtempSync(path.join(tmpdir(), "vae-chromium-"));
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"];
    // Starts a new process group, since the program may be a script that starts the browser.
    const child = spawn(chromium, [...flags, `--user-data-dir=${profile}`], {
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    const closed = new Promise((resolve) => child.once("close", resolve));
    const send = connect(child.stdio[3] as Writable, child.stdio[4] as Readable);
    const { targetId } = (await send("Target.createTarget", { url: "about:blank" })) as { targetId: string };
    const attached = await send("Target.attachToTarget", { targetId, flatten: true });
    const { sessionId } = attached as { sessionId: string };
    return new Page(
      (method, params) => send(method, params, sessionId),
      async () => {
        process.kill(-(child.pid as number), "SIGKILL");
        await closed;
        rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
      },
    );
  }

  async goTo(url: string): Promise<void> {
    await this.call("Page.navigate", { url });
  }

  /** Evaluates an expression, and awaits a promise. Throws the error of the expression. */
  async evaluate<T>(expression: string): Promise<T> {
    const reply = await this.call("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    const { result, exceptionDetails } = reply as {
      result: { value: T };
      exceptionDetails?: { exception: Parameters };
    };
    if (exceptionDetails) throw new Error(String(exceptionDetails.exception.description));
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string): Promise<void> {
    for (let tries = 0; !(await this.evaluate<boolean>(`!!(${expression})`)); tries++) {
      if (tries === 600) throw new Error(`Not true after 30 s: ${expression}`);
      await setTimeout(50);
    }
  }

  /** @param key value of KeyboardEvent.key */
  async press(key: string): Promise<void> {
    const codes: Record<string, number> = { Tab: 9, Enter: 13, End: 35, Home: 36, ArrowLeft: 37, ArrowRight: 39 };
    const event = { key, code: key, windowsVirtualKeyCode: codes[key], ...(key === "Enter" && { text: "\r" }) };
    await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...event });
  }

  /** Moves the pressed mouse from one point of the window to another. */
  async drag([x, y]: readonly number[], [endX, endY]: readonly number[]): Promise<void> {
    const mouse = (type: string, x: number, y: number) =>
      this.call("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: 1, clickCount: 1 });
    await mouse("mousePressed", x, y);
    for (let i = 1; i <= 20; i++) await mouse("mouseMoved", x + ((endX - x) * i) / 20, y + ((endY - y) * i) / 20);
    await mouse("mouseReleased", endX, endY);
  }

  async setWindow(width: number, height: number, colours: "light" | "dark"): Promise<void> {
    await this.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: colours }];
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  /** @returns a PNG file */
  async screenshot(): Promise<Buffer> {
    const { data } = (await this.call("Page.captureScreenshot")) as { data: string };
    return Buffer.from(data, "base64");
  }
}

/** Connects to the DevTools pipe, whose messages are JSON with a final zero byte. */
function connect(input: Writable, output: Readable) {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let rest = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    const messages = (rest + text).split("\0");
    rest = messages.pop() as string;
    for (const message of messages) {
      const { id, error, result } = JSON.parse(message) as Reply;
      if (id === undefined) continue; // an event
      if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result);
      waiting.delete(id);
    }
  });
  output.once("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("Chromium ended"));
  });
  let count = 0;
  return (method: string, params: Parameters = {}, sessionId?: string) =>
    new Promise<unknown>((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      input.write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`);
    });
}
