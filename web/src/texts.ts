// Every word that a person reads. To translate the pages, translate this file.

export const locale = "en-US";

const number = new Intl.NumberFormat(locale);
const signed = new Intl.NumberFormat(locale, { signDisplay: "always" });
const dollars = new Intl.NumberFormat(locale, { style: "currency", currency: "USD" });
const time = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { month: "long", day: "numeric" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });

export const formatNumber = (value: number) => number.format(value);
export const formatSigned = (value: number) => signed.format(value);
export const formatDollars = (value: number) => dollars.format(value);
export const formatMoment = (value: Date) => moment.format(value);

const tokens = (count: number) => `${number.format(count)} ${Math.abs(count) === 1 ? "token" : "tokens"}`;

/** "14:05", or "14:05 on October 26" when that is another day. */
function at(when: Date): string {
  const today = new Date().toDateString() === when.toDateString();
  return today ? time.format(when) : `${time.format(when)} on ${day.format(when)}`;
}

export const texts = {
  brand: "Token Economy",
  noscript: "These pages need JavaScript.",
  skip: "Skip to the content",
  /** Each page's title; the key is the name of its file. */
  titles: {
    index: "Your tokens",
    "buy-tokens": "Buy tokens",
    "token-purchase-success": "Your purchase",
    "token-purchase-cancel": "Purchase cancelled",
    transactions: "History",
    "404": "Page not found",
  } as Record<string, string>,

  nav: { label: "Pages", buy: "Buy tokens", history: "History" },
  footer: {
    promise: "Payments are handled by Stripe. We never see your card.",
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
    loading: "Reading your balance",
    unknown: "Balance not available",
    debt: (count: number) => `You owe ${tokens(count)}; the next purchase pays them first.`,
  },

  signIn: {
    title: "Sign in",
    titleNew: "Create an account",
    why: "Tokens belong to your account, so that they are there on every device.",
    email: "E-mail",
    password: "Password",
    passwordHint: "At least six characters",
    submit: "Sign in",
    submitNew: "Create account",
    toNew: "New here? Create an account",
    toKnown: "I have an account",
    forgot: "Forgot your password?",
    forgotSent: (email: string) => `If ${email} has an account, a letter with a link is on its way.`,
    forgotNeedsEmail: "Fill in your e-mail first.",
    google: "Continue with Google",
    demo: "Use the demo account",
    demoHint: "This is a developer's machine: no real account is needed.",
    or: "or",
    close: "Close",
    errors: {
      "auth/invalid-credential": "This e-mail and password do not belong together.",
      "auth/wrong-password": "This e-mail and password do not belong together.",
      "auth/user-not-found": "This e-mail and password do not belong together.",
      "auth/invalid-email": "This is not an e-mail address.",
      "auth/missing-password": "Fill in your password.",
      "auth/weak-password": "Choose a password of at least six characters.",
      "auth/email-already-in-use": "This e-mail has an account already: sign in instead.",
      "auth/user-disabled": "This account is closed. Our support can tell you why.",
      "auth/too-many-requests": "Too many attempts. Wait a few minutes, then try again.",
      "auth/network-request-failed": "The sign-in service cannot be reached. Check your connection and try again.",
      "auth/popup-blocked": "Your browser blocked the sign-in window. Allow it for this page and try again.",
    } as Record<string, string>,
    failed: "Signing in did not work. Try again.",
  },

  errors: {
    offline: "You seem to be offline. Check your connection and try again.",
    unreachable: "Our service cannot be reached right now. Try again in a moment.",
    signedOut: "Your sign-in has ended. Sign in again to go on.",
    limit: (when: Date) =>
      `You have bought as often as we allow for now, which protects you from a stolen card. You can buy again at ${at(when)}.`,
    stripeAway: "Stripe, who handles the payment, cannot be reached right now. Nothing was charged. Try again in a moment.",
    stripeRefused: "Stripe did not accept this order. Nothing was charged. If it happens again, our support can help.",
    packageGone: "This pack is not on sale any more. Choose another one.",
    unknown: "Something went wrong on our side. Try again in a moment.",
    retry: "Try again",
  },

  home: {
    eyebrow: "Your tokens",
    signedOut: "Sign in to see your tokens.",
    lead: "Tokens pay for everything you create.",
    buy: "Buy tokens",
    history: "See your history",
  },

  buy: {
    title: "Buy tokens",
    lead: "Pay once and create as long as they last. No subscription.",
    balance: "You have",
    listLabel: "Token packs",
    loading: "Loading the packs",
    tokens: (count: number) => tokens(count),
    unit: "tokens",
    bonus: (count: number) => `+${number.format(count)} bonus tokens!`,
    perToken: (price: number, count: number) => `${((price / count) * 100).toFixed(1)}¢ a token`,
    buyNow: "Buy Now",
    buyNowOf: (name: string) => `Buy Now: ${name}`,
    opening: "Opening Stripe …",
    unavailable: "Not on sale right now",
    unavailableWhy: "We are setting up its price. Look again later.",
    empty: "Nothing is on sale right now. Look again later.",
    packagesFailed: "The packs could not be loaded.",
  },

  success: {
    waitingTitle: "Your payment is being confirmed",
    waiting: "Thank you! Your tokens arrive the moment Stripe confirms the payment, usually within seconds.",
    slowTitle: "This takes longer than usual",
    slow:
      "If you have paid, your payment is safe, and your tokens are credited as soon as the confirmation comes, even when you close this page. " +
      "If they are not there in an hour, write to our support with the reference below.",
    creditedTitle: (count: number) => `${number.format(count)} tokens are yours`,
    credited: (packName: string) => `Thank you for buying the ${packName}.`,
    paidDebt: (count: number) => `You owed ${tokens(count)}; this purchase went towards them first.`,
    pack: "Pack",
    added: "Tokens added",
    newBalance: "New balance",
    paid: "Paid",
    transaction: "Transaction",
    reference: "Reference",
    copy: "Copy",
    copyOf: "Copy the transaction id",
    copyOfReference: "Copy the reference",
    copied: "Copied",
    delayedTitle: "Your bank is sending the money",
    delayed:
      "You chose a way to pay that takes a few days. Your tokens are credited on the day the money arrives; there is nothing left " +
      "to do, and you may close this page.",
    failedTitle: "The payment did not come through",
    failed: "Your bank did not send the money, so no tokens were credited and nothing was charged. You can try again, or pay another way.",
    heldTitle: "We are taking a look at this purchase",
    held:
      "Your payment arrived, and a person checks it before the tokens are credited. This protects you and us. You need to do nothing: " +
      "you get either your tokens or your money back.",
    rejectedTitle: "We could not accept this purchase",
    rejected: "A person looked at it and decided against it. Your money goes back the way it came, usually within ten days.",
    signedOutTitle: "Sign in to see your purchase",
    signedOut: "It belongs to the account you bought it with.",
    unknownTitle: "Which purchase?",
    unknown: "This address names no purchase. Yours are all in your history.",
    start: "Start creating",
    history: "See your history",
    tryAgain: "Try again",
    support: "Write to support",
  },

  cancel: {
    title: "No harm done",
    lead: "You left before paying, so nothing was charged. The packs are still here whenever you want one.",
    retryWith: (packName: string) => `Try again with the ${packName}`,
    all: "See all packs",
    help: "Did something not work?",
    support: "Write to support",
  },

  history: {
    title: "History",
    lead: "Every token that came or went, newest first.",
    signedOutTitle: "Sign in to see your history",
    empty: "Nothing here yet. Your first purchase will be the first line.",
    loading: "Loading your history",
    failed: "Your history could not be loaded.",
    more: "Load more",
    loaded: (count: number) => (count === 1 ? "One entry." : `${number.format(count)} entries are shown.`),
    all: "That is everything.",
    download: "Download CSV",
    downloading: "Collecting all entries …",
    fileName: "token-history.csv",
    columns: { when: "Date", what: "What", amount: "Tokens", balance: "Balance after" },
    csvColumns: ["Date (UTC)", "Type", "Description", "Package", "Tokens", "Balance after", "Paid (USD)", "Transaction"],
    types: {
      purchase: "Purchase",
      spend: "Spent",
      refund: "Refund",
      dispute: "Payment dispute",
      dispute_reversal: "Dispute settled",
      grant: "Gift",
      adjustment: "Correction",
    },
    purchase: (packName: string, bonus: number) => (bonus ? `${packName}, with ${number.format(bonus)} bonus tokens` : packName),
    refund: (packName: string) => `Your money for the ${packName} was returned`,
    refundFailed: (packName: string) => `A refund for the ${packName} did not reach you, so the tokens are back`,
    dispute: (packName: string) => `Your bank disputes the payment for the ${packName}`,
    disputeReversal: (packName: string) => `The dispute about the ${packName} ended in our favor, so the tokens are back`,
    spend: "Used on the platform",
    grant: "A present from us",
    adjustment: "Corrected by our support",
    somePack: "token pack",
    open: {
      label: "Purchases without tokens yet",
      waiting: "Your bank is still sending the money for a purchase.",
      failed: "The payment for a purchase did not come through, and nothing was charged.",
      held: "A person is taking a look at a purchase before its tokens are credited.",
      rejected: "A purchase could not be accepted, and your money goes back.",
      see: "See this purchase",
    },
  },

  notFound: { title: "There is nothing here", lead: "The address may be mistyped, or the page has moved.", home: "Go to your tokens" },
};
