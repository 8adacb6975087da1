/**
 * Dark or light: what the system says, unless it was chosen here.
 *
 * @module
 */
import { signal } from "@preact/signals";

/** What can be chosen. */
export type Theme = "system" | "light" | "dark";

const KEY = "ourocodus.theme";
const THEMES: readonly Theme[] = ["system", "light", "dark"];

/** What was chosen. */
export const theme = signal<Theme>(stored());

/** Chooses the next one. */
export function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Without storage it holds until the page is closed.
  }
  applyTheme();
}

/** Puts it into effect. */
export function applyTheme(): void {
  document.documentElement.dataset.theme = theme.value;
}

function stored(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === value) ?? "system";
  } catch {
    return "system";
  }
}
