// Requests to the server. Addresses are relative, since the page's own address holds the token.
import type { ModelCalls, RunEvents, RunList } from "../explore/protocol.js";

type Given<Call extends keyof ModelCalls> = Parameters<ModelCalls[Call]>[0];
type Result<Call extends keyof ModelCalls> = ReturnType<ModelCalls[Call]>;

export function listRuns(): Promise<RunList> {
  return request("runs");
}

/** @throws Error with the server's message */
export function callModel<Call extends keyof ModelCalls>(
  run: string,
  call: Call,
  given: Given<Call>,
): Promise<Result<Call>> {
  return request("model", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ run, call, ...given }),
  });
}

/** Listens to a run's events, until the returned function is called. */
export function followRun(
  run: string,
  handlers: { [E in keyof RunEvents]: (event: RunEvents[E]) => void },
): () => void {
  const source = new EventSource(`events?${new URLSearchParams({ run })}`);
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
  }
  return () => source.close();
}

/** The address of a picture in a run. */
export function pictureAddress(run: string, name: string): string {
  return `picture?${new URLSearchParams({ run, name })}`;
}

async function request<T>(address: string, init?: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch {
    throw new Error("vae explore has ended. Start it again, and open the address it prints.");
  }
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body;
}

/**
 * Wraps an asynchronous function so that one call runs at a time. Calls made meanwhile are dropped, but for the last
 * one. So a drag shows the newest place, however slow the decoder is.
 */
export function latestOnly<Argument>(run: (argument: Argument) => Promise<void>): (argument: Argument) => void {
  let isRunning = false;
  let next: { readonly argument: Argument } | undefined;
  const start = async (argument: Argument) => {
    isRunning = true;
    try {
      await run(argument);
    } finally {
      isRunning = false;
      const waiting = next;
      next = undefined;
      if (waiting) start(waiting.argument);
    }
  };
  return (argument) => {
    if (isRunning) next = { argument };
    else start(argument);
  };
}
