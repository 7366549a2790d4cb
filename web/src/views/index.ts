// Every page as the build writes it: static HTML, which the page's program then brings to life.
import type { Package } from "../api";
import { texts } from "../texts";
import { account } from "./account";
import { buyTokens } from "./buy-tokens";
import { frame } from "./frame";
import { home } from "./home";
import { cancel, notFound, success } from "./outcomes";
import { transactions } from "./transactions";

export { directionOf, LANGUAGES } from "../texts";

export type PageName = keyof typeof texts.titles;

interface View {
  content(packages: Package[]): Node[];
  /** Whether search engines may list it: a page that is somebody's own is not. */
  isPublic: boolean;
}

export const VIEWS: Record<PageName, View> = {
  index: { content: home, isPublic: true },
  "buy-tokens": { content: buyTokens, isPublic: true },
  "token-purchase-success": { content: success, isPublic: false },
  "token-purchase-cancel": { content: cancel, isPublic: false },
  transactions: { content: transactions, isPublic: false },
  account: { content: account, isPublic: false },
  "404": { content: notFound, isPublic: false },
};

export interface StaticPage {
  title: string;
  description: string;
  body: string;
  isPublic: boolean;
  noscript: string;
  brand: string;
}

export function renderPage(page: PageName, packages: Package[]): StaticPage {
  const view = VIEWS[page];
  const body = document.createElement("body");
  body.append(...frame(page, view.content(packages)));
  return {
    title: `${texts.titles[page]} · ${texts.brand}`,
    description: texts.descriptions[page],
    body: body.innerHTML,
    isPublic: view.isPublic,
    noscript: texts.noscript,
    brand: texts.brand,
  };
}
