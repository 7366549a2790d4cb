// What a host page tells the elements, and asks of them.
import { sendAppCheck } from "../../src/api";
import { allConnections, Connection, setConnections, watchConnection, withoutSlash } from "./connection";
import { UnknownApi } from "./errors";
import { signInOf } from "./sign-in";
import type { BalanceListener, ConnectOptions } from "./types";

/** Says where the API is and who is signed in, for all elements of the page. Another call replaces this one. */
export function connect(options: ConnectOptions): void {
  const signIn = signInOf(options);
  sendAppCheck(async () => options.getAppCheckToken?.() ?? null);
  const apis = [options.api ?? ""].flat().map(withoutSlash);
  setConnections(apis.map((api) => [api, new Connection(api, signIn, options)]));
}

/** Asks for the balance at once: after a purchase or a spend, or when somebody signs in or out and connect() got no `auth`. */
export function refresh(): void {
  for (const { feed } of allConnections()) feed.refresh();
}

/** Calls back with the balance at an API, now and on every change. Returns a function that stops it. */
export function watchBalance(api: string | null | undefined, listener: BalanceListener): () => void {
  let stop = () => {};
  const stopWatching = watchConnection(api, (connection) => {
    stop();
    stop = () => {};
    if (connection instanceof UnknownApi) listener({ status: "unknown", error: connection });
    else stop = connection.feed.watch(listener);
  });
  return () => {
    stopWatching();
    stop();
  };
}
