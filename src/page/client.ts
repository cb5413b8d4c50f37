// Requests to the server. Addresses are relative, since the page's own address holds the token.
import type { ModelCalls, RunEvents, RunList } from "../explore/protocol.js";

type Given<Call extends keyof ModelCalls> = Parameters<ModelCalls[Call]>[0];
type Result<Call extends keyof ModelCalls> = ReturnType<ModelCalls[Call]>;

const ENDED = "vae explore has ended. Start it again, and open the address it prints.";
const REFUSED = "The progress of this run is not available. Close other pages of vae explore, then reload this page.";

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

type EventHandlers = { readonly [E in keyof RunEvents]: (event: RunEvents[E]) => void };

/**
 * Listens to a run's events while the page is visible, until the returned function is called. Browsers allow about six
 * connections to a server over all tabs, so a hidden page must not keep one.
 *
 * @param report called with the problem of the connection, and with undefined when it is open
 */
export function followRun(
  run: string,
  handlers: EventHandlers,
  report: (problem: string | undefined) => void,
): () => void {
  const address = `events?${new URLSearchParams({ run })}`;
  let close: (() => void) | undefined;
  const update = () => {
    close?.();
    close = document.hidden ? undefined : listen(address, handlers, report);
  };
  update();
  document.addEventListener("visibilitychange", update);
  return () => {
    document.removeEventListener("visibilitychange", update);
    close?.();
  };
}

/** Failures in a row before they are a problem: browsers reconnect by themselves. */
const MAX_FAILURES = 2;

function listen(address: string, handlers: EventHandlers, report: (problem: string | undefined) => void): () => void {
  const source = new EventSource(address);
  let failures = 0;
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
  }
  source.addEventListener("open", () => {
    failures = 0;
    report(undefined);
  });
  source.addEventListener("error", () => {
    failures += 1;
    // The browser gives up if the answer is not an event stream.
    if (source.readyState === EventSource.CLOSED) report(REFUSED);
    else if (failures >= MAX_FAILURES) report(ENDED);
  });
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
    throw new Error(ENDED);
  }
  if (response.ok) return response.json();
  const { error } = await response.json().catch(() => ({})); // a proxy's errors are not JSON
  throw new Error(error ?? `vae explore failed with HTTP status ${response.status}. Reload the page.`);
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
