import * as acp from "@agentclientprotocol/sdk/unstable";
import type { AgentHome } from "./home.ts";
import type { TestCodingAgent } from "./for_each.ts";

/** A conversation with a coding agent, without anything of the product in between. */
export interface RawAcp {
  /** Makes one turn. @returns Why it ended; what was said in it may come a moment later. */
  turn(prompt: string): Promise<string>;
  /** Everything that was said since the last turn began. */
  said(): string;
}

/**
 * Starts a coding agent, opens a session in a folder, and allows once everything it asks for.
 *
 * @param home A home of its own.
 * @param run Talks with it; the agent ends afterwards.
 */
export async function withRawAcp(
  agent: TestCodingAgent,
  options: { readonly home: AgentHome; readonly cwd: string },
  run: (acp: RawAcp) => Promise<void>,
): Promise<void> {
  const { home, cwd } = options;
  const [, ...args] = agent.command;
  const child = new Deno.Command(agent.program, {
    args,
    cwd,
    env: home.env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let said = "";
  const app = acp.client({ name: "ourocodus-tests" })
    .onRequest(acp.methods.client.session.requestPermission, ({ params }) => {
      const option = params.options.find(({ kind }) => kind === "allow_once");
      return {
        outcome: option === undefined
          ? { outcome: "cancelled" }
          : { outcome: "selected", optionId: option.optionId },
      };
    })
    // opencode writes through the client, though that says it cannot.
    .onRequest(acp.methods.client.fs.writeTextFile, async ({ params }) => {
      await Deno.writeTextFile(params.path, params.content);
      return {};
    })
    .onNotification(acp.methods.client.session.update, ({ params: { update } }) => {
      if (update.sessionUpdate !== "agent_message_chunk") return;
      if (update.content.type === "text") said += update.content.text;
    });
  try {
    await app.connectWith(acp.ndJsonStream(child.stdin, child.stdout), async (peer) => {
      await peer.request(acp.methods.agent.initialize, {
        protocolVersion: acp.PROTOCOL_VERSION,
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
      });
      const { sessionId } = await peer.request(acp.methods.agent.session.new, {
        cwd,
        mcpServers: [],
      });
      await run({
        async turn(text) {
          said = "";
          const prompt: acp.ContentBlock[] = [{ type: "text", text }];
          const method = acp.methods.agent.session.prompt;
          return (await peer.request(method, { sessionId, prompt })).stopReason;
        },
        said: () => said,
      });
    });
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await child.stdin.close().catch(() => {}); // Nobody reads it any more.
  }
}
