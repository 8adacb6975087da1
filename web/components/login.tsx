/**
 * Asks for the token.
 *
 * @module
 */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { refused, setToken } from "../token.ts";

/** Shown as long as the API does not let the page in. */
export function Login(): VNode | null {
  const now = refused.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const shown = now !== undefined;
  useEffect(() => {
    if (shown && dialog.current?.open === false) dialog.current.showModal();
  }, [shown]);
  if (now === undefined) return null;
  const submit = (event: Event) => {
    event.preventDefault();
    const text = input.current?.value.trim() ?? "";
    if (text !== "") setToken(text);
  };
  return (
    <dialog
      ref={dialog}
      class="login"
      aria-labelledby="login-title"
      // Without a token there is nothing behind it. A browser lets itself be told so only once.
      onCancel={(event) => event.preventDefault()}
      onClose={(event) => event.currentTarget.showModal()}
    >
      <form onSubmit={submit}>
        <h2 id="login-title">A token is needed</h2>
        {now.tried && <p class="failure" role="alert">It was refused: {now.reason}</p>}
        <label>
          <span>Token</span>
          <input
            ref={input}
            type="password"
            name="token"
            autocomplete="off"
            spellcheck={false}
            required
            autofocus
          />
        </label>
        <p class="dim">
          It is kept until this tab is closed. To make one:{" "}
          <code>ourocodus token create --can admin --ttl 12h</code>
        </p>
        <p class="buttons">
          <button type="submit" class="primary">Log in</button>
        </p>
      </form>
    </dialog>
  );
}
