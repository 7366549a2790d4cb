import { connect } from "https://tokens.example.com/elements.js";
import { auth, signIn } from "./sign-in.js";

connect({ api: "https://tokens.example.com", auth, signIn });

const balance = document.querySelector("token-balance");
const note = document.querySelector("#low");
balance.addEventListener("lowbalance", () => note.removeAttribute("hidden"));
balance.addEventListener("balancechange", ({ detail }) => note.toggleAttribute("hidden", detail.balance >= 20));
