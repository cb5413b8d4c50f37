// Signals that save and stop a training.
import { Interruption } from "../errors.js";
import type { Io } from "./io.js";

const SIGNALS = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

/** Time for preparation to stop after a signal, before the process exits. */
const MAX_ABORT_MILLISECONDS = 2000;

export interface Stop {
  readonly signal: AbortSignal;
  /** While true, the first signal saves the training instead of ending the process. */
  isTraining: boolean;
  /** How to resume, appended to the message if a signal stops the preparation of a group's next run. */
  hint: string;
  end(): void;
}

/**
 * Aborts the training at Ctrl-C, kill or a closed terminal. A second signal ends the process. So does the first if the
 * preparation of a training does not stop soon: reading a file of a dead network may block for ever.
 */
export function stopOnSignals(io: Io): Stop {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onSignal = (name: string, number: number) => {
    const exit = () => process.exit(128 + number);
    if (controller.signal.aborted) exit();
    controller.abort(new Interruption(`Stopped by ${name}.`, 128 + number));
    timer = setTimeout(() => {
      if (stop.isTraining) return;
      io.stderr.write(`Stopped by ${name}.${stop.hint}\n`);
      exit();
    }, MAX_ABORT_MILLISECONDS);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  const stop: Stop = {
    signal: controller.signal,
    isTraining: false,
    hint: "",
    end: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
  return stop;
}
