// Who is signed in. Firebase Hosting says which project this is; on a developer's machine it also says where the emulators are.
import { initializeApp } from "firebase/app";
import { type Auth, connectAuthEmulator, getAuth, signInWithEmailAndPassword } from "firebase/auth";

interface HostingInit {
  apiKey: string;
  projectId: string;
  authDomain: string;
  emulators?: { auth: string; firestore: string };
}

export interface Session {
  auth: Auth;
  /** Signs in with the account that the local stack makes; absent where there is no emulator. */
  signInAsDemo?: () => Promise<void>;
}

export async function openSession(): Promise<Session> {
  const init = (await (await fetch("/__/firebase/init.json")).json()) as HostingInit;
  const auth = getAuth(initializeApp(init));
  if (!init.emulators) return { auth };
  connectAuthEmulator(auth, init.emulators.auth, { disableWarnings: true });
  return {
    auth,
    signInAsDemo: async () => {
      await signInWithEmailAndPassword(auth, "demo@example.com", "demo-password");
    },
  };
}
