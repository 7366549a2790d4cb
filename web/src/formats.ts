// Numbers, money and dates as a locale writes them.
import { decimalsOf, inMainUnit, type Money } from "./money";

export type Formats = ReturnType<typeof formatsFor>;

export function formatsFor(locale: string) {
  const number = new Intl.NumberFormat(locale);
  const signed = new Intl.NumberFormat(locale, { signDisplay: "always" });
  const plurals = new Intl.PluralRules(locale);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
  const utcDay = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const currencyNames = new Intl.DisplayNames(locale, { type: "currency" });
  const inCurrency = (currency: string, options: Intl.NumberFormatOptions = {}) =>
    new Intl.NumberFormat(locale, { style: "currency", currency: currency.toUpperCase(), ...options });

  return {
    locale,
    number: (value: number) => number.format(value),
    signed: (value: number) => signed.format(value),
    isOne: (count: number) => plurals.select(Math.abs(count)) === "one",
    clock: (when: Date) => clock.format(when),
    day: (when: Date) => day.format(when),
    utcDay: (when: Date) => utcDay.format(when),
    moment: (when: Date) => moment.format(when),

    /** "$9.99", "¥500", "9,99 €". Decimals that a locale usually omits appear only if they aren't zero. */
    money(money: Money): string {
      const value = inMainUnit(money);
      const usual = inCurrency(money.currency).resolvedOptions().maximumFractionDigits ?? 2;
      const decimals = Number.isInteger(value)
        ? Math.min(usual, decimalsOf(money.currency))
        : decimalsOf(money.currency);
      return inCurrency(money.currency, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(
        value,
      );
    },

    /** "US Dollar (USD)". */
    currencyName(currency: string): string {
      const code = currency.toUpperCase();
      const name = currencyNames.of(code);
      return name && name !== code ? `${name} (${code})` : code;
    },

    /** The price of one of `count` things, with one more decimal than prices have: "$0.091". */
    unitPrice(money: Money, count: number): string {
      const decimals = decimalsOf(money.currency);
      const format = inCurrency(money.currency, {
        minimumFractionDigits: decimals,
        maximumFractionDigits: decimals + 1,
      });
      return format.format(inMainUnit(money) / count);
    },
  };
}
