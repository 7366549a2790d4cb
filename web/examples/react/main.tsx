import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "token-economy-elements";
import { App } from "./app";
import { auth, signIn } from "./sign-in";

connect({ api: "https://tokens.example.com", auth, signIn });

createRoot(document.querySelector("#root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
