// The packages on sale, as list_packages offers them: for the static pages.
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";
import type { Package } from "./src/api.ts";
import { decimalsOf } from "./src/money.ts";

interface CatalogPackage {
  id: string;
  name: string;
  description: string;
  badge?: string;
  badge_kind?: "most_popular" | "best_value";
  terms: {
    tokens: number;
    bonus: number;
    price_cents: number;
    currency: string;
    currency_options?: Record<string, number>;
  }[];
}

/** Returns the current offers of one catalog of shared/catalog.toml. */
export function offersOf(file: string, catalog: string): Package[] {
  const packages = parse(readFileSync(file, "utf8"))[catalog] as unknown as CatalogPackage[] | undefined;
  if (!packages) throw new Error(`${file} has no catalog "${catalog}"`);
  return packages.map(offer);
}

function offer({ terms, ...words }: CatalogPackage): Package {
  const current = terms.at(-1);
  if (!current) throw new Error(`Package ${words.id} has no terms`);
  const { tokens, bonus, price_cents: amount, currency, currency_options: options } = current;
  const prices = Object.entries({ [currency]: amount, ...options }).map(([code, price]) => ({
    amount: price,
    currency: code,
  }));
  return {
    ...words,
    tokens,
    bonus,
    amount,
    currency,
    price: amount / 10 ** decimalsOf(currency),
    ...(options ? { prices } : {}),
    available: true,
  };
}
