/**
 * What the API says of something, kept up to date for as long as it is shown.
 *
 * @module
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { type ApiError, call } from "./api.ts";
import { listen, trouble } from "./live.ts";
import { token } from "./token.ts";

/** What is known of it. */
export interface Resource<T> {
  readonly data: T | undefined;
  /** Why it could not be asked the last time. */
  readonly error: ApiError | undefined;
  /** Asks now. */
  refresh(): void;
}

/** Options of {@linkcode useResource}. */
export interface ResourceOptions<T> {
  /** How often to ask, in milliseconds; 0 is never again. */
  readonly everyMs?: number | ((data: T) => number);
  /** Of what is asked for, as far as it is known from elsewhere: asks when it changes. */
  readonly version?: string;
}

const DEFAULT_EVERY_MS = 5_000;
/** Events that come together are one reason to ask. */
const DEBOUNCE_MS = 100;

/**
 * Asks for a path, again and again, and whenever something has happened.
 *
 * @param path Undefined asks nothing.
 */
export function useResource<T>(
  path: string | undefined,
  options: ResourceOptions<T> = {},
): Resource<T> {
  const [state, setState] = useState<{ path?: string; data?: T; error?: ApiError }>({});
  const refresh = useRef(() => {});
  const { everyMs = DEFAULT_EVERY_MS, version } = options;
  const every = useRef(everyMs);
  every.current = everyMs;
  useEffect(() => {
    if (path === undefined) return;
    let ended = false;
    let asking = false;
    let again = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let soonTimer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      clearTimeout(timer);
      clearTimeout(soonTimer);
      if (asking) {
        again = true;
        return;
      }
      asking = true;
      let next = DEFAULT_EVERY_MS;
      try {
        const data = await call<T>(path);
        if (ended) return;
        setState({ path, data });
        next = typeof every.current === "function" ? every.current(data) : every.current;
      } catch (error) {
        if (ended) return;
        setState((before) => ({
          path,
          ...(before.path === path && { data: before.data }),
          error: error as ApiError,
        }));
      }
      asking = false;
      if (again) {
        again = false;
        void ask();
      } else if (next > 0) timer = setTimeout(() => void ask(), next);
    };
    refresh.current = () => void ask();
    void ask();
    // However many come, what is due is not put off.
    const soon = () => {
      clearTimeout(soonTimer);
      soonTimer = setTimeout(() => void ask(), DEBOUNCE_MS);
    };
    const unlisten = listen(soon);
    const untrouble = trouble.subscribe(soon);
    const untoken = token.subscribe(soon);
    return () => {
      ended = true;
      clearTimeout(timer);
      clearTimeout(soonTimer);
      unlisten();
      untrouble();
      untoken();
    };
  }, [path]);
  const seen = useRef(version);
  useEffect(() => {
    if (seen.current === version) return;
    seen.current = version;
    refresh.current();
  }, [version]);
  const current = state.path === path ? state : {};
  return { data: current.data, error: current.error, refresh: () => refresh.current() };
}
