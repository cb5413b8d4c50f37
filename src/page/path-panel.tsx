// The Path panel: moves z along the line between two latent vectors, A and B.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import type { OpenModel } from "./model.js";
import type { PlaneState } from "./plane-state.js";

interface PathPanelProps {
  readonly model: OpenModel;
  readonly state: PlaneState;
}

/** From A to B, in milliseconds. */
const DURATION = 4000;
/** Steps of the button that replaces the animation for viewers who prefer less motion. */
const STEPS = 8;

export function PathPanel({ model, state: { ends } }: PathPanelProps) {
  const share = useSignal(0);
  const isPlaying = useSignal(false);
  const [from, to] = ends.value;
  const show = (next: number) => {
    share.value = next;
    if (from && to) model.z.value = from.map((value, d) => value + next * (to[d] - value));
  };
  const setEnd = (index: 0 | 1) => {
    const here = model.z.value;
    ends.value = index === 0 ? [here, to] : [from, here];
    share.value = index;
    isPlaying.value = false;
  };
  return (
    <section class="card" aria-label="Path">
      <div class="row spread">
        <h3>Path</h3>
        <div class="row tight">
          <button type="button" onClick={() => setEnd(0)}>
            {from ? "Move A here" : "Set A here"}
          </button>
          <button type="button" onClick={() => setEnd(1)}>
            {to ? "Move B here" : "Set B here"}
          </button>
        </div>
      </div>
      {from && to ? (
        <PathSlider share={share} isPlaying={isPlaying} show={show} />
      ) : (
        <p class="small">
          Move the cursor to a place, or select a point, and set it as A. Set another one as B. Play decodes the images
          on the line between them.
        </p>
      )}
    </section>
  );
}

interface PathSliderProps {
  /** From 0 at A to 1 at B. */
  readonly share: Signal<number>;
  readonly isPlaying: Signal<boolean>;
  show(share: number): void;
}

function PathSlider({ share, isPlaying, show }: PathSliderProps) {
  const id = useId();
  useAnimation(isPlaying.value, () => share.peek(), show);
  const prefersLessMotion = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return (
    <div class="path-line">
      {prefersLessMotion ? (
        <button type="button" onClick={() => show(share.value >= 1 ? 0 : Math.min(1, share.value + 1 / STEPS))}>
          Step
        </button>
      ) : (
        <button
          type="button"
          class="primary"
          onClick={() => {
            isPlaying.value = !isPlaying.value;
          }}
        >
          {isPlaying.value ? "Pause" : "Play"}
        </button>
      )}
      <label for={id}>A</label>
      <input
        id={id}
        type="range"
        min={0}
        max={1}
        step={0.01}
        value={share.value}
        aria-label="From A to B"
        onInput={({ currentTarget }) => {
          isPlaying.value = false;
          show(Number(currentTarget.value));
        }}
      />
      <span class="small">B</span>
    </div>
  );
}

/** Moves back and forth between 0 and 1 in each frame. */
function useAnimation(isPlaying: boolean, read: () => number, show: (share: number) => void): void {
  useEffect(() => {
    if (!isPlaying) return;
    let direction = read() >= 1 ? -1 : 1;
    let before: number | undefined;
    let request = requestAnimationFrame(function advance(now) {
      const next = read() + (direction * (now - (before ?? now))) / DURATION;
      before = now;
      if (next <= 0 || next >= 1) direction = next <= 0 ? 1 : -1;
      show(Math.max(0, Math.min(1, next)));
      request = requestAnimationFrame(advance);
    });
    return () => cancelAnimationFrame(request);
  }, [isPlaying]);
}
