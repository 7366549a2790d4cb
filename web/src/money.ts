// Amounts of money: as Stripe counts them, in a currency's smallest unit.
import type { Package } from "./api";

export interface Money {
  /** In the currency's smallest unit as Stripe defines it: 999 is $9.99, and ¥999. */
  amount: number;
  /** ISO 4217, in either case. */
  currency: string;
}

// Stripe's decimals, which differ from ISO 4217's for some currencies: https://docs.stripe.com/currencies#zero-decimal
// ISK and UGX have two for Stripe, and always end in 00.
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
const THREE_DECIMALS = "bhd jod kwd omr tnd".split(" ");

/** How many decimals Stripe's amounts have in a currency. */
export function decimalsOf(currency: string): number {
  const code = currency.toLowerCase();
  if (ZERO_DECIMALS.includes(code)) return 0;
  return THREE_DECIMALS.includes(code) ? 3 : 2;
}

/** An amount in the currency's main unit: 9.99 for $9.99. */
export const inMainUnit = ({ amount, currency }: Money) => amount / 10 ** decimalsOf(currency);

/** What a pack costs. */
export const priceOf = ({ amount, currency }: Pick<Package, "amount" | "currency">): Money => ({ amount, currency });
