/**
 * What stands in a commit that the product makes.
 *
 * @module
 */

/** Somebody who writes commits. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** Who commits snapshots, and is the committer of all commits. */
const COMMITTER: Author = { name: "Ourocodus", email: "ourocodus@localhost" };

/** git's variables for an author and the committer. */
export function authorVariables(author: Author = COMMITTER): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: plain(author.name) || COMMITTER.name,
    GIT_AUTHOR_EMAIL: plain(author.email) || COMMITTER.email,
    GIT_COMMITTER_NAME: COMMITTER.name,
    GIT_COMMITTER_EMAIL: COMMITTER.email,
  };
}

/** A message with trailers, one line each, at its end. */
export function messageWith(message: string, trailers: Readonly<Record<string, string>>): string {
  const text = message.toWellFormed().replaceAll("\0", "").replace(/\r\n?/g, "\n").trim();
  const lines = Object.entries(trailers).map(([name, value]) => `${name}: ${line(value)}`);
  return [text || "Work of an agent", lines.join("\n")].filter((part) => part !== "").join("\n\n") +
    "\n";
}

/** What git takes in a name; it drops what is at the ends and does not take nothing. */
function plain(text: string): string {
  return line(text).replace(/[<>]/g, "").replace(/^[\s.,:;"'\\]+|[\s.,:;"'\\]+$/g, "");
}

function line(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();
}
