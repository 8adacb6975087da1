/**
 * The page's frame: where one can go, what is wrong, and the page itself.
 *
 * @module
 */
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Banner } from "./components/banner.tsx";
import { Login } from "./components/login.tsx";
import { Link } from "./components/link.tsx";
import { Agents } from "./pages/agents.tsx";
import { Events } from "./pages/events.tsx";
import { Overview } from "./pages/overview.tsx";
import { Send } from "./pages/send.tsx";
import { Session } from "./pages/session.tsx";
import { Sessions } from "./pages/sessions.tsx";
import { Work } from "./pages/work.tsx";
import { address, go } from "./route.ts";
import { setToken, token } from "./token.ts";
import { nextTheme, theme } from "./theme.ts";

const PLACES = [
  ["/", "Overview"],
  ["/agents", "Agents"],
  ["/sessions", "Sessions"],
  ["/events", "Events"],
  ["/send", "Send"],
] as const;

/** All of it. */
export function App(): VNode {
  const { path } = address.value;
  const { title, page } = pageOf(path);
  useEffect(() => {
    document.title = `${title} · Ourocodus`;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      <header>
        <Link href="/" class="brand">
          <img src="/icon.svg" alt="" width="22" height="22" />
          Ourocodus
        </Link>
        <nav aria-label="Pages">
          {PLACES.map(([href, name]) => (
            <Link
              key={href}
              href={href}
              current={href === "/" ? path === "/" : path.startsWith(href)}
            >
              {name}
            </Link>
          ))}
        </nav>
        <Search />
        {token.value !== undefined && (
          <button
            type="button"
            class="quiet"
            onClick={logOut}
          >
            Log out
          </button>
        )}
        <button
          type="button"
          class="quiet theme"
          onClick={nextTheme}
          aria-label={`Theme: ${theme.value}`}
        >
          {theme.value}
        </button>
      </header>
      <Banner />
      <Login />
      <main id="main" tabIndex={-1}>{page}</main>
    </>
  );
}

/** What was shown is forgotten, too. */
function logOut(): void {
  setToken(undefined);
  location.reload();
}

/** Finds work by its id. The key / goes there. */
function Search(): VNode {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.key !== "/" || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    const id = input.current?.value.trim();
    if (!id || input.current === null) return;
    // What is typed next is another search, and the key / goes there again.
    input.current.value = "";
    document.getElementById("main")?.focus();
    go(`/work/${encodeURIComponent(id)}`);
  };
  return (
    <form role="search" onSubmit={submit}>
      <input
        ref={input}
        type="search"
        aria-label="Find work by its id"
        placeholder="Find work  /"
        spellcheck={false}
      />
    </form>
  );
}

interface Place {
  readonly title: string;
  readonly page: VNode;
}

function pageOf(path: string): Place {
  const [, first = "", name = "", second = "", last = ""] = path.split("/");
  switch (first) {
    case "":
      return { title: "Overview", page: <Overview /> };
    case "agents":
      return { title: "Agents", page: <Agents /> };
    case "events":
      return { title: "Events", page: <Events /> };
    case "send":
      return { title: "Send", page: <Send /> };
    case "sessions": {
      if (name === "") return { title: "Sessions", page: <Sessions /> };
      const api = `/api/sessions/${name}/work/${last}`;
      return second === "work" && last !== ""
        ? { title: `Work ${last}`, page: <Work key={api} path={api} /> }
        : { title: name, page: <Session key={name} name={name} /> };
    }
    case "work": {
      // An id may have a slash in it.
      const id = location.pathname.slice("/work/".length);
      return { title: "Work", page: <Work key={id} path={`/api/work/${id}${location.search}`} /> };
    }
    default:
      return { title: "Nothing here", page: <p class="empty">There is no page {path}.</p> };
  }
}
