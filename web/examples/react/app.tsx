import { signOut } from "firebase/auth";
import { useState } from "react";
import { useTokenBalance } from "token-economy-elements/react";
import { auth, signIn } from "./sign-in";
import { SignInDialog } from "./sign-in-dialog";

export function App() {
  const state = useTokenBalance();
  const [isShown, setShown] = useState(true);
  const [isLow, setLow] = useState(false);
  return (
    <>
      <header>
        {isShown && (
          <token-balance
            threshold={20}
            onlowbalance={() => setLow(true)}
            onbalancechange={({ detail }) => setLow(detail.balance < 20)}
          />
        )}
        <button type="button" id="sign-in" onClick={() => void signIn()}>
          Sign in
        </button>
        <button type="button" id="sign-out" onClick={() => void signOut(auth)}>
          Sign out
        </button>
      </header>
      <main>
        <h1>Tokens in React</h1>
        <p id="status">{state.status === "known" ? `You can paint ${state.balance} pictures.` : state.status}</p>
        {isLow && <p id="low">You are running out of tokens.</p>}
        <button type="button" id="toggle" onClick={() => setShown(!isShown)}>
          {isShown ? "Hide the balance" : "Show the balance"}
        </button>
        <buy-tokens packages="starter popular" />
      </main>
      <SignInDialog />
    </>
  );
}
