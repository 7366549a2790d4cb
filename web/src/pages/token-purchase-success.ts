// /token-purchase-success?session_id=…: shows a purchase as it is credited, and as it is later. It credits nothing itself.
import "../styles/outcome.css";
import { type AccountState, watchPageAccount } from "../account";
import { listPackages } from "../api";
import { byId, make, wantsReducedMotion } from "../dom";
import type { PackNames } from "../history-words";
import { translated } from "../packages";
import { type creditOf, followCredit, isSessionId, type PurchaseState, stageOf } from "../purchase";
import { receiptOf } from "../purchase-receipt";
import { sceneOf } from "../purchase-scenes";
import type { User } from "../session";
import { offerSignIn, signOutHere, startShell } from "../shell";
import { texts } from "../texts";

const SLOW_AFTER_MS = 20_000;
const RECENT_MS = 60_000;
const OPENED_AT = Date.now();
const CELEBRATED = "celebrated-purchase";

const sessionId = new URLSearchParams(location.search).get("session_id") ?? "";
const outcome = byId("outcome");

let account: AccountState = { status: "loading" };
let user: User | undefined;
let credit: ReturnType<typeof creditOf> = null;
let stopFollowing = () => {};
let isSlow = false;
let names: PackNames | undefined; // undefined until they are loaded
let shown = "";

function follow(): void {
  window.setTimeout(() => {
    isSlow = true;
    update();
  }, SLOW_AFTER_MS);
  void listPackages()
    .then((packs) => new Map(packs.map(({ id, name }) => [id, translated(name)])))
    .catch(() => new Map<string, string>())
    .then((loaded) => {
      names = loaded;
      update();
    });
  watchPageAccount(onAccount, { live: true });
}

function onAccount(state: AccountState): void {
  account = state;
  const current = state.status === "signed-out" ? undefined : state.user;
  if (current?.uid !== user?.uid) {
    user = current;
    credit = null; // another user's receipt goes too
    stopFollowing();
    stopFollowing = current ? followCredit(current, sessionId, onCredit) : () => {};
  }
  update();
}

function onCredit(state: PurchaseState): void {
  credit = state;
  update();
}

const update = () => show(credit ?? stageOf(sessionId, account, isSlow));

/** Shows a scene, unless it is on the page already: the reader's place and the animation stay. */
function show(state: PurchaseState): void {
  const content =
    state.stage === "credited" ? receiptNodes(state) : sceneOf(state, sessionId, () => void switchAccount());
  const scene = make("div", {}, ...content);
  const markup = `${state.stage} ${scene.innerHTML}`;
  if (markup === shown) return;
  shown = markup;
  outcome.className = `outcome ${state.stage}`;
  outcome.replaceChildren(...content);
  document.title = `${outcome.querySelector("h1")?.textContent} · ${texts.brand}`;
}

function receiptNodes({ purchase, later }: Extract<PurchaseState, { stage: "credited" }>): Node[] {
  const isRecent = Date.parse(purchase.timestamp) > OPENED_AT - RECENT_MS;
  if (isRecent && later.length === 0) celebrateOnce(purchase.id);
  return receiptOf({ purchase, later, isRecent, names, buyer: user });
}

/** Not when the page is refreshed, and not for readers who want no motion. */
function celebrateOnce(id: string): void {
  if (wantsReducedMotion() || sessionStorage.getItem(CELEBRATED) === id) return;
  sessionStorage.setItem(CELEBRATED, id);
  void celebrate();
}

async function celebrate(): Promise<void> {
  const { default: library } = await import("canvas-confetti");
  const canvas = make("canvas", { class: "confetti", "aria-hidden": "true", "data-testid": "confetti" });
  document.body.append(canvas);
  const confetti = library.create(canvas, { resize: true }); // without a worker, which would need blob: in the Content-Security-Policy
  const colors = ["#e9b949", "#c98a1b", "#0b6b4f", "#5fd3a6", "#f6e3b0"];
  const from = (x: number, angle: number) =>
    confetti({ particleCount: 70, angle, spread: 70, startVelocity: 48, origin: { x, y: 0.75 }, colors });
  await Promise.all([from(0.1, 60), from(0.9, 120)]);
  canvas.remove();
}

async function switchAccount(): Promise<void> {
  await signOutHere();
  offerSignIn(texts.success.signedOut);
}

startShell();
if (isSessionId(sessionId)) follow();
else show({ stage: "unknown" });
