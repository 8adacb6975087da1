import assert from "node:assert/strict";
import { Ledger, LedgerError } from "./ledger.ts";

async function inFolder(run: (path: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-ledger-" });
  try {
    await run(`${folder}/gateway/tokens.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function reserved(ledger: Ledger, work: string | undefined, tokens: number): number {
  const reservation = ledger.reserve(work, tokens, {});
  assert.ok(reservation.kind === "reserved");
  return reservation.id;
}

Deno.test("a ledger counts what was used, by work item and in all, over a restart", () =>
  inFolder((path) => {
    {
      using ledger = Ledger.open(path);
      ledger.settle(reserved(ledger, "a", 100), 60);
      ledger.settle(reserved(ledger, "b", 100), 0);
      ledger.settle(reserved(ledger, undefined, 100), 5);
      assert.equal(ledger.tokens, 65);
    }
    using ledger = Ledger.open(path);
    assert.equal(ledger.tokens, 65);
    const used = { kind: "used_up", scope: "work", tokens: 60, max: 60 };
    assert.deepEqual(ledger.reserve("a", 1, { work: 60 }), used);
    assert.equal(ledger.reserve("b", 1, { work: 60 }).kind, "reserved");
    assert.deepEqual(ledger.reserve("c", 1, { total: 50 }), {
      ...{ kind: "used_up", scope: "total", tokens: 65, max: 50 },
    });
  }));

Deno.test("what was under way when a program was killed stays reserved, and is not waited for", () =>
  inFolder((path) => {
    using killed = Ledger.open(path);
    reserved(killed, "a", 100);
    using ledger = Ledger.open(path);
    assert.deepEqual(ledger.reserve("a", 1, { work: 100 }), {
      ...{ kind: "used_up", scope: "work", tokens: 100, max: 100 },
    });
    assert.equal(killed.reserve("a", 1, { work: 100 }).kind, "busy");
  }));

Deno.test("a request waits while those under way might use up a limit, and goes on when one ends", () =>
  inFolder(async (path) => {
    using ledger = Ledger.open(path);
    const id = reserved(ledger, "a", 100);
    assert.equal(ledger.reserve("a", 50, { work: 80 }).kind, "busy");
    const settled = ledger.untilSettled();
    ledger.settle(id, 10);
    await settled;
    assert.equal(ledger.reserve("a", 50, { work: 80 }).kind, "reserved");
  }));

Deno.test("a request that does not tell what it has used counts as the most that it can use", () =>
  inFolder((path) => {
    using ledger = Ledger.open(path);
    ledger.settle(reserved(ledger, "a", 100), undefined);
    assert.equal(ledger.tokens, 100);
  }));

Deno.test("a file that cannot be read is refused, and not made anew", async (t) => {
  const bytes = new Uint8Array(8_192).fill(7);
  const wrong: ReadonlyArray<[string, (path: string) => void]> = [
    ["empty", (path) => Deno.truncateSync(path, 0)],
    ["no ledger", (path) => Deno.writeTextFileSync(path, "tokens: 12\n")],
    ["cut", (path) => Deno.truncateSync(path, 5_000)],
    ["overwritten", (path) => Deno.writeFileSync(path, bytes)],
  ];
  for (const [name, spoil] of wrong) {
    await t.step(name, () =>
      inFolder((path) => {
        Ledger.open(path)[Symbol.dispose]();
        spoil(path);
        const before = Deno.readFileSync(path);
        const message = /^Cannot count tokens in .*; look at it, or remove it/;
        assert.throws(() => Ledger.open(path), (error) => {
          assert.ok(error instanceof LedgerError);
          assert.match(error.message, message);
          return true;
        });
        assert.deepEqual(Deno.readFileSync(path), before);
      }));
  }
});

Deno.test("a ledger that cannot be written lets nothing through", () =>
  inFolder((path) => {
    const ledger = Ledger.open(path);
    ledger[Symbol.dispose]();
    assert.throws(() => ledger.reserve("a", 1, {}), LedgerError);
    assert.throws(() => ledger.tokens, LedgerError);
  }));

Deno.test("programs that start at once make one file", () =>
  inFolder((path) => {
    const ledgers = Array.from({ length: 4 }, () => Ledger.open(path));
    for (const ledger of ledgers) ledger.settle(reserved(ledger, "a", 10), 10);
    assert.deepEqual(ledgers.map(({ tokens }) => tokens), [40, 40, 40, 40]);
    for (const ledger of ledgers) ledger[Symbol.dispose]();
  }));
