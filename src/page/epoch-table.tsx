// The numbers of the learning curves as a table, in a disclosure.
import { useSignal } from "@preact/signals";
import type { EpochSummary } from "../explore/protocol.js";
import { LINES } from "./chart.js";
import { formatValue, LINE_NAMES, type Panel } from "./curves.js";
import { formatSeconds, formatSpeed } from "./numbers.js";

interface EpochTableProps {
  readonly epochs: readonly EpochSummary[];
  readonly panels: readonly Panel[];
}

export function EpochTable({ epochs, panels }: EpochTableProps) {
  const isOpen = useSignal(false);
  return (
    <details
      onToggle={({ currentTarget }) => {
        isOpen.value = currentTarget.open;
      }}
    >
      <summary>Table</summary>
      {isOpen.value && <Table epochs={epochs} panels={panels} />}
    </details>
  );
}

function Table({ epochs, panels }: EpochTableProps) {
  const columns = panels.flatMap((panel) => LINES.map((line) => ({ panel, line })));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keys scroll the table
    <section class="epoch-table" tabIndex={0} aria-label="Numbers of all epochs">
      <table>
        <caption class="small">Nats per image</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              Epoch
            </th>
            {columns.map(({ panel, line }) => (
              <th key={`${panel.term} ${line}`} scope="col" class="number">
                {panel.title}, {LINE_NAMES[line].toLowerCase()}
              </th>
            ))}
            <th scope="col" class="number">
              Images per second
            </th>
            <th scope="col" class="number">
              Time
            </th>
          </tr>
        </thead>
        <tbody>
          {epochs.map((report) => (
            <tr key={report.epoch}>
              <th scope="row" class="number">
                {report.epoch}
              </th>
              {columns.map(({ panel, line }) => (
                <td key={`${panel.term} ${line}`} class="number">
                  {formatValue(report, line, panel)}
                </td>
              ))}
              <td class="number">{formatSpeed(report) ?? "–"}</td>
              <td class="number">{report.seconds === undefined ? "–" : formatSeconds(report.seconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
