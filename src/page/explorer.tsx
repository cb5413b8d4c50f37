// The page of vae explore: chooses runs and a view, and shows the view of each run, one or two side by side.
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { type FollowedRun, followedOf, hasModel, list, listProblem, shownRuns, start } from "./followed.js";
import { addressOf, followAddress, goTo, place } from "./place.js";
import { VIEWS, type View, WITHOUT_WEIGHTS } from "./views.js";

function App() {
  useEffect(() => {
    followAddress();
    start();
  }, []);
  const view = VIEWS.find(({ name }) => name === place.value.view) ?? VIEWS[0];
  const runs = list.value ? shownRuns() : [];
  useEffect(() => {
    document.title = [view.title, ...runs].join(" · ");
  });
  return (
    <>
      <Bar view={view} runs={runs} />
      <main>
        {listProblem.value && (
          <p class="alert" role="alert">
            {listProblem}
          </p>
        )}
        {view.ListView ? (
          <view.ListView />
        ) : (
          <div class="runs">
            {runs.map((run) => (
              <Run key={run} followed={followedOf(run)} view={view} />
            ))}
          </div>
        )}
        {list.value?.runs.length === 0 && (
          <p>There are no runs here yet. Train one: vae train. Then reload the page.</p>
        )}
        {!list.value && !listProblem.value && <Skeleton line="Opening…" />}
      </main>
    </>
  );
}

function Bar({ view, runs: [run, other] }: { readonly view: View; readonly runs: readonly string[] }) {
  return (
    <header class="bar">
      <h1>vae explore</h1>
      <nav aria-label="Views">
        <ul>
          {VIEWS.map(({ name, title }) => (
            <li key={name}>
              <a href={addressOf({ view: name })} {...(name === view.name && { "aria-current": "page" })}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="choices">
        <RunSelect label="Run" value={run} onChoose={(chosen) => goTo({ run: chosen })} />
        <RunSelect label="Compare" value={other} except={run} onChoose={(chosen) => goTo({ run, other: chosen })} />
      </div>
    </header>
  );
}

interface RunSelectProps {
  readonly label: string;
  readonly value: string | undefined;
  /** The run to compare with others: "none" is a choice. */
  readonly except?: string | undefined;
  onChoose(run: string | undefined): void;
}

function RunSelect({ label, value, except, onChoose }: RunSelectProps) {
  const names = (list.value?.runs ?? []).map(({ run }) => run).filter((run) => run !== except);
  const known = value === undefined || names.includes(value) ? names : [value, ...names];
  return (
    <label>
      <span>{label}</span>
      <select value={value ?? ""} onChange={({ currentTarget }) => onChoose(currentTarget.value || undefined)}>
        {(except !== undefined || value === undefined) && <option value="">none</option>}
        {known.map((run) => (
          <option key={run} value={run}>
            {run}
          </option>
        ))}
      </select>
    </label>
  );
}

function Run({ followed, view }: { readonly followed: FollowedRun; readonly view: View }) {
  const { run, model, progress } = followed;
  const problem = followed.problem.value ?? followed.connection.value ?? model.value?.problem.value;
  const isWaiting = !model.value && progress.value && !problem && !hasModel(run);
  const shown = isWaiting ? (VIEWS.find(({ name }) => name === WITHOUT_WEIGHTS) ?? view) : view;
  return (
    <section aria-label={run}>
      <Title followed={followed} />
      {problem && (
        <p class="alert" role="alert">
          {problem}
        </p>
      )}
      {isWaiting && (
        <p class="small">
          This run has no weights yet.{progress.value?.state === "in use" && " Its views open after the first epoch."}
        </p>
      )}
      {shown.RunView && (progress.value || !problem) && <shown.RunView followed={followed} />}
      {shown.ModelView && model.value && <shown.ModelView model={model.value} />}
      {shown.ModelView && !model.value && !problem && !isWaiting && <Skeleton line="Opening the model…" />}
    </section>
  );
}

function Title({ followed: { run, model } }: { readonly followed: FollowedRun }) {
  const info = model.value?.info;
  return (
    <div class="title">
      <h2>{run}</h2>
      {info && (
        <details>
          <summary>
            weights of epoch {model.value?.epoch} · {info.dimZ} latent dimension{info.dimZ > 1 && "s"}
            {info.settings.length > 0 && ` · ${info.settings.join(" ")}`}
          </summary>
          <p class="small">
            Objective: {info.objective}. Pixels: {info.pixels}. Command of this training: <code>{info.command}</code>
          </p>
        </details>
      )}
    </div>
  );
}

function Skeleton({ line }: { readonly line: string }) {
  return (
    <div>
      <p class="small" role="status">
        {line}
      </p>
      <div class="skeleton" />
    </div>
  );
}

render(<App />, document.body);
