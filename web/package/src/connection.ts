// Which API the elements of this page talk to, and for whom.
import { type CheckoutSession, createCheckoutSession, listPackages, type Package } from "../../src/api";
import { SignedOut, UnknownApi } from "./errors";
import { BalanceFeed } from "./feed";
import type { SignIn } from "./sign-in";
import type { SharedOptions } from "./types";

export class Connection {
  readonly feed: BalanceFeed;
  readonly #api: string;
  readonly #signIn: SignIn;
  readonly #options: SharedOptions;

  constructor(api: string, signIn: SignIn, options: SharedOptions) {
    this.feed = new BalanceFeed(signIn, api);
    this.#api = api;
    this.#signIn = signIn;
    this.#options = options;
  }

  packages(): Promise<Package[]> {
    return listPackages(this.#api);
  }

  /** Returns a pack's name or description in a language. */
  translated(text: string, language: string): string {
    return this.#options.translate?.(text, language) ?? text;
  }

  /** Starts a purchase in a currency, after signing in if need be. */
  async order(packageId: string, currency: string): Promise<CheckoutSession> {
    let token = await this.#signIn.getIdToken();
    if (token === null && this.#options.signIn) {
      await this.#options.signIn();
      this.feed.refresh();
      token = await this.#signIn.getIdToken();
    }
    if (token === null) throw new SignedOut("Nobody is signed in");
    const known = token;
    return createCheckoutSession({ getIdToken: async () => known }, packageId, { currency, origin: this.#api });
  }
}

type ConnectionListener = (connection: Connection | UnknownApi) => void;

let connections: ReadonlyMap<string, Connection> | undefined;
const listeners = new Set<() => void>();

/** Replaces the connections of this page. */
export function setConnections(made: readonly [api: string, Connection][]): void {
  connections = new Map(made);
  for (const listener of [...listeners]) listener();
}

export const allConnections = () => [...(connections?.values() ?? [])];

/**
 * Calls back with the connection to an API, by default the first one, once there is one and whenever connect() replaces it.
 * Returns a function that stops it.
 */
export function watchConnection(api: string | null | undefined, listener: ConnectionListener): () => void {
  const tell = () => {
    if (!connections) return;
    const found = api ? connections.get(withoutSlash(api)) : allConnections()[0];
    listener(found ?? new UnknownApi(`connect() doesn't name the API ${api}`));
  };
  listeners.add(tell);
  tell();
  return () => listeners.delete(tell);
}

export const withoutSlash = (address: string) => address.replace(/\/$/u, "");
