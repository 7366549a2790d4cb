// Which of the currencies that packs are sold in a buyer sees and pays in.
import type { Package } from "./api";

/** Where a currency is used beside the region whose two letters it begins with, as ISO 4217 makes them: chf in CH. */
const ELSEWHERE: Record<string, string> = {
  aud: "CC CX KI NF NR TV",
  chf: "LI",
  dkk: "FO GL",
  eur: "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT RE SI SK SM VA XK YT",
  gbp: "GG IM JE",
  nok: "SJ",
  nzd: "CK NU PN TK",
  usd: "AS EC GU MH MP PR PW SV UM VG VI",
};
const KEY = "currency";

/** Which currency packs are shown in, unless the buyer chooses: that of the buyer's region, or always this one. */
const SETTING: string = (import.meta.env["VITE_CURRENCY"] ?? "auto").toLowerCase();

/** Every currency that packs are sold in, the default one first. */
export const currenciesOf = (packages: readonly Package[]): string[] => [
  ...new Set(packages.flatMap(({ currency, prices }) => [currency, ...(prices ?? []).map((price) => price.currency)])),
];

/** The pack at its price in a currency, or at its default price if it has none in that. */
export function inCurrency(pack: Package, wanted: string): Package {
  const price = pack.prices?.find(({ currency }) => currency === wanted);
  return price ? { ...pack, ...price } : pack;
}

/** Picks the first of `offered` that the buyer has chosen, that the setting names, or that is used where the buyer is. */
export function pickCurrency(
  offered: readonly string[],
  { chosen, setting, locales }: { chosen: string | null; setting: string; locales: readonly string[] },
): string | undefined {
  const regional = setting === "auto" ? locales.map((locale) => offered.find(isUsedIn(regionOf(locale)))) : [];
  return [chosen, setting, ...regional].find((currency) => currency && offered.includes(currency)) ?? offered[0];
}

/** The currency that this buyer sees packs in. */
export const currencyFor = (packages: readonly Package[]): string | undefined =>
  pickCurrency(currenciesOf(packages), { chosen: chosenCurrency(), setting: SETTING, locales: navigator.languages });

/** Keeps a buyer's choice for the next visit. */
export function chooseCurrency(currency: string): void {
  try {
    localStorage.setItem(KEY, currency);
  } catch {
    // The browser stores nothing for this site: the choice lasts as long as the page.
  }
}

function chosenCurrency(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

const isUsedIn = (region: string | undefined) => (currency: string) =>
  region && (currency.startsWith(region.toLowerCase()) || ELSEWHERE[currency]?.includes(region));

function regionOf(locale: string): string | undefined {
  try {
    return new Intl.Locale(locale).maximize().region;
  } catch {
    // not a locale
  }
}
