/**
 * What Dockerfile and compose.yaml say, without Docker.
 *
 * @module
 */
import assert from "node:assert/strict";
import { VERSION } from "@ourocodus/protocol";
import { PARTS } from "../setup/compile.ts";
import { ROOT } from "./support/mod.ts";

const dockerfile = Deno.readTextFileSync(`${ROOT}/Dockerfile`);
const compose = Deno.readTextFileSync(`${ROOT}/compose.yaml`);

/** The lines from a target's FROM to the next. */
function stage(target: string): string {
  const [, text] = dockerfile.split(new RegExp(`^FROM .* AS ${target}$`, "m"));
  assert(text !== undefined, `there is no target ${target}`);
  return text.split(/^FROM /m)[0] ?? "";
}

for (const [part, { executable }] of Object.entries(PARTS)) {
  Deno.test(`images of ${part} run without root, with permissions of their own, and end on SIGTERM`, () => {
    const source = stage(`source-${part}`);
    const compiled = stage(part);
    for (const text of [source, compiled]) {
      assert.match(text, /^USER \d+:\d+$/m);
      assert.match(text, /^STOPSIGNAL SIGTERM$/m);
      assert.match(text, /^ENTRYPOINT \["/m);
      assert.match(text, new RegExp(`title="ourocodus-${part}"`));
    }
    assert.match(source, new RegExp(`"-P=\\w+", "/app/${part}/main.ts"\\]`));
    assert.match(compiled, new RegExp(`ENTRYPOINT \\["/usr/local/bin/${executable}"\\]`));
    stage(`compiled-${part}`);
  });
}

Deno.test("nothing in an image runs with all permissions or fetches packages when it starts", () => {
  const commands = dockerfile.match(/^(?:ENTRYPOINT| {2}CMD) \["deno".*$/gm) ?? [];
  assert.equal(commands.length, 6);
  for (const command of commands) {
    assert.match(command, /"--cached-only", "--frozen", "--no-prompt"/);
    assert.doesNotMatch(command, /"-A"|--allow/);
  }
});

Deno.test("every folder that an image copies is in the context that it is built from", () => {
  const allowed = Deno.readTextFileSync(`${ROOT}/.dockerignore`).match(/^!\w+$/gm) ?? [];
  const copied = [...dockerfile.matchAll(/^COPY (\w+) \w+$/gm)].map(([, folder]) => `!${folder}`);
  assert(copied.length > 10);
  assert.deepEqual([...new Set(copied)].sort(), allowed.sort());
});

Deno.test("images carry the version of the project", () => {
  const versions = [...dockerfile.matchAll(/^ARG VERSION=(.*)$/gm)].map(([, version]) => version);
  assert.equal(versions.length, 2 * Object.keys(PARTS).length);
  assert.deepEqual(new Set(versions), new Set([VERSION]));
});

Deno.test("images are built with the Deno that CI tests with", () => {
  const [, ci] = /^readonly DENO_VERSION=(.*)$/m.exec(Deno.readTextFileSync(`${ROOT}/.ci/run`)) ??
    [];
  const [, image] = /^ARG DENO_VERSION=(.*)$/m.exec(dockerfile) ?? [];
  assert(ci !== undefined);
  assert.equal(image, ci);
});

Deno.test("a health check has time to start, also on a busy machine, apart from what it waits for", () => {
  const waits = 4; // seconds, see edge/health_check.ts
  const limits = [...dockerfile.matchAll(/^HEALTHCHECK .*--timeout=(\d+)s/gm)];
  assert.equal(limits.length, 4);
  for (const [, seconds] of limits) assert(Number(seconds) >= 2 * waits);
});

Deno.test("ports are published on 127.0.0.1 only", () => {
  const ports = compose.match(/^ +ports:.*$/gm) ?? [];
  assert(ports.length >= 2);
  for (const line of ports) assert.match(line, /ports: \["127\.0\.0\.1:[^,]*"\]$/);
});

Deno.test("every service has no privileges, and a part has more time to end than it drains", () => {
  const [, services = ""] = /^services:\n(.*?)^volumes:$/ms.exec(compose) ?? [];
  const names = services.match(/^ {2}\w+:$/gm) ?? [];
  assert(names.length >= 4);
  assert.equal(compose.match(/^ {4}<<: \*part$/gm)?.length, names.length);
  const graces = [...compose.matchAll(/STOP_GRACE:-(\d+)s/g)].map(([, seconds]) => Number(seconds));
  assert(graces.length >= 2);
  for (const seconds of graces) assert(seconds > 25 + 5);
});

Deno.test("parts that listen where others reach them have a secret, which they keep in a volume", () => {
  const [, services = ""] = /^services:\n(.*?)^volumes:$/ms.exec(compose) ?? [];
  for (const part of ["relay", "api", "echo", "cli"]) {
    const [, text = ""] = services.split(new RegExp(`^ {2}${part}:$`, "m"));
    const own = text.split(/^ {2}\w+:$/m)[0] ?? "";
    assert.match(own, /<<: \*token$/m, part);
    // Only those that make it may write.
    const mode = ["relay", "api"].includes(part) ? "" : ":ro";
    assert.ok(own.includes(`volumes: ["secret:/var/lib/ourocodus${mode}"]`), part);
  }
  assert.match(compose, /OUROCODUS_TOKEN_FILE: \/var\/lib\/ourocodus\/token$/m);
  assert.doesNotMatch(compose, /OUROCODUS_INSECURE/);
  // A volume has the owner that the folder has in the image which is there first.
  for (const target of ["source", "agent"]) assert.match(stage(target), /\/var\/lib\/ourocodus/);
  for (const target of ["relay", "api", "cli"]) {
    assert.match(stage(target), /--chown=1993:1993 \/empty \/var\/lib$/m, target);
  }
});
