// The pictures of an epoch in a run's folder, beside the images that its reconstructions show.
import { useEffect } from "preact/hooks";
import { pictureAddress } from "./client.js";

interface EpochPicturesProps {
  readonly run: string;
  /** Names of all pictures of the run. */
  readonly pictures: readonly string[];
  readonly epoch: number;
}

/** Folders of pictures of epochs, and pictures of the whole run, in the order of the page. */
function kindsOf(pictures: readonly string[]): (readonly [name: string, title: string])[] {
  const hasTargets = pictures.includes("targets.png"); // of image pairs
  return [
    ["samples", "Samples"],
    ["inputs-noisy.png", "Noisy test images"],
    ["inputs.png", hasTargets ? "Inputs of the encoder" : "Test images"],
    ["targets.png", "Test images"],
    ["reconstructions", "Reconstructions"],
    ["manifold", "Manifold"],
  ];
}

export function EpochPictures({ run, pictures, epoch }: EpochPicturesProps) {
  const byEpoch = groupByEpoch(pictures);
  usePreload(
    run,
    [...byEpoch.values()].flatMap((names) => names.get(epoch + 1) ?? []),
  );
  return (
    <>
      {kindsOf(pictures).map(([kind, title]) => {
        const ofEpoch = byEpoch.get(kind);
        const name = ofEpoch ? latest(ofEpoch, epoch) : pictures.find((picture) => picture === kind);
        if (!name) return null;
        return (
          <figure key={kind}>
            <figcaption>{ofEpoch ? `${title} after epoch ${epochOf(name)}` : title}</figcaption>
            <img
              class="picture"
              src={pictureAddress(run, name)}
              alt={ofEpoch ? `${title} after epoch ${epochOf(name)}` : title}
              onLoad={smoothIfReduced}
            />
          </figure>
        );
      })}
    </>
  );
}

/** Pictures are magnified without smoothing, but a reduced one would lose lines. */
function smoothIfReduced({ currentTarget }: Event): void {
  const image = currentTarget as HTMLImageElement;
  const isReduced = image.naturalWidth > image.clientWidth * devicePixelRatio;
  image.style.imageRendering = isReduced ? "auto" : "";
}

/** Pictures such as samples/003.png: for each folder, the names by epoch. */
function groupByEpoch(pictures: readonly string[]): Map<string, Map<number, string>> {
  const groups = new Map<string, Map<number, string>>();
  for (const name of pictures) {
    const [, folder] = /^(\w+)\/\d+\.png$/.exec(name) ?? [];
    if (folder === undefined) continue;
    const group = groups.get(folder) ?? new Map<number, string>();
    groups.set(folder, group.set(epochOf(name), name));
  }
  return groups;
}

function epochOf(name: string): number {
  return Number(/(\d+)\.png$/.exec(name)?.[1]);
}

/** The picture of an epoch, or of the last one before it. */
function latest(names: ReadonlyMap<number, string>, epoch: number): string | undefined {
  const before = [...names.keys()].filter((known) => known <= epoch);
  return before.length > 0 ? names.get(Math.max(...before)) : undefined;
}

/** Loads pictures before they are shown, so that they do not flicker. */
function usePreload(run: string, names: readonly string[]): void {
  useEffect(() => {
    for (const name of names) new Image().src = pictureAddress(run, name);
  }, [run, names.join()]);
}
