// How this page signs visitors in: with Firebase Authentication, in the project of the token economy.
import { initializeApp } from "https://www.gstatic.com/firebasejs/12.19.0/firebase-app.js";
import {
  connectAuthEmulator,
  getAuth,
  signInWithEmailAndPassword,
  signOut,
} from "https://www.gstatic.com/firebasejs/12.19.0/firebase-auth.js";

export const auth = getAuth(initializeApp({ apiKey: "demo", projectId: "demo-token-economy" }));

// On a developer's machine: see docs/local.md.
if (location.hostname.endsWith("localhost")) {
  connectAuthEmulator(auth, "http://127.0.0.1:9099", { disableWarnings: true });
}

const dialog = document.querySelector("dialog");
const form = dialog.querySelector("form");

/** Shows the dialog until somebody has signed in or closed it. */
export function signIn() {
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { email, password } = Object.fromEntries(new FormData(form));
  try {
    await signInWithEmailAndPassword(auth, email, password);
    dialog.close();
  } catch {
    form.querySelector("[role=alert]").textContent = "Incorrect email or password.";
  }
});

document.querySelector("#sign-in").addEventListener("click", signIn);
document.querySelector("#sign-out").addEventListener("click", () => signOut(auth));
