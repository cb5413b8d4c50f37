// The views of the page, in the order of the navigation. A view shows the model of each chosen run, each chosen run
// (even one without weights), or all runs.
import type { ComponentType } from "preact";
import { DrawView } from "./draw.js";
import type { FollowedRun } from "./followed.js";
import type { OpenModel } from "./model.js";
import { PlaneView } from "./plane-view.js";
import { RunsView } from "./runs.js";
import { SlidersView } from "./sliders.js";
import { TrainingView } from "./training.js";

export interface View {
  /** Identifies it in the address. */
  readonly name: string;
  readonly title: string;
  readonly ModelView?: ComponentType<{ readonly model: OpenModel }>;
  readonly RunView?: ComponentType<{ readonly followed: FollowedRun }>;
  readonly ListView?: ComponentType;
}

export const VIEWS: readonly View[] = [
  { name: "plane", title: "Plane", ModelView: PlaneView },
  { name: "draw", title: "Draw", ModelView: DrawView },
  { name: "sliders", title: "Sliders", ModelView: SlidersView },
  { name: "training", title: "Training", RunView: TrainingView },
  { name: "runs", title: "Runs", ListView: RunsView },
];

/** Shown of a run that has no weights yet. */
export const WITHOUT_WEIGHTS = "training";
