// The Runs view: all runs in a table that sorts, and is up to date while runs train. On narrow screens, a list.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunSummary } from "../explore/protocol.js";
import { list, refreshList } from "./followed.js";
import { formatNumber, negate, STATE_NAMES } from "./numbers.js";
import { addressOf, place } from "./place.js";

interface Column {
  readonly title: string;
  readonly isNumber?: true;
  /** What the table sorts by. Runs without it are last. */
  readonly key: (run: RunSummary) => string | number | undefined;
}

const COLUMNS: readonly Column[] = [
  { title: "Run", key: ({ run }) => run },
  { title: "Created", key: ({ created }) => created },
  { title: "State", key: ({ state }) => state },
  { title: "Epochs", key: ({ epochs }) => epochs, isNumber: true },
  { title: "Data", key: ({ dataset }) => dataset },
  { title: "Settings", key: ({ settings }) => settings.join(" ") },
  { title: "Validation", key: ({ validation }) => sortKey(validation), isNumber: true },
  { title: "Test", key: ({ test }) => sortKey(test), isNumber: true },
];

/** −ELBO, so that the best run is the first in ascending order. */
function sortKey(bounds: RunSummary["test"]): number | undefined {
  const value = negate(bounds?.elbo);
  return Number.isNaN(value) ? undefined : value;
}

const REFRESH_MS = 3000;

interface Order {
  readonly column: Column;
  readonly isDescending: boolean;
}

export function RunsView() {
  const order = useSignal<Order>({ column: COLUMNS[1], isDescending: true });
  useEffect(() => {
    const refresh = () => {
      if (!document.hidden) refreshList();
    };
    refresh();
    const timer = setInterval(refresh, REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  const { runs = [], unreadable = [] } = list.value ?? {};
  return (
    <div class="stack">
      {runs.length > 0 && (
        <Table
          runs={sorted(runs, order.value)}
          order={order.value}
          onOrder={(next) => {
            order.value = next;
          }}
        />
      )}
      {runs.length > 0 && <p class="small">Validation and test: −ELBO in nats per image, with the best weights.</p>}
      {unreadable.map(({ run, problem }) => (
        <p key={run} class="small">
          {run}: {problem}
        </p>
      ))}
    </div>
  );
}

interface TableProps {
  readonly runs: readonly RunSummary[];
  readonly order: Order;
  onOrder(order: Order): void;
}

function Table({ runs, order, onOrder }: TableProps) {
  return (
    <table class="card run-table">
      <caption class="unseen">Runs</caption>
      <thead>
        <tr>
          {COLUMNS.map((column) => {
            const isChosen = order.column === column;
            const direction = order.isDescending ? "descending" : "ascending";
            return (
              <th
                key={column.title}
                scope="col"
                class={column.isNumber && "number"}
                {...(isChosen && { "aria-sort": direction })}
              >
                <button
                  type="button"
                  class="sort"
                  onClick={() => onOrder({ column, isDescending: isChosen && !order.isDescending })}
                >
                  {column.title}
                  <span aria-hidden="true">{isChosen ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
                </button>
              </th>
            );
          })}
          <th scope="col">
            <span class="unseen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row key={run.run} run={run} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ run: summary }: { readonly run: RunSummary }) {
  const { run, created, state, epochs, dataset, settings, validation, test, hasModel } = summary;
  const { run: shown = list.value?.chosen } = place.value;
  return (
    <tr aria-current={run === shown ? "true" : undefined}>
      <th scope="row">
        <span class="run-name">{run}</span>
      </th>
      <td data-title="Created" class="date">
        {new Date(created).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" })}
      </td>
      <td data-title="State">
        <span class={`state ${state === "in use" ? "live" : ""}`}>{STATE_NAMES[state]}</span>
      </td>
      <td data-title="Epochs" class="number">
        {epochs}
      </td>
      <td data-title="Data">{dataset}</td>
      <td data-title="Settings">
        {settings.length > 0 ? settings.map((text) => <Setting key={text} text={text} />) : "–"}
      </td>
      <NegativeElbo title="Validation" bounds={validation} />
      <NegativeElbo title="Test" bounds={test} />
      <td class="actions">
        <a class="button" href={addressOf({ view: hasModel ? "plane" : "training", run, other: undefined })}>
          Open<span class="unseen"> {run}</span>
        </a>
        {run !== shown && shown !== undefined && (
          <a class="button" href={addressOf({ view: "plane", run: shown, other: run })}>
            Compare<span class="unseen"> {run}</span>
          </a>
        )}
      </td>
    </tr>
  );
}

function Setting({ text }: { readonly text: string }) {
  return <span class="setting">{text}</span>;
}

/** −ELBO; of a plain autoencoder, which has no KL term, the negated reconstruction. */
function NegativeElbo({ title, bounds }: { readonly title: string; readonly bounds: RunSummary["test"] }) {
  return (
    <td data-title={title} class="number">
      {bounds?.kl === 0 && <span class="small">no KL </span>}
      {bounds ? formatNumber(negate(bounds.elbo)) : "–"}
    </td>
  );
}

function sorted(runs: readonly RunSummary[], { column: { key }, isDescending }: Order): RunSummary[] {
  const compare = (a: string | number, b: string | number) =>
    typeof a === "number" && typeof b === "number"
      ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true });
  return [...runs].sort((first, second) => {
    const [a, b] = [key(first), key(second)];
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
    return (isDescending ? -1 : 1) * compare(a, b);
  });
}
