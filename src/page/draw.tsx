// The Draw view: an image to draw, and what the model infers from it while it changes.
import { useSignal } from "@preact/signals";
import { useEffect, useId } from "preact/hooks";
import { ClassButtons } from "./class-buttons.js";
import { DrawCanvas } from "./draw-canvas.js";
import { type DrawState, drawStateOf, type Sketch } from "./draw-state.js";
import { Inferred, InferredPosterior } from "./inferred.js";
import { latentTitles, type OpenModel } from "./model.js";

export function DrawView({ model }: { readonly model: OpenModel }) {
  const state = useSignal<DrawState | undefined>(undefined);
  useEffect(() => {
    drawStateOf(model).then((ready) => {
      state.value = ready;
    });
  }, [model]);
  if (state.value?.model !== model) return <div class="skeleton" />;
  return <Draw state={state.value} />;
}

function Draw({ state }: { readonly state: DrawState }) {
  const isDropTarget = useSignal(false);
  useEffect(() => state.start(), [state]);
  usePaste(state);
  useIgnoredDrops();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    isDropTarget.value = false;
    const file = event.dataTransfer?.files[0];
    if (file) open(state, file);
  };
  return (
    <div class="draw">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button "Open image" does the same */}
      <div
        class={`card draw-card${isDropTarget.value ? " is-drop-target" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          isDropTarget.value = true;
        }}
        onDragLeave={() => {
          isDropTarget.value = false;
        }}
        onDrop={drop}
      >
        <DrawCanvas sketch={state.sketch} />
        <Tools sketch={state.sketch} />
      </div>
      <Inferred state={state} />
      <section class="card draw-options" aria-label="Options">
        <Sources state={state} />
        <Conditions state={state} />
      </section>
      <section class="card draw-posterior" aria-label={latentTitles(state.model).posterior}>
        <InferredPosterior state={state} />
      </section>
    </div>
  );
}

function open(state: DrawState, file: Blob): void {
  state.openFile(file).catch(() => {}); // the page shows the problem
}

/** Opens images that are pasted anywhere on the page. */
function usePaste(state: DrawState): void {
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
      if (!file || event.defaultPrevented) return; // of two models that are compared, the first takes it
      event.preventDefault();
      open(state, file);
    };
    document.addEventListener("paste", paste);
    return () => document.removeEventListener("paste", paste);
  }, [state]);
}

/** Ignores files that are dropped outside of the card: browsers would open them instead of the page. */
function useIgnoredDrops(): void {
  useEffect(() => {
    const ignore = (event: DragEvent) => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    };
    const events = ["dragover", "drop"] as const;
    for (const name of events) document.addEventListener(name, ignore);
    return () => {
      for (const name of events) document.removeEventListener(name, ignore);
    };
  }, []);
}

function Tools({ sketch }: { readonly sketch: Sketch }) {
  const { drawing, isErasing, brush, ink } = sketch;
  const choose = (erase: boolean) => () => {
    isErasing.value = erase;
  };
  return (
    <div class="row spread">
      <div class="row">
        <fieldset class="choice" aria-label="Tool">
          <button type="button" aria-pressed={!isErasing.value} onClick={choose(false)}>
            Brush
          </button>
          <button type="button" aria-pressed={isErasing.value} onClick={choose(true)}>
            Eraser
          </button>
        </fieldset>
        {drawing.size.channels === 3 && (
          <input
            type="color"
            aria-label="Colour of the brush"
            value={toHex(ink.value)}
            onInput={({ currentTarget }) => {
              ink.value = fromHex(currentTarget.value);
              isErasing.value = false;
            }}
          />
        )}
      </div>
      <div class="row">
        <button type="button" disabled={!drawing.canUndo.value} onClick={() => drawing.undo()}>
          Undo
        </button>
        <button type="button" onClick={() => drawing.clear()}>
          Clear
        </button>
      </div>
      <label class="draw-brush">
        Brush size
        <input
          type="range"
          min={1}
          max={sketch.maxBrush}
          step={0.5}
          value={brush.value}
          aria-valuetext={`${brush.value} pixels`}
          onInput={({ currentTarget }) => {
            brush.value = currentTarget.valueAsNumber;
          }}
        />
      </label>
    </div>
  );
}

function toHex(colour: readonly number[]): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

function fromHex(hex: string): number[] {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** Where an image to draw upon comes from: the test images, or a file. */
function Sources({ state }: { readonly state: DrawState }) {
  const { testImages } = state.model.info;
  const index = useSignal(0);
  const file = useId();
  const load = (chosen: number) => {
    index.value = Math.max(0, Math.min(testImages - 1, Math.floor(chosen) || 0));
    state.loadTest(index.value).catch(() => {}); // the page shows the problem
  };
  return (
    <div class="row">
      {testImages > 0 && (
        <form
          class="row"
          onSubmit={(event) => event.preventDefault()} // Enter has changed the field, which loads the image
        >
          <label>
            Test image
            <input
              type="number"
              min={0}
              max={testImages - 1}
              value={index.value}
              onChange={({ currentTarget }) => load(currentTarget.valueAsNumber)}
            />
          </label>
          <button type="button" onClick={() => load(Math.random() * testImages)}>
            Random
          </button>
        </form>
      )}
      <label class="button" for={file}>
        Open image…
        <input
          id={file}
          class="unseen"
          type="file"
          accept="image/*"
          onChange={({ currentTarget }) => {
            const [chosen] = currentTarget.files ?? [];
            if (chosen) open(state, chosen);
            currentTarget.value = ""; // so that the same file can be opened again
          }}
        />
      </label>
      <span class="small">or drop or paste an image</span>
    </div>
  );
}

/** What the model is given besides the image: a class, and noise. */
function Conditions({ state: { model, noise } }: { readonly state: DrawState }) {
  const trained = model.info.noise;
  return (
    <>
      <ClassButtons model={model} />
      {trained && (
        <label class="draw-noise">
          Noise ({trained.kind})
          <input
            type="range"
            min={0}
            max={maxNoise(trained)}
            step="any"
            value={noise.value}
            aria-valuetext={noise.value.toFixed(2)}
            onInput={({ currentTarget }) => {
              noise.value = currentTarget.valueAsNumber;
            }}
          />
          <span aria-hidden="true">{noise.value.toFixed(2)}</span>
        </label>
      )}
    </>
  );
}

/** Twice the strength of the training. Only that of Gaussian noise can exceed 1. */
function maxNoise({ kind, strength }: { readonly kind: string; readonly strength: number }): number {
  return kind === "gaussian" ? Math.min(10, 2 * strength) : Math.min(1, 2 * strength);
}
