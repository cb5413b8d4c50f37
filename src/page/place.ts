// The view and the runs that the page shows, kept in the hash of its address for reloads and bookmarks.
import { signal } from "@preact/signals";

export interface Place {
  readonly view: string;
  readonly run?: string;
  /** The run to compare with. */
  readonly other?: string;
}

export const place = signal(parse(""));

/** Follows the address from now on. */
export function followAddress(): void {
  const read = () => {
    place.value = parse(location.hash);
  };
  read();
  addEventListener("hashchange", read);
}

/** The address of another place: `change` replaces parts of the current one. */
export function addressOf(change: Partial<Record<keyof Place, string | undefined>>): string {
  const { view, run, other } = { ...place.value, ...change };
  const query = new URLSearchParams({ ...(run && { run }), ...(other && other !== run && { with: other }) });
  return `#${view}${query.size > 0 ? `?${query}` : ""}`;
}

/** Goes to another place. The back button returns from it. */
export function goTo(change: Parameters<typeof addressOf>[0]): void {
  location.hash = addressOf(change);
}

/** Writes the run into an address that names none, so that a reload shows it again. */
export function keepRun(run: string): void {
  place.value = parse(location.hash); // its event may not have come yet
  if (place.value.run === undefined) location.replace(addressOf({ run }));
}

function parse(hash: string): Place {
  const [view, query] = hash.replace(/^#/, "").split("?");
  const values = new URLSearchParams(query);
  const [run, other] = [values.get("run"), values.get("with")];
  return { view: view || "plane", ...(run && { run }), ...(other && { other }) };
}
