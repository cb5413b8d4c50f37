// A field for a number. Text that is being typed stays as it is, whatever is drawn again meanwhile.
import { useLayoutEffect, useRef } from "preact/hooks";

interface NumberFieldProps {
  readonly label: string;
  readonly value: number;
  readonly step: number;
  /** A finite number was entered. */
  onChange(value: number): void;
}

export function NumberField({ label, value, step, onChange }: NumberFieldProps) {
  const field = useRef<HTMLInputElement>(null);
  const show = () => {
    if (field.current) field.current.value = String(Number(value.toFixed(3)));
  };
  useLayoutEffect(() => {
    if (field.current !== document.activeElement) show();
  }, [value]);
  return (
    <input
      ref={field}
      type="number"
      aria-label={label}
      step={step}
      onChange={({ currentTarget: { valueAsNumber } }) => Number.isFinite(valueAsNumber) && onChange(valueAsNumber)}
      onBlur={show}
    />
  );
}
