/**
 * Something that a person asks the API to do, once: what is asked again while it is under way, by a
 * second click or a key held down, is not done again.
 *
 * @module
 */
import { useRef, useState } from "preact/hooks";
import type { ApiError } from "./api.ts";

/** An action, and how it goes. */
export interface Action<Arguments extends unknown[]> {
  /** Whether it is under way. */
  readonly busy: boolean;
  /** Why it failed the last time. */
  readonly error: ApiError | undefined;
  /** Does it, unless it is under way. */
  run(...values: Arguments): void;
}

/** Makes an action of a function that talks to the API. */
export function useAction<Arguments extends unknown[]>(
  act: (...values: Arguments) => Promise<void>,
): Action<Arguments> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  // State is as it was drawn last; two clicks may come in between.
  const underWay = useRef(false);
  const run = async (...values: Arguments) => {
    if (underWay.current) return;
    underWay.current = true;
    setBusy(true);
    setError(undefined);
    try {
      await act(...values);
    } catch (failure) {
      setError(failure as ApiError);
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return { busy, error, run: (...values) => void run(...values) };
}
