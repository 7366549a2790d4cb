import { signInWithEmailAndPassword } from "firebase/auth";
import { type SubmitEvent, useState } from "react";
import { auth, dialog } from "./sign-in";

export function SignInDialog() {
  const [error, setError] = useState("");
  const submit = async (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const values = new FormData(event.currentTarget);
    try {
      await signInWithEmailAndPassword(auth, String(values.get("email")), String(values.get("password")));
      dialog().close();
    } catch {
      setError("Incorrect email or password.");
    }
  };
  return (
    <dialog aria-labelledby="dialog-title">
      <form onSubmit={(event) => void submit(event)}>
        <h2 id="dialog-title">Sign in</h2>
        <label>
          Email <input name="email" type="email" autoComplete="username" defaultValue="demo@example.com" />
        </label>
        <label>
          Password{" "}
          <input name="password" type="password" autoComplete="current-password" defaultValue="demo-password" />
        </label>
        <p role="alert">{error}</p>
        <button type="submit">Continue</button>
      </form>
    </dialog>
  );
}
