// The latent plane as it was after an epoch. All epochs have one scale, so that they can be compared.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { latentTitles, type OpenModel } from "./model.js";
import { type PlaneHistory, planeHistoryOf } from "./plane-history.js";
import { PlanePlot } from "./plane-plot.js";
import { areaAround, type Size, showing, type Viewport } from "./viewport.js";

interface EpochPlaneProps {
  readonly model: OpenModel;
  readonly epoch: number;
}

export function EpochPlaneView({ model, epoch }: EpochPlaneProps) {
  const history = planeHistoryOf(model).value;
  const viewport = useSignal<Viewport | undefined>(undefined);
  const size = useSignal<Size | undefined>(undefined);
  const prior = model.info.hasNormalPrior && model.info.dimZ <= 2 ? ([0, 0] as const) : undefined;
  useEffect(() => {
    if (size.value) viewport.value = showing(areaOfAll(history, prior), size.value);
  }, [history, size.value]);
  const known = [...history.keys()];
  const shown = known.findLast((kept) => kept <= epoch) ?? known[0];
  const plane = history.get(shown);
  if (!plane) return null;
  const title = `${latentTitles(model).means} of the test images, with the weights of epoch ${shown}`;
  return (
    <figure class="still-plane">
      <figcaption>
        {title}.{shown > epoch && " No earlier epoch is available: the page records planes only while it is open."}
      </figcaption>
      <PlanePlot
        points={plane}
        labels={plane.labels}
        names={plane.names}
        prior={prior}
        viewport={viewport}
        label={title}
        onView={(_, measured) => {
          size.value = measured;
        }}
      />
    </figure>
  );
}

function areaOfAll(history: PlaneHistory, prior: readonly [number, number] | undefined) {
  const areas = [...history.values()].map(({ u, v }) => areaAround(u, v, prior));
  return {
    left: Math.min(...areas.map(({ left }) => left)),
    right: Math.max(...areas.map(({ right }) => right)),
    bottom: Math.min(...areas.map(({ bottom }) => bottom)),
    top: Math.max(...areas.map(({ top }) => top)),
  };
}
