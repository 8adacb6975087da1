/**
 * What routes are added to.
 *
 * @module
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Access } from "@ourocodus/edge";

/** The application that routes are added to. */
export type ApiApp = OpenAPIHono<{ Variables: { access: Access } }>;
