/**
 * Help for tests that need real programs: a nats-server, a relay, an agent, the command line.
 * All of it works with the sanitizers of `deno test` on, if what is started is disposed of.
 *
 * @module
 */
export { childrenOf } from "./children_of.ts";
export {
  buildImage,
  type ComposeOptions,
  ComposeProject,
  type Container,
  type Docker,
  docker,
  findDocker,
} from "./docker.ts";
export { freePort } from "./free_port.ts";
export { isRunning } from "./is_running.ts";
export { type NatsOptions, startNats, testBinary, TestNats } from "./nats_server.ts";
export {
  type ProcessOptions,
  type ProcessOutput,
  runProcess,
  startProcess,
  TestProcess,
} from "./processes.ts";
export {
  type ApiProcess,
  type CliOptions,
  type EchoAgentOptions,
  type RelayOptions,
  type RelayProcess,
  ROOT,
  runCli,
  startApi,
  startEchoAgent,
  startRelay,
} from "./programs.ts";
export { startProxy, TcpProxy } from "./tcp_proxy.ts";
export { until, UntilError, type UntilOptions } from "./until.ts";
export { BusClient, type LoggedMessage } from "./bus_client.ts";
export {
  type Item,
  type ReceivedWork,
  SocketAgent,
  type SocketAgentOptions,
  workItems,
} from "./socket_agent.ts";
export { readEvents, type StreamedEvent } from "./event_stream.ts";
export { type Acknowledged, type Balance, Books, isBalanced } from "./books.ts";
export { type AgentProcess, startAgent, type StartAgentOptions } from "./agent_process.ts";
export { type ClusterOptions, NatsCluster, startCluster } from "./nats_cluster.ts";
export { frameBytes, OPCODE, type RawClose, type RawFrame, RawSocket } from "./raw_socket.ts";
export { residentBytes } from "./memory.ts";
