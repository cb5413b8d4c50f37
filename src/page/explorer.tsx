// The page of vae explore: chooses runs and a view, and shows the view of each run, one or two side by side.
import { signal } from "@preact/signals";
import { type ComponentType, render } from "preact";
import { useEffect } from "preact/hooks";
import type { RunList } from "../explore/protocol.js";
import { listRuns } from "./client.js";
import { OpenModel } from "./model.js";

export interface ViewProps {
  readonly model: OpenModel;
}

interface View {
  readonly title: string;
  readonly View: ComponentType<ViewProps>;
}

/** The views of a model, by the hash of their address. */
const VIEWS: Readonly<Record<string, View>> = {
  plane: { title: "Plane", View: ({ model }) => <p>{model.info.run}</p> },
};

const list = signal<RunList | undefined>(undefined);
/** One model, or two side by side. */
const models = signal<readonly OpenModel[]>([]);
const view = signal("plane");
const problem = signal<string | undefined>(undefined);

async function start(): Promise<void> {
  try {
    list.value = await listRuns();
    const { chosen } = list.value;
    if (chosen !== undefined) models.value = [await OpenModel.open(chosen)];
  } catch (error) {
    problem.value = String((error as Error).message);
  }
}

function App() {
  useEffect(() => void start(), []);
  const { View } = VIEWS[view.value];
  return (
    <main>
      {problem.value && <p role="alert">{problem}</p>}
      {models.value.map((model) => (
        <section key={model.info.run} aria-label={model.info.run}>
          <View model={model} />
        </section>
      ))}
    </main>
  );
}

render(<App />, document.body);
