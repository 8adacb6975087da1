/**
 * The banner that says that what is shown is old.
 *
 * @module
 */
import type { VNode } from "preact";
import type { Health } from "../../api/wire.ts";
import { trouble } from "../live.ts";
import { useResource } from "../resource.ts";
import { Since } from "./time.tsx";

/** Shown as long as API or NATS are away. */
export function Banner(): VNode {
  const now = trouble.value;
  return (
    <div role="status" aria-live="polite">
      {now.kind === "nats" && <NatsAway />}
      {now.kind === "api" && (
        <p class="banner">
          <strong>The API is away.</strong> Showing what was known <Since ms={now.since} />{" "}
          ago. This page comes back by itself.
        </p>
      )}
    </div>
  );
}

/** The API knows since when; this page may have been opened long after. */
function NatsAway(): VNode {
  const { data } = useResource<Health>("/health");
  return (
    <p class="banner">
      <strong>NATS is away.</strong> {data?.nats === "disconnected" && (
        <>
          It has been for <Since ms={Date.parse(data.nats_since)} />.{" "}
        </>
      )}
      Showing what was known before. Agents keep their work; nothing is lost.
    </p>
  );
}
