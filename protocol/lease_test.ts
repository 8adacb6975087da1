import assert from "node:assert/strict";
import fc from "fast-check";
import { parseLease, workPlace } from "./lease.ts";

const SHORT = "$JS.ACK.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100.0";
const LONG = "$JS.ACK.hub.ACCOUNT.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100.0";

Deno.test("a lease is taken apart, with and without domain and account", () => {
  for (const subject of [SHORT, LONG, `${LONG}.x7Z`]) {
    assert.deepEqual(parseLease(subject), {
      subject,
      roleKey: "s=r",
      attempt: 2,
      sequence: 7,
      work: "7.1795459357920106100",
      storedAtMs: 1795459357920,
    });
  }
});

Deno.test("what is no lease of the work stream is refused", () => {
  const refused = [
    "",
    "garbage",
    "$JS.ACK.",
    "$JS.ACK.OUROCODUS_LOG.s=r.2.7.9.1795459357920106100.0",
    "$JS.ACK.OUROCODUS_WORK..2.7.9.1795459357920106100.0",
    "$JS.ACK.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100",
    "$JS.ACK.OUROCODUS_WORK.s=r.-2.7.9.1795459357920106100.0",
    "$JS.ACK.OUROCODUS_WORK.s=r.2.7.9.1e9.0",
    "$JS.ACK.OUROCODUS_WORK.s=r.2.7.9.12345678901234567890.0",
    "$JS.API.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100.0",
    LONG.replace("$JS.ACK", "$JS.API"),
    LONG.replace("OUROCODUS_WORK", "OUROCODUS_LOG"),
    LONG.replace("ACCOUNT.", ""),
    SHORT.replace(".2.7.", "..7."),
    SHORT.replace(".2.7.", ".2x7."),
    SHORT.replace("s=r", "s".repeat(500)),
    `${SHORT}.x`,
    `${LONG}.x.y`,
    `${SHORT}${"0".repeat(600)}`,
  ];
  for (const subject of refused) assert.equal(parseLease(subject), undefined, subject);
});

Deno.test("a lease is a subject that can be published to: no blank, wildcard or empty token", () => {
  const bad = ["a b", "a\r\nPUB x 1\r\ny", "a\tb", "*", ">", "", "a\0", "\u00e9"];
  for (const token of bad) {
    const places = [
      `$JS.ACK.${token}.ACCOUNT.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100.0`,
      `$JS.ACK.hub.${token}.OUROCODUS_WORK.s=r.2.7.9.1795459357920106100.0`,
      `${LONG}.${token}`,
      `$JS.ACK.OUROCODUS_WORK.${token}.2.7.9.1795459357920106100.0`,
    ];
    for (const subject of places) assert.equal(parseLease(subject), undefined, subject);
  }
});

Deno.test("parsing any text never throws, and what is parsed names the work stream", () => {
  const tokens = fc.constantFrom("$JS", "ACK", "OUROCODUS_WORK", "s=r", "1", "007", "x", "", "_");
  const texts = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(tokens, { minLength: 9, maxLength: 12 }).map((all) => `$JS.ACK.${all.join(".")}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const lease = parseLease(text);
      if (lease === undefined) return;
      assert.equal(lease.subject, text);
      assert.ok(text.includes(`.OUROCODUS_WORK.${lease.roleKey}.`));
    }),
    { numRuns: 500 },
  );
});

Deno.test("the sequence is read from a work item's identity, and from nothing else", () => {
  assert.deepEqual(workPlace("7.1795459357920106100"), {
    sequence: 7,
    storedAt: new Date(1795459357920),
  });
  for (const text of ["", "7", "7.", ".7", "7.1.2", "7.1.d", "7.1.d", "a.1", "7.1\n", "-7.1"]) {
    assert.equal(workPlace(text), undefined, text);
  }
});
