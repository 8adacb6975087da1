/**
 * The operations that the document names: which one a request is for, and what it may bring.
 *
 * @module
 */
import { isScope, type Scope } from "@ourocodus/edge";
import type { ApiApp } from "./api_app.ts";

/** An operation. */
export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** The path with names in braces, as in the document. */
  readonly path: string;
  /** The parameters that its query may have. */
  readonly query: readonly string[];
  /** Whether it takes a body, which then is JSON. */
  readonly takesBody: boolean;
  /** What a token must allow; `undefined` if none is needed. */
  readonly scope: Scope | undefined;
  /** The parameters that stand in a path of this operation. */
  inPath(path: string): Readonly<Record<string, string>>;
}

/** All of them. */
export class Operations {
  readonly #app: ApiApp;
  #all: readonly (Operation & { readonly pattern: RegExp })[] | undefined;

  /** @param app Its routes are looked at when the first request comes. */
  constructor(app: ApiApp) {
    this.#app = app;
  }

  /** The one that a request is for; GET's for HEAD. */
  find(method: string, path: string): Operation | undefined {
    const wanted = method === "HEAD" ? "GET" : method;
    return this.#operations().find((operation) =>
      operation.method === wanted && operation.pattern.test(path)
    );
  }

  /** The methods that a path has; none if there is no such path. */
  methods(path: string): string[] {
    return this.#operations().filter(({ pattern }) => pattern.test(path))
      .map(({ method }) => method);
  }

  #operations(): readonly (Operation & { readonly pattern: RegExp })[] {
    return this.#all ??= this.#app.openAPIRegistry.definitions.flatMap((definition) => {
      if (definition.type !== "route") return [];
      const { method, path, request } = definition.route;
      const query = Object.keys((request?.query as { shape?: object } | undefined)?.shape ?? {});
      const takesBody = request?.body !== undefined;
      const pattern = new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}/?$`);
      const scope = scopeOf(path, definition.route.security);
      const inPath = (path: string) => pattern.exec(path)?.groups ?? {};
      return [{ method: method.toUpperCase(), path, query, takesBody, scope, inPath, pattern }];
    });
  }
}

/** An operation on anything that does not say what it needs, needs everything. */
function scopeOf(path: string, security: SecurityRequirements | undefined): Scope | undefined {
  const [named] = security?.flatMap((requirement) => Object.values(requirement).flat()) ?? [];
  if (named !== undefined && isScope(named)) return named;
  return path.startsWith("/api/") ? "admin" : undefined;
}

type SecurityRequirements = readonly Readonly<Record<string, readonly string[]>>[];

/** These methods and those that come with them, for `Allow`; none if there are none. */
export function allowed(methods: readonly string[]): string[] {
  if (methods.length === 0) return [];
  const head = methods.includes("GET") ? ["HEAD"] : [];
  return [...new Set([...methods, ...head, "OPTIONS"])].sort();
}
