import assert from "node:assert/strict";
import { startModelDouble } from "./mod.ts";

const tools = [{ name: "Bash", input_schema: { type: "object" } }];

async function messages(url: string, body: object): Promise<Response> {
  return await fetch(`${url}/v1/messages`, { method: "POST", body: JSON.stringify(body) });
}

Deno.test("requests are listed with their step, and forgotten when it is reset", async () => {
  await using double = await startModelDouble();
  const body = { model: "m", tools, messages: [{ role: "user", content: "SCRIPT: run ls" }] };
  await (await messages(double.url, body)).body?.cancel();
  const [request, ...others] = double.requests();
  assert.deepEqual(others, []);
  assert.equal(request?.api, "anthropic");
  assert.equal(request?.step, "run ls");
  assert.equal(request?.main, true);
  assert.deepEqual(await (await fetch(`${double.url}/mock/requests`)).json(), [
    JSON.parse(JSON.stringify(request)),
  ]);
  await fetch(`${double.url}/mock/reset`, { method: "POST" });
  assert.deepEqual(double.requests(), []);
});

Deno.test("a request without tools is no step: it gets a short text, and counts for nothing", async () => {
  await using double = await startModelDouble();
  const prompt = { role: "user", content: "SCRIPT: fail 500; say yes" };
  const title = await messages(double.url, { messages: [prompt] });
  assert.equal((await title.json()).content[0].text, "mock");
  const schema = { type: "object", properties: { title: { type: "string" } } };
  const format = { type: "json_schema", schema };
  const structured = await messages(double.url, { messages: [prompt], output_config: { format } });
  assert.deepEqual(JSON.parse((await structured.json()).content[0].text), { title: "mock" });
  const step = await messages(double.url, { tools, messages: [prompt] });
  assert.equal(step.status, 500);
  await step.body?.cancel();
});

Deno.test("a text that must match a schema is made to, unless the script says JSON", async () => {
  await using double = await startModelDouble();
  const format = { type: "json_schema", schema: { type: "array" } };
  const textFor = async (say: string) => {
    const prompt = { role: "user", content: `SCRIPT: say ${JSON.stringify(say)}` };
    const body = { tools, messages: [prompt], output_config: { format } };
    return (await (await messages(double.url, body)).json()).content[0].text;
  };
  assert.equal(await textFor("words"), "[]");
  assert.equal(await textFor('{"wrong": 1}'), '{"wrong": 1}');
});

Deno.test("a mistake in a script is told as a text", async () => {
  await using double = await startModelDouble();
  for (const script of ["stop never; say x", "call LS {x}", "read a.txt"]) {
    const body = {
      tools: [{ name: "glob" }],
      messages: [{ role: "user", content: `SCRIPT: ${script}` }],
    };
    const [{ text }] = (await (await messages(double.url, body)).json()).content;
    assert.match(
      text,
      /^The (script is wrong: .+|client offered no tool for: read\. It has glob)$/,
    );
  }
});

Deno.test("thoughts come before the text", async () => {
  await using double = await startModelDouble();
  const content = 'SCRIPT: think "so be it"; say yes';
  const body = { tools, messages: [{ role: "user", content }] };
  assert.deepEqual((await (await messages(double.url, body)).json()).content, [
    { type: "thinking", thinking: "so be it", signature: "mock" },
    { type: "text", text: "yes" },
  ]);
});

Deno.test("models are listed, tokens counted, and any other path is not found", async () => {
  await using double = await startModelDouble();
  const models = await (await fetch(`${double.url}/v1/models`)).json();
  assert.equal(models.data[0].id, "mock-model");
  const count = await fetch(`${double.url}/v1/messages/count_tokens`, {
    method: "POST",
    body: "12345",
  });
  assert.deepEqual(await count.json(), { input_tokens: 2 });
  const total = await fetch(`${double.url}/v1/models/m:countTokens`, {
    method: "POST",
    body: "1234",
  });
  assert.deepEqual(await total.json(), { totalTokens: 1 });
  const other = await fetch(`${double.url}/elsewhere`);
  assert.equal(other.status, 404);
  await other.body?.cancel();
  assert.deepEqual(double.requests().map(({ path, status }) => [path, status]), [
    ["/elsewhere", 404],
  ]);
});

Deno.test("it ends though a stream hangs", async () => {
  const double = await startModelDouble();
  const content = 'SCRIPT: hang always; say "a text that has several pieces in a stream"';
  const body = { stream: true, tools, messages: [{ role: "user", content }] };
  const response = await messages(double.url, body);
  await double[Symbol.asyncDispose]();
  await assert.rejects(async () => await response.text());
});
