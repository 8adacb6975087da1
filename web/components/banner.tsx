/**
 * The banner that says that what is shown is old.
 *
 * @module
 */
import type { VNode } from "preact";
import { trouble } from "../live.ts";
import { Since } from "./time.tsx";

/** Shown as long as API or NATS are away. */
export function Banner(): VNode {
  const now = trouble.value;
  return (
    <div role="status" aria-live="polite">
      {now.kind !== "none" && (
        <p class="banner">
          <strong>{now.kind === "nats" ? "NATS is away." : "The API is away."}</strong>{" "}
          Showing what was known <Since ms={now.since} /> ago. {now.kind === "nats"
            ? "Agents keep their work; nothing is lost."
            : "This page comes back by itself."}
        </p>
      )}
    </div>
  );
}
