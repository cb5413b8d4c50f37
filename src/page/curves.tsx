// Learning curves: a panel for each term, with a line for training and one for validation. Also used in reports, so it
// sends no requests.
import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { EpochSummary, EpochTerms } from "../explore/protocol.js";
import { Chart, LINES, type Lines } from "./chart.js";
import { formatNumber } from "./numbers.js";

type Term = keyof EpochTerms;

/** A term of the bound, its title, and whether to show it with the opposite sign, as −ELBO. */
export interface Panel {
  readonly term: Term;
  readonly title: string;
  readonly isNegated?: boolean;
}

export interface CurvesProps {
  readonly epochs: readonly EpochSummary[];
  readonly panels: readonly Panel[];
  /** An epoch to mark in all panels. */
  readonly marked?: number | undefined;
  /** Called with the epoch that the user clicks or selects by the keyboard. */
  readonly onChoose?: (epoch: number) => void;
}

export const LINE_NAMES = { train: "Training", validation: "Validation" } as const;
type Visibility = Readonly<Record<(typeof LINES)[number], boolean>>;

const NEGATIVE_ELBO = "−ELBO";

/**
 * The panels of a run: −ELBO, reconstruction and KL, and first the objective if it is another one. A plain autoencoder
 * has the objective alone.
 *
 * @param objective the title of the negated objective, such as −L50
 */
export function panelsOf(objective: string, hasBound: boolean): Panel[] {
  const first: Panel = { term: "objective", title: objective, isNegated: true };
  if (!hasBound) return [first];
  return [
    ...(objective === NEGATIVE_ELBO ? [] : [first]),
    { term: "elbo", title: NEGATIVE_ELBO, isNegated: true },
    { term: "reconstruction", title: "Reconstruction" },
    { term: "kl", title: "KL" },
  ];
}

export function Curves({ epochs, panels, marked, onChoose }: CurvesProps) {
  /** Index of the epoch under the pointer, or chosen by the keyboard, in all panels. */
  const hovered = useSignal<number | undefined>(undefined);
  const visible = useSignal<Visibility>({ train: true, validation: true });
  return (
    <div class="curves">
      <div class="row">
        <Legend visible={visible} />
        <span class="small">Nats per image</span>
      </div>
      <div class="curves-panels">
        {panels.map((panel) => (
          <PanelView key={panel.term} {...{ epochs, panel, hovered, visible, marked, onChoose }} />
        ))}
      </div>
    </div>
  );
}

/** Buttons that hide and show the lines. */
function Legend({ visible }: { readonly visible: Signal<Visibility> }) {
  return (
    <fieldset class="curves-legend" aria-label="Lines of the charts">
      {LINES.map((line) => (
        <button
          key={line}
          type="button"
          aria-pressed={visible.value[line]}
          onClick={() => {
            visible.value = { ...visible.value, [line]: !visible.value[line] };
          }}
        >
          <span class={`curves-key curves-${line}`} aria-hidden="true" />
          {LINE_NAMES[line]}
        </button>
      ))}
    </fieldset>
  );
}

interface PanelProps {
  readonly epochs: readonly EpochSummary[];
  readonly panel: Panel;
  readonly hovered: Signal<number | undefined>;
  readonly visible: Signal<Visibility>;
  readonly marked: number | undefined;
  readonly onChoose: ((epoch: number) => void) | undefined;
}

function PanelView({ epochs, panel, hovered, visible, marked, onChoose }: PanelProps) {
  const parent = useRef<HTMLDivElement>(null);
  const index = Math.min(hovered.value ?? epochs.length - 1, epochs.length - 1);
  useChart(parent, { epochs, panel, hovered, visible, marked, onChoose });
  const report = epochs[index];
  const values = LINES.map((line) => `${LINE_NAMES[line]} ${report ? formatValue(report, line, panel) : "–"}`);
  const move = (event: KeyboardEvent) => {
    const { key } = event;
    const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: epochs.length - 1 }[key];
    if (to !== undefined) hovered.value = Math.max(0, Math.min(epochs.length - 1, to));
    else if (key === "Enter" && report) onChoose?.(report.epoch);
    else return;
    event.preventDefault();
  };
  return (
    <figure class="curves-panel">
      <figcaption>
        <span class="curves-title">{panel.title}</span>
        <span class="curves-values">
          {report && <span class="curves-epoch">epoch {report.epoch}</span>}
          {report &&
            LINES.filter((line) => visible.value[line]).map((line) => (
              <span key={line} class={`curves-value curves-${line}`} title={LINE_NAMES[line]}>
                {formatValue(report, line, panel)}
              </span>
            ))}
        </span>
      </figcaption>
      <div
        ref={parent}
        class="curves-chart"
        role="slider"
        tabIndex={0}
        aria-label={`${panel.title}, by epoch`}
        aria-valuemin={epochs[0]?.epoch ?? 0}
        aria-valuemax={epochs.at(-1)?.epoch ?? 0}
        aria-valuenow={report?.epoch ?? 0}
        aria-valuetext={report ? `Epoch ${report.epoch}: ${values.join(", ")}` : "No epoch yet"}
        onKeyDown={move}
        onBlur={() => {
          hovered.value = undefined;
        }}
      />
    </figure>
  );
}

/** Creates the chart in its element, and keeps it up to date. */
function useChart(
  parent: { readonly current: HTMLDivElement | null },
  { epochs, panel, hovered, visible, marked, onChoose }: PanelProps,
): void {
  const chart = useSignal<Chart | undefined>(undefined);
  const choose = useRef<(index: number) => void>(() => {});
  choose.current = (index) => epochs[index] && onChoose?.(epochs[index].epoch);
  useLayoutEffect(() => {
    const created = new Chart(parent.current as HTMLDivElement, {
      onHover: (index) => {
        hovered.value = index;
      },
      onChoose: (index) => choose.current(index),
    });
    chart.value = created;
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => created.redraw();
    scheme.addEventListener("change", redraw);
    return () => {
      scheme.removeEventListener("change", redraw);
      created.destroy();
    };
  }, []);
  useLayoutEffect(() => chart.value?.show(linesOf(epochs, panel)), [epochs, panel.term]);
  useEffect(() => chart.value?.mark(marked), [marked, epochs]);
  useSignalEffect(() => chart.value?.point(hovered.value));
  useSignalEffect(() => {
    for (const line of LINES) chart.value?.toggle(line, visible.value[line]);
  });
}

function linesOf(epochs: readonly EpochSummary[], panel: Panel): Lines {
  const values = (line: (typeof LINES)[number]) => epochs.map((report) => termOf(report, line, panel));
  return { epochs: epochs.map(({ epoch }) => epoch), train: values("train"), validation: values("validation") };
}

/** A value of a panel, of an epoch. */
export function formatValue(report: EpochSummary, line: (typeof LINES)[number], panel: Panel): string {
  return formatNumber(termOf(report, line, panel));
}

/** NaN if the epoch does not have the value. */
function termOf(report: EpochSummary, line: (typeof LINES)[number], { term, isNegated }: Panel): number {
  const value = report[line]?.[term] ?? Number.NaN;
  return isNegated ? -value : value;
}
