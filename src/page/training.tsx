// The Training view: the state of a run, its learning curves, and the pictures and the plane of a chosen epoch.
import { type Signal, useComputed, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RunEvents } from "../explore/protocol.js";
import { Curves, formatValue, type Panel, panelsOf } from "./curves.js";
import { EpochPictures } from "./epoch-pictures.js";
import { EpochPlaneView } from "./epoch-plane.js";
import { EpochTable } from "./epoch-table.js";
import { type FollowedRun, summaryOf } from "./followed.js";
import { formatSeconds, formatSpeed, STATE_NAMES } from "./numbers.js";

type Progress = RunEvents["progress"];

/** Time between epochs while they play. */
const PLAY_MS = 400;

export function TrainingView({ followed }: { readonly followed: FollowedRun }) {
  const progress = followed.progress.value;
  const panels = useComputed(() => panelsOf(followed.progress.value?.objective ?? "", hasBound(followed)));
  if (!progress) return <div class="skeleton" />;
  return (
    <div class="training">
      <Status progress={progress} objective={panels.value[0]} />
      {progress.epochs.length === 0 ? (
        <p class="card">
          {progress.state === "in use"
            ? "The first epoch is running. Curves and pictures appear when it ends."
            : "The training stopped before its first epoch ended."}
        </p>
      ) : (
        <Epochs followed={followed} progress={progress} panels={panels.value} />
      )}
    </div>
  );
}

interface StatusProps {
  readonly progress: Progress;
  /** The panel of the objective. */
  readonly objective: Panel;
}

function Status({ progress: { state, epochs, planned }, objective }: StatusProps) {
  const last = epochs.at(-1);
  const best = epochs.findLast(({ isBest }) => isBest);
  const perEpoch = state === "in use" ? (last?.seconds ?? 0) / epochs.length : 0;
  const left = perEpoch * (planned - epochs.length);
  const facts: [string, string | undefined][] = [
    ["Time", last?.seconds === undefined ? undefined : formatSeconds(last.seconds)],
    ["Time left", left > 0 ? `about ${formatSeconds(left)}` : undefined],
    ["Images per second", last && formatSpeed(last)],
    [
      "Best epoch",
      best && `${best.epoch}, validation ${objective.title} ${formatValue(best, "validation", objective)} nats`,
    ],
  ];
  return (
    <section class="card training-status" aria-label="State">
      <p class="training-state">
        <span class={`badge ${state === "in use" ? "is-running" : ""}`} role="status">
          {STATE_NAMES[state]}
        </span>
        <span>
          {epochs.length} of {planned} epoch{planned !== 1 && "s"}
        </span>
      </p>
      <progress value={epochs.length} max={Math.max(1, planned)} aria-label="Epochs done" />
      <dl class="training-facts">
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

interface EpochsProps {
  readonly followed: FollowedRun;
  readonly progress: Progress;
  readonly panels: readonly Panel[];
}

function Epochs({ followed, progress, panels }: EpochsProps) {
  const { epochs, pictures } = progress;
  /** Undefined follows the newest epoch. */
  const chosen = useSignal<number | undefined>(undefined);
  const newest = epochs[epochs.length - 1].epoch;
  const epoch = Math.min(chosen.value ?? newest, newest);
  const choose = (to: number) => {
    chosen.value = to >= newest ? undefined : to;
  };
  return (
    <>
      <section class="card" aria-label="Learning curves">
        <Curves epochs={epochs} panels={panels} marked={epoch} onChoose={choose} />
        <EpochTable epochs={epochs} panels={panels} />
      </section>
      <section class="card" aria-label="Epoch">
        <EpochChooser chosen={chosen} epoch={epoch} newest={newest} onChoose={choose} />
        <div class="training-epoch">
          <EpochPictures run={followed.run} pictures={pictures} epoch={epoch} />
          {followed.model.value && <EpochPlaneView model={followed.model.value} epoch={epoch} />}
        </div>
      </section>
    </>
  );
}

/** Whether the objective is a bound. The settings say so of a run without weights too. */
function hasBound({ run }: FollowedRun): boolean {
  return !summaryOf(run)?.settings.includes("model=ae");
}

interface EpochChooserProps {
  readonly chosen: Signal<number | undefined>;
  readonly epoch: number;
  readonly newest: number;
  onChoose(epoch: number): void;
}

function EpochChooser({ chosen, epoch, newest, onChoose }: EpochChooserProps) {
  const isPlaying = useSignal(false);
  useEffect(() => {
    if (!isPlaying.value) return;
    const timer = setTimeout(() => {
      if (epoch < newest) onChoose(epoch + 1);
      if (epoch + 1 >= newest) isPlaying.value = false;
    }, PLAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying.value, epoch, newest]);
  const play = () => {
    if (!isPlaying.value && epoch >= newest) chosen.value = 1;
    isPlaying.value = !isPlaying.value;
  };
  return (
    <div class="epoch-chooser">
      <button type="button" disabled={newest === 1} onClick={play}>
        {isPlaying.value ? "Pause" : "Play"}
      </button>
      <label>
        Epoch
        <input
          type="range"
          min={1}
          max={newest}
          step={1}
          value={epoch}
          disabled={newest === 1}
          onInput={({ currentTarget }) => {
            isPlaying.value = false;
            onChoose(currentTarget.valueAsNumber);
          }}
        />
        <span aria-hidden="true">{epoch}</span>
      </label>
      <button
        type="button"
        aria-pressed={chosen.value === undefined}
        onClick={() => {
          isPlaying.value = false;
          chosen.value = undefined;
        }}
      >
        Newest
      </button>
    </div>
  );
}
