/**
 * The monitor's entry.
 *
 * @module
 */
import { render } from "preact";
import { App } from "./app.tsx";
import { beginLive } from "./live.ts";
import { applyTheme } from "./theme.ts";

applyTheme();
beginLive();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
