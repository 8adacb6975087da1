/**
 * What there is to say instead of, or about, what was asked for.
 *
 * @module
 */
import type { ComponentChildren, VNode } from "preact";
import type { ApiError } from "../api.ts";

/** Nothing is there yet, and how that changes. */
export function Empty(
  { title, children }: { readonly title: string; readonly children?: ComponentChildren },
): VNode {
  return (
    <div class="empty">
      <p>{title}</p>
      {children}
    </div>
  );
}

/** A command to type. */
export function Command({ children }: { readonly children: ComponentChildren }): VNode {
  return <pre class="command" tabIndex={0}>{children}</pre>;
}

/** Something could not be asked; what was known stays below. */
export function Failure({ error }: { readonly error: ApiError | undefined }): VNode | null {
  // Without any answer the banner says all there is to say.
  if (error === undefined || error.status === 0) return null;
  return <p class="failure" role="alert">{error.message}</p>;
}

/** It is being asked for. */
export function Loading(): VNode {
  return <p class="dim loading" aria-busy="true">Loading…</p>;
}
