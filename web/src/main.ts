// The first, plain page: sign in, pick a package, pay at Stripe, see the balance rise.
import { onAuthStateChanged, type User } from "firebase/auth";
import { createCheckoutSession, getBalance, listPackages, type Package } from "./api";
import { openSession } from "./session";

const BALANCE_INTERVAL_MS = 1000;
const NOTICES: Record<string, string> = {
  "/token-purchase-success": "Thank you. Your tokens arrive within moments of the payment.",
  "/token-purchase-cancel": "The purchase was cancelled. Nothing was charged.",
};

const signInButton = element<HTMLButtonElement>("sign-in");
const { auth, signInAsDemo } = await openSession();
const packages = await listPackages().catch(show);
let balanceTimer = 0;

element("notice").textContent = NOTICES[location.pathname] ?? "";
signInButton.addEventListener("click", () => void signInAsDemo?.().catch(show));
onAuthStateChanged(auth, (user) => {
  signInButton.hidden = user !== null || !signInAsDemo;
  element("account").textContent = user ? `Signed in as ${user.email}` : "Not signed in";
  element("balance").textContent = "";
  element("packages").replaceChildren(...(packages ?? []).map((item) => card(item, user)));
  clearTimeout(balanceTimer);
  if (user) void followBalance(user);
});

function card(item: Package, user: User | null): HTMLLIElement {
  const entry = document.createElement("li");
  const bonus = item.bonus ? `, ${item.bonus} of them a bonus` : "";
  const buy = document.createElement("button");
  buy.type = "button";
  buy.textContent = item.available ? `Buy ${item.name}` : "Not available";
  buy.disabled = !item.available || !user;
  buy.addEventListener("click", () => {
    if (!user) return;
    buy.disabled = true; // one click, one session
    createCheckoutSession(user, item.id).then(
      (url) => location.assign(url),
      (error) => {
        buy.disabled = false;
        show(error);
      },
    );
  });
  entry.append(
    ...[
      text("strong", item.badge ?? ""),
      text("h2", item.name),
      text("p", `${item.tokens} tokens${bonus}`),
      text("p", `$${item.price.toFixed(2)}`),
      text("p", item.description),
      buy,
    ],
  );
  return entry;
}

async function followBalance(user: User): Promise<void> {
  const balance = await getBalance(user).catch(show);
  if (auth.currentUser !== user) return;
  const shown = element("balance");
  const words = `${balance} tokens`;
  if (balance !== undefined && shown.textContent !== words) shown.textContent = words; // a change is read aloud, once
  balanceTimer = window.setTimeout(() => void followBalance(user), BALANCE_INTERVAL_MS);
}

function show(error: unknown): undefined {
  element("notice").textContent = error instanceof Error ? error.message : String(error);
}

function text(tag: string, content: string): HTMLElement {
  const node = document.createElement(tag);
  node.textContent = content;
  return node;
}

function element<Kind extends HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}
