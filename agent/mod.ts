/**
 * The SDK: an agent is a function that is handed work and returns its result.
 *
 * @module
 */
export { type Clock, systemClock } from "./clock.ts";
export { echoHandler, type EchoResult } from "./echo.ts";
export {
  OptionError,
  QuestionError,
  RetryableError,
  type RetryableErrorOptions,
  ServeError,
  type ServeFailure,
  WorkAbortedError,
  WorkError,
  type WorkErrorOptions,
} from "./errors.ts";
export type { AgentEvent, EventHook } from "./events.ts";
export { ExecAgent, type ExecOptions, type StdinMode, type StdoutMode } from "./exec/mod.ts";
export { findSandbox, type FoundSandbox } from "./processes/mod.ts";
export { MAX_CONCURRENCY, serve, type ServeOptions } from "./serve.ts";
export type { Socket, SocketClose, SocketEvents, SocketFactory } from "./socket.ts";
export type { Handler, Work, WorkContext } from "./work.ts";
export type { Question, QuestionAnswer } from "./questions.ts";
