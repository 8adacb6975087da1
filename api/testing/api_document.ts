/**
 * The part of an OpenAPI document that tests read.
 *
 * @module
 */

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Bodies by content type. */
export type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

/** A parameter. */
export interface DocumentedParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}

/** What is documented of a method of a path. */
export interface DocumentedOperation {
  readonly parameters?: readonly DocumentedParameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

/** The document. */
export interface ApiDocument {
  readonly openapi: string;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
}

/** An operation with its place. */
export interface PlacedOperation {
  /** In capitals. */
  readonly method: string;
  /** Its path with names in braces. */
  readonly path: string;
  readonly operation: DocumentedOperation;
}

/** All operations. */
export function operationsOf(document: ApiDocument): PlacedOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      operation,
    }))
  );
}
