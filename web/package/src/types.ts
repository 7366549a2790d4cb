// What hosts see of the package.

/** What is known of the visitor's balance. Only `known` has a number: a balance that isn't known is never one. */
export type BalanceState =
  /** It isn't known yet whether anybody is signed in. */
  | { readonly status: "connecting" }
  | { readonly status: "signed-out" }
  /** Somebody is signed in; the balance is on its way. */
  | { readonly status: "loading" }
  | { readonly status: "known"; readonly balance: number }
  /** The API can't be reached, or refuses. */
  | { readonly status: "unknown"; readonly error: unknown };

export type BalanceListener = (state: BalanceState) => void;

/** Detail of `balancechange`. */
export interface BalanceChange {
  readonly balance: number;
  /** Undefined at first, and after the balance was unknown. */
  readonly previous: number | undefined;
}

/** Detail of `lowbalance`. */
export interface LowBalance {
  readonly balance: number;
  readonly threshold: number;
}

/** Detail of `checkout`. Unless the event is canceled, the browser goes to `url`, Stripe's page. */
export interface Checkout {
  readonly package: string;
  readonly sessionId: string;
  readonly url: string;
}

/** Detail of `error`. */
export interface Failure {
  /** A code of the API, such as `purchase_limit`, or `unreachable`, `signed_out`, `unknown_api` or `sign_in_failed`. */
  readonly code: string;
  readonly error: unknown;
}

/** A signed-in user of Firebase Authentication, as far as it is needed here. */
export interface TokenUser {
  getIdToken(): Promise<string>;
}

/** Firebase's Auth, as far as it is needed here: pass `getAuth(app)`. */
export interface AuthLike {
  readonly currentUser: TokenUser | null;
  onAuthStateChanged(listener: (user: TokenUser | null) => void): unknown;
}

export interface SharedOptions {
  /**
   * Where the API is, such as https://tokens.example.com; by default, on the page's own origin. With several, elements choose
   * by their `api` attribute. A visitor's ID token goes nowhere else.
   */
  readonly api?: string | readonly string[];
  /** Lets the visitor sign in, when they buy. The purchase continues when this resolves and somebody is signed in. */
  signIn?(): Promise<unknown>;
  /** Returns a token of Firebase App Check, for an API that demands one. */
  getAppCheckToken?(): Promise<string | null>;
  /** Returns a pack's name or description in a language, such as `de`; by default, they are as the catalog has them. */
  translate?(text: string, language: string): string;
}

export interface FirebaseOptions extends SharedOptions {
  /** Whose sign-in counts. */
  readonly auth: AuthLike;
}

export interface TokenOptions extends SharedOptions {
  /** Returns a current Firebase ID token of the visitor, or null if nobody is signed in. Call `refresh()` when that changes. */
  getIdToken(): Promise<string | null>;
}

export type ConnectOptions = FirebaseOptions | TokenOptions;
