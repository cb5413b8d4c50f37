// Chooses the class that a conditional model encodes and decodes.
import type { Signal } from "@preact/signals";

/** More classes than this get a list instead of buttons. */
const MAX_BUTTONS = 24;

interface ClassButtonsProps {
  readonly model: {
    readonly info: { readonly classes?: readonly string[] };
    readonly chosenClass: Signal<string | undefined>;
  };
}

export function ClassButtons({ model: { info, chosenClass } }: ClassButtonsProps) {
  const { classes } = info;
  if (!classes) return null;
  if (classes.length > MAX_BUTTONS) {
    return (
      <label>
        Class
        <select
          value={chosenClass.value}
          onChange={({ currentTarget }) => {
            chosenClass.value = currentTarget.value;
          }}
        >
          {classes.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <fieldset class="choice" aria-label="Class">
      {classes.map((name) => (
        <button
          key={name}
          type="button"
          aria-pressed={name === chosenClass.value}
          onClick={() => {
            chosenClass.value = name;
          }}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}
