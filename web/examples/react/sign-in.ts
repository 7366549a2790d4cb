// How this page signs visitors in: with Firebase Authentication, in the project of the token economy.
import { initializeApp } from "firebase/app";
import { connectAuthEmulator, getAuth } from "firebase/auth";

export const auth = getAuth(initializeApp({ apiKey: "demo", projectId: "demo-token-economy" }));

// On a developer's machine: see docs/local.md.
if (location.hostname.endsWith("localhost")) {
  connectAuthEmulator(auth, "http://127.0.0.1:9099", { disableWarnings: true });
}

export const dialog = () => document.querySelector("dialog") as HTMLDialogElement;

/** Shows the dialog until somebody has signed in or closed it. */
export function signIn(): Promise<unknown> {
  dialog().showModal();
  return new Promise((resolve) => dialog().addEventListener("close", resolve, { once: true }));
}
