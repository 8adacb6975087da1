/**
 * Links within the page.
 *
 * @module
 */
import type { ComponentChildren, VNode } from "preact";
import { go } from "../route.ts";

/** What a link has. */
export interface LinkProps {
  readonly href: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly title?: string;
  /** Whether it leads to where one is. */
  readonly current?: boolean;
}

/** A link that does not load the page anew; with a modifier it is the browser's. */
export function Link({ href, children, current, ...more }: LinkProps): VNode {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    event.preventDefault();
    go(href);
  };
  return (
    <a href={href} onClick={follow} aria-current={current ? "page" : undefined} {...more}>
      {children}
    </a>
  );
}
