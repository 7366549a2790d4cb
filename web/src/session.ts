// Who is signed in. Firebase Hosting says which project this is; on a developer's machine it also says where the emulators are.
import { type FirebaseApp, initializeApp } from "firebase/app";
import {
  type Auth,
  browserLocalPersistence,
  connectAuthEmulator,
  indexedDBLocalPersistence,
  initializeAuth,
  onAuthStateChanged,
  signOut as signOutOf,
  type User,
} from "firebase/auth";

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

let opening: Promise<Session> | undefined;

/** Opens the one session of the page. */
export function openSession(): Promise<Session> {
  opening ??= open().catch((error: unknown) => {
    opening = undefined; // the next caller tries again
    throw error;
  });
  return opening;
}

async function open(): Promise<Session> {
  const answer = await fetch("/__/firebase/init.json");
  if (!answer.ok) throw new Error(`init.json: ${answer.status}`);
  const { emulators, ...options } = (await answer.json()) as HostingInit;
  const app = initializeApp(options);
  const auth = initializeAuth(app, { persistence: [indexedDBLocalPersistence, browserLocalPersistence] });
  if (!emulators) return { app, auth };
  connectAuthEmulator(auth, emulators.auth, { disableWarnings: true });
  return { app, auth, firestoreEmulator: emulators.firestore };
}

/** Calls back with the user, now and at every change. `undefined` means that it cannot be known yet. */
export function watchUser(tell: (user: User | null | undefined) => void): void {
  openSession().then(
    ({ auth }) => onAuthStateChanged(auth, tell),
    () => {
      const again = () => {
        clearTimeout(timer);
        window.removeEventListener("online", again);
        watchUser(tell);
      };
      const timer = window.setTimeout(again, RETRY_MS);
      window.addEventListener("online", again);
      tell(undefined);
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
  await signOutOf((await openSession()).auth);
}
