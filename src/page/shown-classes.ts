// Which classes a plot shows, as its legend decides.
import { computed, signal } from "@preact/signals";

export class ShownClasses {
  readonly hidden = signal<ReadonlySet<number>>(new Set());
  /** The class in the legend that has the pointer or the focus. */
  readonly pointed = signal<number | undefined>(undefined);
  /** The class that stands out. A hidden one does not. */
  readonly emphasized = computed(() =>
    this.hidden.value.has(this.pointed.value ?? -1) ? undefined : this.pointed.value,
  );

  /** Hides or shows a class. */
  toggle(label: number): void {
    const next = new Set(this.hidden.value);
    if (!next.delete(label)) next.add(label);
    this.hidden.value = next;
  }

  showAll(): void {
    this.hidden.value = new Set();
  }
}
