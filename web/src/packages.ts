// What the pages make of a package: its words in the page's language, and its badge.
import type { Package } from "./api";
import { texts } from "./texts";

/** Words of the catalog in the page's language; what has no translation stays as the catalog has it. */
export const translated = (words: string) => texts.catalog[words] ?? words;

export interface Badge {
  /** Which look the card gets. */
  look: "popular" | "best";
  label: string;
}

/** A badge of a kind that this page knows is in its language; any other says what the catalog says. */
export function badgeOf({ badge, badge_kind }: Pick<Package, "badge" | "badge_kind">): Badge | null {
  const label = texts.buy.badges[badge_kind ?? ""] ?? (badge && translated(badge));
  return label ? { look: badge_kind === "best_value" ? "best" : "popular", label } : null;
}
