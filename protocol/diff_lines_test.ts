import assert from "node:assert/strict";
import fc from "fast-check";
import { diffLines, hasDiff } from "./diff_lines.ts";

const kinds = (text: string) => diffLines(text).map(({ kind }) => kind);

Deno.test("a diff of git, with all that stands before its hunks, is told from the text around it", () => {
  const text = [
    "I have done it:",
    "",
    "diff --git a/x b/x",
    "index 1..2 100644",
    "--- a/x",
    "+++ b/x",
    "@@ -1,3 +1,3 @@ function f()",
    " one",
    "--- two",
    "+++ two",
    "",
    "\\ No newline at end of file",
    "diff --git a/y.png b/y.png",
    "Binary files a/y.png and b/y.png differ",
    "- a list",
    "+ of Markdown",
  ].join("\n");
  assert.ok(hasDiff(text));
  assert.deepEqual(kinds(text), [
    ...["text", "text", "file", "file", "file", "file", "hunk", "context", "removed", "added"],
    ...["context", "context", "file", "file", "text", "text"],
  ]);
});

Deno.test("what only looks like a diff is text", () => {
  for (const text of ["- a\n+ b", "--- \n\ntext", "@@ here @@", "+++ b\n--- a"]) {
    assert.ok(!hasDiff(text), text);
    assert.deepEqual([...new Set(kinds(text))], ["text"], text);
  }
  // A hunk without a file before it, and one that promises more than there is.
  assert.deepEqual(kinds("@@ -1 +1 @@\n-a\n+b"), ["text", "text", "text"]);
  assert.deepEqual(kinds("--- a\n+++ b\n@@ -1,999999 +1 @@\n-a\nend"), [
    ...["file", "file", "hunk", "removed", "text"],
  ]);
});

Deno.test("no text is lost", () => {
  const part = fc.constantFrom(
    "--- a",
    "+++ b",
    "@@ -1,2 +1 @@",
    "-",
    "+x",
    " ",
    "\n",
    "diff --git ",
  );
  fc.assert(fc.property(fc.array(part), (parts) => {
    const text = parts.join("\n");
    assert.equal(diffLines(text).map(({ text }) => text).join("\n"), text);
  }));
});
