// The Sliders view: a slider for each latent dimension, the most informative first, and the decoded image.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { ClassButtons } from "./class-buttons.js";
import { DimensionStrips, middleOf, STRIP_IMAGES, type Strip } from "./dimension-strips.js";
import type { OpenModel } from "./model.js";
import { NumberField } from "./number-field.js";
import { formatNumber } from "./numbers.js";
import { unpackFloats } from "./packed.js";
import { imageDataOf, Picture } from "./picture.js";

/** Sliders that are added to the page at a time, when the user scrolls to the end. */
const PAGE = 40;

export function SlidersView({ model }: { readonly model: OpenModel }) {
  const strips = useMemo(() => new DimensionStrips(model), [model]);
  useEffect(() => strips.start(), [strips]);
  return (
    <div class="sliders">
      <Decoded model={model} strips={strips} />
      <Dimensions model={model} strips={strips} />
    </div>
  );
}

interface StripsProps {
  readonly model: OpenModel;
  readonly strips: DimensionStrips;
}

/** The image, and buttons that change all dimensions. It stays in sight while the sliders scroll. */
function Decoded({ model, strips }: StripsProps) {
  const seed = useSignal(0);
  const draw = async () => {
    try {
      model.z.value = unpackFloats(await model.call("draw", { seed: seed.value }));
      seed.value++;
    } catch {
      // The page shows the problem of the call.
    }
  };
  return (
    <div class="card sliders-image">
      <Picture images={model.decoded.value} size={model.info} label="Decoded image" />
      <div class="stack">
        <div class="row">
          <button type="button" onClick={draw}>
            New sample
          </button>
          <button
            type="button"
            onClick={() => {
              model.z.value = middleOf(strips.ranges.value);
            }}
          >
            {model.info.hasNormalPrior ? "Reset to prior mean" : "Reset to mean of the latents"}
          </button>
        </div>
        <ClassButtons model={model} />
      </div>
    </div>
  );
}

function Dimensions({ model, strips }: StripsProps) {
  const count = useSignal(PAGE);
  const order = model.order.value;
  const size = model.latents.value.klPerDimension ?? model.latents.value.variances;
  const unit = model.latents.value.klPerDimension ? "KL" : "variance";
  return (
    <div class="stack">
      <p class="small">
        {order.length === 1 ? "One dimension" : `${order.length} dimensions, the largest ${unit} first`}. Each row of
        images shows the effect of its dimension. Click an image to set z to its value.
      </p>
      <ul class="sliders-list">
        {order.slice(0, count.value).map((dimension) => (
          <li key={dimension}>
            <Dimension
              {...{ model, strips, dimension }}
              size={`${unit} ${formatNumber(size[dimension])}${unit === "KL" ? " nats" : ""}`}
            />
          </li>
        ))}
      </ul>
      {order.length > count.value && (
        <More
          key={count.value} // observers tell only changes: a new one tells whether the end is still near
          onVisible={() => {
            count.value += PAGE;
          }}
        />
      )}
    </div>
  );
}

/** Calls a function each time the end of the list comes near the screen. */
function More({ onVisible }: { readonly onVisible: () => void }) {
  const element = useRef<HTMLParagraphElement>(null);
  const call = useRef(onVisible);
  call.current = onVisible;
  useEffect(() => observe(element.current, (isVisible) => isVisible && call.current()), []);
  return (
    <p ref={element} class="small">
      More dimensions…
    </p>
  );
}

/** Tells whether an element is within half a screen's height of the screen. @returns ends it */
function observe(element: Element | null, onChange: (isVisible: boolean) => void): () => void {
  const observer = new IntersectionObserver((entries) => onChange(entries[entries.length - 1].isIntersecting), {
    rootMargin: "50% 0px",
  });
  if (element) observer.observe(element);
  return () => observer.disconnect();
}

interface DimensionProps extends StripsProps {
  readonly dimension: number;
  /** Its KL or variance. */
  readonly size: string;
}

function Dimension({ model, strips, dimension, size }: DimensionProps) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const stop = observe(row.current, (isVisible) => strips.setVisible(dimension, isVisible));
    return () => {
      stop();
      strips.setVisible(dimension, false);
    };
  }, [strips, dimension]);
  const value = model.z.value[dimension];
  const { low, high } = strips.ranges.value[dimension];
  const change = (to: number) => {
    model.z.value = model.z.value.map((old, d) => (d === dimension ? to : old));
  };
  const name = `z${dimension + 1}`;
  return (
    <div class="dimension" ref={row}>
      <div class="row spread">
        <span>
          <strong>{name}</strong> <span class="small">{size}</span>
        </span>
        <NumberField label={`Value of ${name}`} value={value} step={0.1} onChange={change} />
      </div>
      <StripImages
        strip={strips.strips[dimension].value}
        size={model.info}
        label={`Images along ${name}`}
        onChoose={(index) => change(strips.valueAt(dimension, index))}
      />
      <input
        type="range"
        aria-label={`${name}, ${size}`}
        min={Math.min(low, value)}
        max={Math.max(high, value)}
        step="any"
        value={value}
        aria-valuetext={formatNumber(value)}
        onInput={({ currentTarget }) => change(currentTarget.valueAsNumber)}
        onKeyDown={(event) => stepByKey(event, (high - low) / 60, change)}
      />
    </div>
  );
}

/** Arrow keys move a slider without steps by a sixtieth of its length. Browsers would move it by a whole unit. */
function stepByKey(event: KeyboardEvent, step: number, change: (value: number) => void): void {
  const direction = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
  if (direction === undefined) return;
  event.preventDefault();
  const { valueAsNumber, min, max } = event.currentTarget as HTMLInputElement;
  change(Math.max(Number(min), Math.min(Number(max), valueAsNumber + direction * step)));
}

interface StripImagesProps {
  readonly strip: Strip | undefined;
  readonly size: { readonly height: number; readonly width: number };
  readonly label: string;
  onChoose(index: number): void;
}

/** The images of a strip on one canvas, in the order of the slider. The slider does the same by keys. */
function StripImages({ strip, size: { height, width }, label, onChoose }: StripImagesProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context || !strip) return;
    const length = strip.length / STRIP_IMAGES;
    for (let i = 0; i < STRIP_IMAGES; i++) {
      context.putImageData(imageDataOf(strip.subarray(i * length, (i + 1) * length), width, height), i * width, 0);
    }
  }, [strip]);
  return (
    <canvas
      ref={canvas}
      class="picture slider-strip"
      width={STRIP_IMAGES * width}
      height={height}
      role="img"
      aria-label={label}
      onClick={({ offsetX, currentTarget }) =>
        onChoose(Math.min(STRIP_IMAGES - 1, Math.floor((STRIP_IMAGES * offsetX) / currentTarget.clientWidth)))
      }
    />
  );
}
