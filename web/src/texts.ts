// Every text on the pages. To translate the pages, translate this file.

export const locale = "en-US";

const number = new Intl.NumberFormat(locale);
const signed = new Intl.NumberFormat(locale, { signDisplay: "always" });
const dollars = new Intl.NumberFormat(locale, { style: "currency", currency: "USD" });
const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const day = new Intl.DateTimeFormat(locale, { month: "long", day: "numeric" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

export const formatNumber = (value: number) => number.format(value);
export const formatSigned = (value: number) => signed.format(value);
export const formatDollars = (value: number) => dollars.format(value);
export const formatMoment = (value: Date) => moment.format(value);

const tokens = (count: number) => `${number.format(count)} ${Math.abs(count) === 1 ? "token" : "tokens"}`;

/** "2:05 PM", or "2:05 PM on October 26" if that isn't today. */
function clockTime(when: Date, now: Date): string {
  const isToday = now.toDateString() === when.toDateString();
  return isToday ? time.format(when) : `${time.format(when)} on ${day.format(when)}`;
}

export const texts = {
  brand: "Token Economy",
  noscript: "Please turn on JavaScript to use this page.",
  skip: "Skip to content",
  /** The title of each page, by the name of its file. */
  titles: {
    index: "Your tokens",
    "buy-tokens": "Buy tokens",
    "token-purchase-success": "Your purchase",
    "token-purchase-cancel": "Purchase canceled",
    transactions: "History",
    "404": "Page not found",
  } as Record<string, string>,

  nav: { label: "Pages", buy: "Buy tokens", history: "History" },
  footer: {
    promise: "Payments are processed by Stripe. We never see your card details.",
    support: "Get help",
  },
  account: {
    signIn: "Sign in",
    signOut: "Sign out",
    signedInAs: (who: string) => `Signed in as ${who}`,
  },

  balance: {
    unit: (count: number) => (Math.abs(count) === 1 ? "token" : "tokens"),
    spoken: (count: number) => `Your balance: ${tokens(count)}`,
    unknown: "Balance unavailable",
    debt: (count: number) => `You owe ${tokens(count)}. Your next purchase will cover them first.`,
  },

  signIn: {
    title: "Sign in",
    titleNew: "Create an account",
    why: "Your tokens are saved to your account, so you can use them on any device.",
    email: "Email",
    password: "Password",
    passwordHint: "Use at least 6 characters.",
    submit: "Sign in",
    submitNew: "Create account",
    toNew: "New here? Create an account",
    toKnown: "Already have an account? Sign in",
    forgot: "Forgot your password?",
    forgotSent: (email: string) => `If there's an account for ${email}, an email with a reset link is on its way.`,
    forgotNeedsEmail: "Enter your email first.",
    google: "Continue with Google",
    demo: "Use the demo account",
    demoHint: "You're on a developer's machine, so you don't need a real account.",
    or: "or",
    close: "Close",
    errors: {
      "auth/invalid-credential": "Incorrect email or password.",
      "auth/wrong-password": "Incorrect email or password.",
      "auth/user-not-found": "Incorrect email or password.",
      "auth/invalid-email": "Enter a valid email address.",
      "auth/missing-password": "Enter your password.",
      "auth/weak-password": "Use at least 6 characters for your password.",
      "auth/email-already-in-use": "There's already an account for this email. Sign in instead.",
      "auth/user-disabled": "This account has been disabled. Contact support for help.",
      "auth/too-many-requests": "Too many attempts. Wait a few minutes and try again.",
      "auth/network-request-failed": "We can't reach the sign-in service. Check your connection and try again.",
      "auth/popup-blocked": "Your browser blocked the sign-in window. Allow pop-ups for this site and try again.",
    } as Record<string, string>,
    failed: "We couldn't sign you in. Try again.",
  },

  errors: {
    offline: "You appear to be offline. Check your connection and try again.",
    unreachable: "We can't reach our service right now. Try again in a moment.",
    signedOut: "Your session has expired. Sign in again to continue.",
    limit: (when: Date, now: Date) =>
      `You've reached our purchase limit, which protects you if your card is ever stolen. You can buy again at ${clockTime(when, now)}.`,
    stripeAway:
      "We can't reach Stripe, our payment provider, right now. You haven't been charged. Try again in a moment.",
    stripeRefused:
      "Stripe couldn't process this order. You haven't been charged. If it happens again, contact support.",
    packageGone: "This pack is no longer available. Choose another one.",
    unknown: "Something went wrong on our side. Try again in a moment.",
    retry: "Try again",
  },

  home: {
    eyebrow: "Your tokens",
    signedOut: "Sign in to see your balance.",
    lead: "Use tokens for everything you create.",
    buy: "Buy tokens",
    history: "View history",
  },

  buy: {
    title: "Buy tokens",
    lead: "Pay once, use them whenever you like. No subscription.",
    balance: "You have",
    listLabel: "Token packs",
    tokens: (count: number) => tokens(count),
    unit: "tokens",
    bonus: (count: number) => `+${number.format(count)} bonus tokens!`,
    perToken: (price: number, count: number) => `${((price / count) * 100).toFixed(1)}¢ per token`,
    buyNow: "Buy Now",
    buyNowOf: (name: string) => `Buy Now: ${name}`,
    opening: "Opening Stripe…",
    unavailable: "Currently unavailable",
    unavailableWhy: "This pack isn't on sale yet. Check back soon.",
    empty: "There are no packs on sale right now. Check back soon.",
  },

  success: {
    waitingTitle: "Confirming your payment",
    waiting:
      "Thank you! We'll add your tokens as soon as Stripe confirms your payment. This usually takes a few seconds.",
    slowTitle: "This is taking longer than usual",
    slow:
      "If you've paid, your payment is safe. We'll add your tokens as soon as it's confirmed, even if you close this page. " +
      "If they haven't arrived within an hour, contact support and include the reference below.",
    creditedTitle: (count: number) => `${number.format(count)} tokens are yours`,
    credited: (packName: string) => `Thank you for buying the ${packName}.`,
    paidDebt: (count: number) => `You owed ${tokens(count)}. This purchase covered them first.`,
    pack: "Pack",
    added: "Tokens added",
    newBalance: "New balance",
    paid: "Paid",
    transaction: "Transaction ID",
    reference: "Reference",
    copy: "Copy",
    copyOf: "Copy transaction ID",
    copyOfReference: "Copy reference",
    copied: "Copied",
    delayedTitle: "Waiting for your bank",
    delayed:
      "The payment method you chose takes a few days. We'll add your tokens when the money arrives. You don't need to do anything " +
      "else, and you can close this page.",
    failedTitle: "Your payment didn't go through",
    failed:
      "Your bank didn't complete the payment, so you haven't been charged. You can try again or use another payment method.",
    heldTitle: "We're reviewing your purchase",
    held:
      "We've received your payment and are checking it before we add your tokens. You don't need to do anything. You'll get your " +
      "tokens or a refund.",
    rejectedTitle: "We couldn't accept this purchase",
    rejected:
      "We reviewed it and are refunding your payment to your original payment method. This usually takes up to 10 days.",
    signedOutTitle: "Sign in to see your purchase",
    signedOut: "Use the account you bought it with.",
    unknownTitle: "We couldn't find this purchase",
    unknown: "This link doesn't match a purchase. Your purchases are in your history.",
    start: "Start creating",
    history: "View history",
    tryAgain: "Try again",
    support: "Contact support",
  },

  cancel: {
    title: "Purchase canceled",
    lead: "You left before paying, so you haven't been charged. The packs are here whenever you're ready.",
    retryWith: (packName: string) => `Buy the ${packName}`,
    all: "See all packs",
    help: "Did something go wrong?",
    support: "Contact support",
  },

  history: {
    title: "History",
    lead: "Every change to your balance, newest first.",
    signedOutTitle: "Sign in to see your history",
    empty: "Nothing here yet. Your purchases will show up here.",
    loading: "Loading your history",
    failed: "We couldn't load your history.",
    more: "Load more",
    loaded: (count: number) => (count === 1 ? "Showing 1 entry." : `Showing ${number.format(count)} entries.`),
    all: "That's everything.",
    download: "Download CSV",
    downloading: "Preparing your download…",
    fileName: "token-history.csv",
    columns: { when: "Date", what: "Description", amount: "Tokens", balance: "Balance after" },
    csvColumns: [
      "Date (UTC)",
      "Type",
      "Description",
      "Package",
      "Tokens",
      "Balance after",
      "Paid (USD)",
      "Transaction",
    ],
    types: {
      purchase: "Purchase",
      spend: "Spent",
      refund: "Refund",
      dispute: "Dispute",
      dispute_reversal: "Dispute resolved",
      grant: "Gift",
      adjustment: "Correction",
    },
    purchase: (packName: string, bonus: number) =>
      bonus ? `${packName}, with ${number.format(bonus)} bonus tokens` : packName,
    refund: (packName: string) => `Refund for the ${packName}`,
    refundFailed: (packName: string) => `A refund for the ${packName} failed, so your tokens are back`,
    dispute: (packName: string) => `The payment for the ${packName} was disputed`,
    disputeReversal: (packName: string) => `The dispute over the ${packName} was resolved, so your tokens are back`,
    spend: "Used in the app",
    grant: "A gift from us",
    adjustment: "Corrected by our support team",
    somePack: "token pack",
    open: {
      label: "Purchases in progress",
      waiting: "We're waiting for your bank to complete a payment.",
      failed: "A payment didn't go through. You haven't been charged.",
      held: "We're reviewing a purchase before we add its tokens.",
      rejected: "We couldn't accept a purchase. We're refunding your payment.",
      see: "View purchase",
    },
  },

  notFound: {
    title: "Page not found",
    lead: "The address may be misspelled, or the page may have moved.",
    home: "Go to your tokens",
  },
};
