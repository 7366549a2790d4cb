// Every text of <token-balance> and <buy-tokens>, in English. The pages use them too: see en.ts.
import type { Formats } from "../formats";

export type ElementTexts = ReturnType<typeof elementTextsIn>;

export function elementTextsIn({ number, isOne, clock, day }: Formats) {
  const unit = (count: number): string => (isOne(count) ? "token" : "tokens");
  const tokens = (count: number) => `${number(count)} ${unit(count)}`;

  return {
    unit,

    balance: {
      announcement: (count: number) => `Your balance: ${tokens(count)}`,
      low: "Low",
      lowAnnouncement: (count: number) => `Your balance is low: ${tokens(count)}`,
      unknown: "Balance unavailable",
    },

    buy: {
      listLabel: "Token packs",
      unit,
      bonus: (count: number) => `+${number(count)} bonus ${unit(count)}!`,
      buyNow: "Buy Now",
      buyNowOf: (name: string) => `Buy Now: ${name}`,
      opening: "Opening Stripe…",
      loading: "Loading packs…",
      unavailable: "Currently unavailable",
      empty: "There are no packs on sale right now. Check back soon.",
      badges: { most_popular: "MOST POPULAR", best_value: "BEST VALUE" } as Record<string, string>,
    },

    errors: {
      offline: "You appear to be offline. Check your connection and try again.",
      unreachable: "We can't reach our service right now. Try again in a moment.",
      signIn: "Sign in to buy tokens.",
      signedOut: "Your session has expired. Sign in again to continue.",
      limit: (when: Date, now: Date) => {
        const time = when.toDateString() === now.toDateString() ? clock(when) : `${clock(when)} on ${day(when)}`;
        return `You've reached our purchase limit, which protects you if your card is ever stolen. You can buy again at ${time}.`;
      },
      appCheck:
        "Your browser blocked reCAPTCHA, which tells you from a robot. Allow it for this page, then reload the page.",
      tooMany: "Many payments are being started right now. You haven't been charged. Try again in a minute.",
      stripeAway:
        "We can't reach Stripe, our payment provider, right now. You haven't been charged. Try again in a moment.",
      stripeRefused:
        "Stripe couldn't process this order. You haven't been charged. If it happens again, contact support.",
      packageGone: "This pack is no longer available. Choose another one.",
      currencyGone: "This pack is no longer sold in this currency. Reload the page to see its prices.",
      unknown: "Something went wrong on our side. Try again in a moment.",
      retry: "Try again",
    },
  };
}
