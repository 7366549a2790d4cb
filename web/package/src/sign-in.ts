// Who is signed in, as the host page says.
import type { AuthLike, ConnectOptions } from "./types";

export interface SignIn {
  /** Returns the visitor's ID token, or null if nobody is signed in. */
  getIdToken(): Promise<string | null>;
  /** Calls back when somebody signs in or out. Returns a function that stops it. */
  onChange(listener: () => void): () => void;
}

export const signInOf = (options: ConnectOptions): SignIn =>
  "auth" in options
    ? firebaseSignIn(options.auth)
    : { getIdToken: async () => options.getIdToken(), onChange: () => () => {} };

function firebaseSignIn(auth: AuthLike): SignIn {
  const listeners = new Set<() => void>();
  const known = new Promise<void>((resolve) => {
    auth.onAuthStateChanged(() => {
      resolve();
      for (const listener of listeners) listener();
    });
  });
  return {
    async getIdToken() {
      await known;
      return auth.currentUser?.getIdToken() ?? null;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
