// A text that changes often, for screen readers: updated after it has rested.
import { useEffect, useState } from "preact/hooks";

/** The text, once it has stayed the same for some time. */
export function useRested(text: string, milliseconds: number): string | undefined {
  const [rested, setRested] = useState<string>();
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), milliseconds);
    return () => clearTimeout(timer);
  }, [text, milliseconds]);
  return rested;
}
