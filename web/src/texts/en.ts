// Every text on the pages, in English. Another language is another file like this one: see index.ts.
import type { Formats } from "../formats";
import { elementTextsIn } from "./elements-en";

export type Texts = ReturnType<typeof textsIn>;

export function textsIn(formats: Formats) {
  const { number, isOne } = formats;
  const { unit, ...elements } = elementTextsIn(formats);
  const tokens = (count: number) => `${number(count)} ${unit(count)}`;

  return {
    brand: "Token Economy",
    noscript: "Please turn on JavaScript to use this page.",
    skip: "Skip to content",
    /** The title of each page and its description for search engines, by the page's name. */
    titles: {
      index: "Your tokens",
      "buy-tokens": "Buy tokens",
      "token-purchase-success": "Your purchase",
      "token-purchase-cancel": "Purchase canceled",
      transactions: "History",
      account: "Account",
      "404": "Page not found",
    },
    descriptions: {
      index: "See your token balance, buy more tokens, and look up what you've used them for.",
      "buy-tokens": "Choose a token pack and pay once with Stripe. No subscription.",
      "token-purchase-success": "See what you bought and when your tokens arrive.",
      "token-purchase-cancel": "You left before paying, so you haven't been charged.",
      transactions: "Every change to your token balance, newest first.",
      account: "See who is signed in, and change your email or password.",
      "404": "There is no page at this address.",
    },

    nav: { label: "Main", buy: "Buy tokens", history: "History" },
    footer: {
      promise: "Payments are processed by Stripe. We never see your card details.",
      support: "Get help",
      language: "Language",
    },
    account: {
      signIn: "Sign in",
      signOut: "Sign out",
      signedInAs: (who: string) => `Signed in as ${who}`,
      menu: (who: string) => `Account: ${who}`,
      settings: "Account settings",
    },

    balance: {
      reserved: (count: number, available: number) =>
        `${tokens(count)} ${isOne(count) ? "is" : "are"} set aside for work in progress. You can use ${number(available)} now.`,
      debt: (count: number) => `You owe ${tokens(count)}. Your next purchase will cover them first.`,
    },

    signIn: {
      title: "Sign in",
      titleNew: "Create an account",
      why: "Your tokens are saved to your account, so you can use them on any device.",
      email: "Email",
      password: "Password",
      passwordHint: "Use at least 8 characters.",
      submit: "Sign in",
      submitNew: "Create account",
      toNew: "New here? Create an account",
      toKnown: "Already have an account? Sign in",
      forgot: "Forgot your password?",
      forgotSent: (email: string) => `If there's an account for ${email}, an email with a reset link is on its way.`,
      google: "Continue with Google",
      demo: "Use the demo account",
      demoHint: "You're on a developer's machine, so you don't need a real account.",
      or: "or",
      close: "Close",
      missingEmail: "Enter your email.",
      missingPassword: "Enter your password.",
      errors: {
        "auth/invalid-credential": "Incorrect email or password.",
        "auth/wrong-password": "Incorrect email or password.",
        "auth/user-not-found": "Incorrect email or password.",
        "auth/invalid-email": "Enter a valid email address.",
        "auth/missing-password": "Enter your password.",
        "auth/weak-password": "Use at least 8 characters for your password.",
        "auth/password-does-not-meet-requirements": "Use at least 8 characters for your password.",
        "auth/email-already-in-use": "There's already an account for this email. Sign in instead.",
        "auth/user-disabled": "This account has been disabled. Contact support for help.",
        "auth/too-many-requests": "Too many attempts. Wait a few minutes and try again.",
        "auth/network-request-failed": "We can't reach the sign-in service. Check your connection and try again.",
        "auth/popup-blocked": "Your browser blocked the sign-in window. Allow pop-ups for this site and try again.",
      } as Record<string, string>,
      failed: "We couldn't sign you in. Try again.",
    },

    errors: elements.errors,

    home: {
      title: "Your tokens",
      signedOut: "Sign in to see your balance.",
      lead: "Use tokens for everything you create.",
      buy: "Buy tokens",
      history: "View history",
    },

    buy: {
      ...elements.buy,
      title: "Buy tokens",
      lead: "Pay once, use them whenever you like. No subscription.",
      balance: "You have",
      currency: "Prices in",
      perToken: (price: string) => `${price} per token`,
      stillOpening: "Stripe is taking longer than usual. Hang on…",
      unavailableWhy: "This pack isn't on sale yet. Check back soon.",
    },
    /** Translations of the catalog's own names and descriptions, which are English: see packages.ts. */
    catalog: {} as Record<string, string>,

    success: {
      waitingTitle: "Confirming your payment",
      waiting:
        "Thank you! We'll add your tokens as soon as Stripe confirms your payment. This usually takes a few seconds.",
      slowTitle: "This is taking longer than usual",
      slow:
        "If you've paid, your payment is safe. We'll add your tokens as soon as it's confirmed, even if you close this page. " +
        "If they haven't arrived within an hour, contact support and include the reference below.",
      creditedTitle: (count: number) => `${tokens(count)} ${isOne(count) ? "is" : "are"} yours`,
      receiptTitle: (count: number) => `You bought ${tokens(count)}`,
      refundedTitle: "This purchase was refunded",
      disputedTitle: "This purchase was disputed",
      credited: (packName: string) => `Thank you for buying the ${packName}.`,
      paidDebt: (count: number) => `You owed ${tokens(count)}. This purchase covered them first.`,
      paidPartOfDebt: (owed: number, left: number) =>
        `You owed ${tokens(owed)}, so this purchase went toward them. You still owe ${tokens(left)}.`,
      takenBack: (count: number) =>
        `${tokens(count)} of this purchase ${isOne(count) ? "was" : "were"} taken back since.`,
      date: "Date",
      pack: "Pack",
      added: "Tokens added",
      balanceAfter: "Balance after purchase",
      paid: "Paid",
      transaction: "Transaction ID",
      reference: "Reference",
      stripeReceipt: "View Stripe's receipt",
      stripeInvoice: "View invoice",
      noStripeReceipt: "Stripe has no receipt for this purchase. Contact support if you need one.",
      stripeReceiptFailed: "We couldn't get this from Stripe, our payment provider. Try again in a minute.",
      copy: "Copy",
      copyOf: "Copy transaction ID",
      copyOfReference: "Copy reference",
      copied: "Copied",
      delayedTitle: "Waiting for your bank",
      delayed:
        "The payment method you chose takes a few days. We'll add your tokens when the money arrives. You don't need to do " +
        "anything else, and you can close this page.",
      failedTitle: "Your payment didn't go through",
      failed:
        "Your bank didn't complete the payment, so you haven't been charged. You can try again or use another payment method.",
      heldTitle: "We're reviewing your purchase",
      held:
        "We've received your payment and are checking it before we add your tokens. You don't need to do anything. You'll get " +
        "your tokens or a refund.",
      rejectedTitle: "We couldn't accept this purchase",
      rejected:
        "We reviewed it and are refunding your payment to your original payment method. This usually takes up to 10 days.",
      signedOutTitle: "Sign in to see your purchase",
      signedOut: "Use the account you bought it with.",
      unknownTitle: "We couldn't find this purchase",
      unknown: "This link doesn't match a purchase. Your purchases are in your history.",
      otherAccountTitle: "This purchase is in another account",
      otherAccount: (who: string) =>
        `You're signed in as ${who}, but this purchase was made with another account. Sign in with that one to see it.`,
      maybeOtherAccount: (who: string) =>
        `You're signed in as ${who}. If you bought with another account, sign in with that one.`,
      switchAccount: "Use another account",
      start: "Start creating",
      buyMore: "Buy tokens",
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
      noMatches: "Nothing matches this filter.",
      loading: "Loading your history…",
      failed: "We couldn't load your history.",
      more: "Load more",
      shown: (count: number) => (isOne(count) ? "Showing 1 entry." : `Showing ${number(count)} entries.`),
      all: "That's everything.",
      download: "Download CSV",
      downloading: "Preparing your download…",
      print: "Print",
      fileName: "token-history.csv",
      filter: {
        label: "Filter",
        type: "Show",
        from: "From",
        to: "To",
        clear: "Clear filter",
        types: {
          all: "All activity",
          purchases: "Purchases",
          spending: "Spending",
          refunds: "Refunds and disputes",
          other: "Gifts and corrections",
        },
      },
      columns: { when: "Date", what: "Description", amount: "Tokens", balance: "Balance after" },
      csvColumns: [
        "Date (UTC)",
        "Type",
        "Description",
        "Package",
        "Tokens",
        "Balance after",
        "Money",
        "Currency",
        "Transaction",
      ],
      types: {
        purchase: "Purchase",
        spend: "Spent",
        spend_reversal: "Given back",
        refund: "Refund",
        dispute: "Dispute",
        dispute_reversal: "Dispute resolved",
        grant: "Gift",
        expiry: "Expired",
        adjustment: "Correction",
      } as Record<string, string>,
      otherType: "Change",
      purchase: (packName: string, bonus: number) =>
        bonus ? `${packName}, with ${number(bonus)} bonus ${unit(bonus)}` : packName,
      refund: (packName: string) => `Refund for the ${packName}`,
      refundOf: (packName: string, money: string) => `${money} refunded for the ${packName}`,
      partialRefundOf: (packName: string, refunded: string, paid: string) =>
        `${refunded} of ${paid} refunded for the ${packName}`,
      refundFailed: (packName: string) => `A refund for the ${packName} failed, so your tokens are back`,
      dispute: (packName: string) => `The payment for the ${packName} was disputed`,
      disputeReversal: (packName: string) => `The dispute over the ${packName} was resolved, so your tokens are back`,
      spend: "Used in the app",
      spendReversal: "Tokens you got back",
      grant: "A gift from us",
      welcome: "A gift to welcome you",
      grantThatExpires: (what: string, count: number, on: string) =>
        `${what}. ${tokens(count)} ${isOne(count) ? "expires" : "expire"} on ${on}`,
      expiry: (on: string) => `Not used by ${on}`,
      adjustment: "Corrected by our support team",
      somePack: "token pack",
      receipt: "View receipt",
      receiptOf: (what: string) => `View receipt: ${what}`,
      open: {
        label: "Purchases in progress",
        waiting: "We're waiting for your bank to complete a payment.",
        failed: "A payment didn't go through. You haven't been charged.",
        held: "We're reviewing a purchase before we add its tokens.",
        rejected: "We couldn't accept a purchase. We're refunding your payment.",
        started: (what: string, when: string) => `${what}, ${when}`,
        reference: (end: string) => `Reference ending in ${end}`,
        see: "View purchase",
        dismiss: "Dismiss",
      },
    },

    accountPage: {
      title: "Account",
      lead: "Your sign-in details.",
      signedOutTitle: "Sign in to see your account",
      email: "Email",
      method: "You sign in with",
      methods: { password: "Email and password", "google.com": "Google" } as Record<string, string>,
      changeEmail: "Change email",
      newEmail: "New email",
      changePassword: "Change password",
      currentPassword: "Current password",
      newPassword: "New password",
      save: "Save",
      sendLink: "Send confirmation link",
      emailSent: (email: string) => `We've sent a link to ${email}. Your email changes once you open it.`,
      passwordChanged: "Your password has been changed.",
      googleHint: "You sign in with Google, so your email and password are managed there.",
      wrongPassword: "Your current password is incorrect.",
      failed: "That didn't work. Try again.",
    },

    notFound: {
      title: "Page not found",
      lead: "The address may be misspelled, or the page may have moved.",
      home: "Go to your tokens",
    },
  };
}
