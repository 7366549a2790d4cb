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

// Until the API says a badge's kind, it is known by its English words.
const KINDS: Record<string, string> = { "MOST POPULAR": "most_popular", "BEST VALUE": "best_value" };

export function badgeOf({ badge, badge_kind }: Pick<Package, "badge" | "badge_kind">): Badge | null {
  if (!(badge || badge_kind)) return null;
  const kind = badge_kind ?? KINDS[badge ?? ""] ?? "";
  const label = texts.buy.badges[kind] ?? translated(badge ?? kind);
  return { look: kind === "best_value" ? "best" : "popular", label };
}
