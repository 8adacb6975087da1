/**
 * The headers that keep browsers from doing with an answer what nobody wants.
 *
 * @module
 */
import type { MiddlewareHandler } from "hono";
import { secureHeaders } from "hono/secure-headers";

/** On every answer: scripts and styles are the monitor's own files, and nobody frames it. */
export const SECURITY_HEADERS: MiddlewareHandler = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
  },
  crossOriginResourcePolicy: "same-origin",
  referrerPolicy: "no-referrer",
  // Whether there is TLS, and for how long, only the proxy in front knows.
  strictTransportSecurity: false,
  xFrameOptions: "DENY",
});
