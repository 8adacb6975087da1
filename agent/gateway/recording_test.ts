import assert from "node:assert/strict";
import { systemClock } from "../clock.ts";
import { FakeProvider, PROVIDER_KEY } from "../testing/fake_provider.ts";
import { Gateway } from "./gateway.ts";
import { Recording } from "./recording.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-recording-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Has requests recorded. @returns The lines, the file's mode, and its text. */
async function recorded(folder: string, answer: FakeProvider["answer"], times = 1) {
  const recording = Recording.open(`${folder}/new`, { clock: systemClock, keys: [PROVIDER_KEY] });
  const [entry] = await Array.fromAsync(Deno.readDir(`${folder}/new`));
  const path = `${folder}/new/${entry?.name}`;
  {
    await using provider = new FakeProvider(answer);
    await using gateway = Gateway.start({ upstreams: [provider.upstream()], recording });
    const pass = gateway.admit();
    pass.assign({ work: "s/r/1.2", onUsedUp: () => {} });
    for (let n = 0; n < times; n++) {
      const response = await fetch(`${gateway.url}/anthropic/v1/messages?beta=true`, {
        method: "POST",
        headers: { "x-api-key": pass.token },
        body: JSON.stringify({ prompt: `Grüße ${PROVIDER_KEY}` }),
      });
      await response.text();
    }
    const text = await Deno.readTextFile(path);
    assert.ok(!text.includes(pass.token));
  }
  recording[Symbol.dispose]();
  const text = await Deno.readTextFile(path);
  const { mode } = await Deno.stat(path);
  // deno-lint-ignore no-explicit-any
  const lines: any[] = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  return { lines, text, mode: (mode ?? 0) & 0o777 };
}

Deno.test("a recording has requests and the pieces of their answers, and only its owner reads it", () =>
  inFolder(async (folder) => {
    const bytes = new TextEncoder().encode("data: ü\n\n");
    const { lines, mode } = await recorded(folder, () => {
      // A character in two pieces is whole in the recording.
      const body = ReadableStream.from([bytes.slice(0, 7), bytes.slice(7)]);
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    });
    assert.equal(mode, 0o600);
    const [request, answer, ...rest] = lines;
    const { at, ...known } = request;
    assert.match(at, /^\d{4}-/);
    assert.deepEqual(known, {
      ...{ type: "request", n: 1, work: "s/r/1.2", provider: "anthropic", method: "POST" },
      path: "/v1/messages?beta=true",
      body: '{"prompt":"Grüße [key]"}',
    });
    assert.deepEqual([answer.type, answer.n, answer.status, answer.content_type], [
      ...["answer", 1, 200, "text/event-stream"],
    ]);
    const chunks = rest.slice(0, -1);
    assert.equal(chunks.map(({ text }) => text).join(""), "data: ü\n\n");
    const { ms: _, ...end } = rest.at(-1);
    assert.deepEqual(end, { type: "end", n: 1, whole: true });
  }));

Deno.test("a recording has errors without the key that they quote", () =>
  inFolder(async (folder) => {
    const { lines, text } = await recorded(
      folder,
      () => new Response(`wrong key ${PROVIDER_KEY}`, { status: 401 }),
      2,
    );
    assert.ok(!text.includes(PROVIDER_KEY));
    assert.deepEqual(lines.map(({ type, n }) => `${type} ${n}`), [
      ...["request 1", "answer 1", "chunk 1", "end 1", "request 2", "answer 2", "chunk 2", "end 2"],
    ]);
    assert.equal(lines[2].text, "wrong key [key]");
  }));
