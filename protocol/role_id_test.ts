import assert from "node:assert/strict";
import fc from "fast-check";
import { RoleId } from "./role_id.ts";

const names = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

Deno.test("no two pairs of session and role share a key, and a key tells its pair", () => {
  fc.assert(fc.property(names, names, names, names, (s1, r1, s2, r2) => {
    const one = new RoleId(s1, r1);
    assert.equal(one.key === new RoleId(s2, r2).key, s1 === s2 && r1 === r2);
    assert.deepEqual(RoleId.parse(one.key), one);
  }));
  assert.notEqual(new RoleId("a_b", "c").key, new RoleId("a", "b_c").key);
});

Deno.test("a name that cannot stand in a subject makes no role's id, and a key of such is none", () => {
  for (const bad of ["a=b", "", "a.b", ">", "größe", "x".repeat(65)]) {
    assert.throws(() => new RoleId(bad, "r"), { code: "invalid_name", message: /^session / });
    assert.throws(() => new RoleId("s", bad), { code: "invalid_name", message: /^role / });
    assert.equal(RoleId.parse(`s=${bad}`), undefined);
  }
  for (const text of ["", "=", "s", "s=r=t", "s="]) assert.equal(RoleId.parse(text), undefined);
});
