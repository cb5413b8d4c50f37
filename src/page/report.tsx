// The script of a report. It replaces still pictures by live ones; all texts and numbers are in the file without it.
import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useMemo } from "preact/hooks";
import type { CurvesContents, ReportContents, Terms } from "../report/contents.js";
import type { EpochReport } from "../run/reports.js";
import { Curves } from "./curves.js";
import { ReportPlane } from "./report-plane.js";

const contents: ReportContents = JSON.parse(document.getElementById("contents")?.textContent ?? "{}");

start();

function start(): void {
  const { curves, plane } = contents;
  if (curves) mount("curves", <ReportCurves contents={curves} />);
  if (plane) mount("plane", <ReportPlane contents={plane} />);
  addEpochSlider();
  addCopyButton();
}

/** Shows a component instead of a still picture, which remains for print. */
function mount(id: string, component: preact.ComponentChild): void {
  const figure = document.getElementById(id);
  if (!figure) return;
  const place = document.createElement("div");
  place.className = "live-view";
  figure.append(place);
  figure.classList.add("is-live"); // before the plot measures its place
  render(component, place);
}

function ReportCurves({ contents: { panels, epochs, best } }: { readonly contents: CurvesContents }) {
  const reports = useMemo(() => epochs.map(toReport), [epochs]);
  return <Curves epochs={reports} panels={panels} marked={best} />;
}

/** Restores the numbers that JSON cannot hold. */
function toReport({ epoch, train, validation }: CurvesContents["epochs"][number]): EpochReport {
  const numbers = ({ objective, elbo, reconstruction, kl }: Terms) => ({
    objective: objective ?? Number.NaN,
    elbo: elbo ?? Number.NaN,
    reconstruction: reconstruction ?? Number.NaN,
    kl: kl ?? Number.NaN,
  });
  const unknown = { isBest: false, imagesPerSecond: Number.NaN, seconds: Number.NaN };
  return { epoch, train: numbers(train), validation: numbers(validation), ...unknown };
}

/** A slider over the epochs whose pictures are in the file. */
function addEpochSlider(): void {
  const figure = document.getElementById("epochs");
  const images = [...(figure?.querySelectorAll("img") ?? [])];
  if (!figure || images.length < 2) return;
  const epochs = images.map(({ dataset }) => dataset.epoch ?? "");
  const place = document.createElement("div");
  place.className = "slider";
  figure.append(place);
  render(<EpochSlider epochs={epochs} images={images} number={figure.querySelector("#epoch")} />, place);
}

interface EpochSliderProps {
  readonly epochs: readonly string[];
  readonly images: readonly HTMLImageElement[];
  readonly number: Element | null;
}

function EpochSlider({ epochs, images, number }: EpochSliderProps) {
  const chosen = useSignal(images.length - 1);
  const choose = (index: number) => {
    chosen.value = index;
    images.forEach((image, i) => {
      image.hidden = i !== index;
    });
    if (number) number.textContent = epochs[index];
  };
  return (
    <input
      type="range"
      min={0}
      max={images.length - 1}
      value={chosen}
      aria-label="Epoch of the reconstructions"
      aria-valuetext={`Epoch ${epochs[chosen.value]}`}
      onInput={({ currentTarget }) => choose(currentTarget.valueAsNumber)}
    />
  );
}

function addCopyButton(): void {
  const code = document.getElementById("command");
  const box = code?.closest(".command");
  if (!code || !box) return;
  const place = document.createElement("div");
  box.append(place);
  render(<CopyButton code={code} />, place);
}

/** The button says "Copied" for this long. */
const COPIED_MS = 2000;

function CopyButton({ code }: { readonly code: HTMLElement }) {
  const outcome = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code.textContent ?? "");
      outcome.value = "Copied";
      setTimeout(() => {
        outcome.value = "";
      }, COPIED_MS);
    } catch {
      getSelection()?.selectAllChildren(code); // browsers may refuse, for files too
      outcome.value = "Selected: copy it";
    }
  };
  return (
    <>
      <button type="button" onClick={copy}>
        {outcome.value || "Copy"}
      </button>
      <span class="unseen" role="status">
        {outcome}
      </span>
    </>
  );
}
