// Which of the currencies that packs are sold in a buyer sees and pays in.
import type { Package } from "./api";

/** The regions of each currency, as ISO 3166 has them, for the currencies that shops offer most. */
const REGIONS: Record<string, string> = {
  aed: "AE",
  aud: "AU CC CX KI NF NR TV",
  bhd: "BH",
  brl: "BR",
  cad: "CA",
  chf: "CH LI",
  clp: "CL",
  cny: "CN",
  cop: "CO",
  czk: "CZ",
  dkk: "DK FO GL",
  eur: "AD AT AX BE BG BL CY DE EE ES FI FR GF GP GR HR IE IT LT LU LV MC ME MF MQ MT NL PM PT RE SI SK SM VA XK YT",
  gbp: "GB GG IM JE",
  hkd: "HK",
  huf: "HU",
  idr: "ID",
  ils: "IL",
  inr: "IN",
  isk: "IS",
  jod: "JO",
  jpy: "JP",
  krw: "KR",
  kwd: "KW",
  mxn: "MX",
  myr: "MY",
  nok: "NO SJ",
  nzd: "NZ CK NU PN TK",
  omr: "OM",
  php: "PH",
  pln: "PL",
  ron: "RO",
  sar: "SA",
  sek: "SE",
  sgd: "SG",
  thb: "TH",
  tnd: "TN",
  try: "TR",
  twd: "TW",
  uah: "UA",
  usd: "US AS EC GU MH MP PR PW SV UM VG VI",
  vnd: "VN",
  zar: "ZA",
};
const CURRENCY_OF = new Map(
  Object.entries(REGIONS).flatMap(([currency, regions]) => regions.split(" ").map((region) => [region, currency])),
);
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
  const regional = setting === "auto" ? locales.map(currencyOf) : [];
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

function currencyOf(locale: string): string | undefined {
  try {
    return CURRENCY_OF.get(new Intl.Locale(locale).maximize().region ?? "");
  } catch {
    // not a locale
  }
}
