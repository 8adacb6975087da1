/**
 * Which methods a path has, where it is not the one that was used.
 *
 * @module
 */
import type { ApiApp } from "./app.ts";

/** The methods of the route that a path belongs to, for `Allow`; none if there is no such path. */
export function allowedMethods(app: ApiApp, path: string): string[] {
  const methods = new Set<string>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== "route" || !pattern(definition.route.path).test(path)) continue;
    methods.add(definition.route.method.toUpperCase());
  }
  if (methods.has("GET")) methods.add("HEAD");
  if (methods.size > 0) methods.add("OPTIONS");
  return [...methods].sort();
}

function pattern(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`);
}
