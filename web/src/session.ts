// Who is signed in. Firebase Hosting says which project this is; on a developer's machine it also names the emulators.
import { type FirebaseApp, initializeApp } from "firebase/app";
import {
  type Auth,
  browserLocalPersistence,
  connectAuthEmulator,
  signOut as firebaseSignOut,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  type User,
} from "firebase/auth";

import { sendAppCheck, Unreachable } from "./api";

export type { User };

interface HostingInit {
  apiKey: string;
  projectId: string;
  authDomain: string;
  emulators?: { auth: string; firestore: string };
}

export interface Session {
  app: FirebaseApp;
  auth: Auth;
  /** host:port of the Firestore emulator; only on a developer's machine. */
  firestoreEmulator?: string;
}

const RETRY_MS = 5_000;
const APP_CHECK_KEY = import.meta.env["VITE_APPCHECK_SITE_KEY"] as string | undefined;

let opening: Promise<Session> | undefined;

/** Opens the page's one session. */
export function openSession(): Promise<Session> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined; // the next caller tries again
    throw error;
  });
  return opening;
}

async function open(): Promise<Session> {
  const answer = await fetch("/__/firebase/init.json").catch((cause: unknown) => {
    throw new Unreachable("No answer", { cause });
  });
  if (!answer.ok) throw new Unreachable(`init.json: ${answer.status}`);
  const { emulators, ...options } = (await answer.json()) as HostingInit;
  const app = initializeApp(options);
  if (APP_CHECK_KEY) sendAppCheck((await import("./app-check")).startAppCheck(app, APP_CHECK_KEY));
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  if (!emulators) return { app, auth };
  connectAuthEmulator(auth, emulators.auth, { disableWarnings: true });
  return { app, auth, firestoreEmulator: emulators.firestore };
}

/** Calls back with the user, now and on every change. `undefined` means that it can't be known yet. */
export function watchUser(
  listener: (user: User | null | undefined) => void,
  openIt: () => Promise<Pick<Session, "auth">> = openSession,
): void {
  openIt().then(
    ({ auth }) => onAuthStateChanged(auth, listener),
    () => {
      const retry = () => {
        clearTimeout(timer);
        window.removeEventListener("online", retry);
        watchUser(listener, openIt);
      };
      const timer = window.setTimeout(retry, RETRY_MS);
      window.addEventListener("online", retry);
      listener(undefined);
    },
  );
}

/** The signed-in user, once that is known. */
export async function currentUser(): Promise<User | null> {
  const { auth } = await openSession();
  await auth.authStateReady();
  return auth.currentUser;
}

export async function signOut(): Promise<void> {
  await firebaseSignOut((await openSession()).auth);
}
