// /token-purchase-success?session_id=…: shows the purchase as it is credited. This page credits nothing itself.
import clock from "bootstrap-icons/icons/clock-history.svg?raw";
import hourglass from "bootstrap-icons/icons/hourglass-split.svg?raw";
import personCheck from "bootstrap-icons/icons/person-check.svg?raw";
import question from "bootstrap-icons/icons/question-lg.svg?raw";
import cross from "bootstrap-icons/icons/x-lg.svg?raw";
import { type AccountState, watchPageAccount } from "../account";
import { listPackages, listTransactions, type Transaction } from "../api";
import { coinStack } from "../coins";
import { copyButton } from "../copy-button";
import { icon, make, wantsReducedMotion } from "../dom";
import { START_URL, SUPPORT_URL } from "../links";
import { purchaseId, watchPurchase } from "../live";
import type { User } from "../session";
import { offerSignIn, openPage } from "../shell";
import "../styles/outcome.css";
import { formatDollars, formatNumber, texts } from "../texts";

type Stage = "confirming" | "slow" | "delayed" | "failed" | "held" | "rejected" | "signed-out" | "unknown";

const SLOW_AFTER_MS = 20_000;
const LIVE_WITHIN_MS = 5_000;
const POLL_MS = 3_000;
const RECENT_MS = 60_000;
const OPENED_AT = Date.now();

const words = texts.success;
const sessionId = new URLSearchParams(location.search).get("session_id") ?? "";
const outcome = make("section", { class: "outcome", "aria-live": "polite", "data-testid": "outcome" });
let stage: Stage | "credited" | undefined;
let isSlow = false;
let stopWaiting = () => {};
const packs = listPackages().catch(() => []);

function follow(): void {
  let followed: string | undefined;
  window.setTimeout(() => {
    isSlow = true;
    if (stage === "confirming") show("slow");
  }, SLOW_AFTER_MS);
  watchPageAccount((state) => {
    if (state.status === "signed-out") {
      followed = undefined;
      stopWaiting();
      return show("signed-out");
    }
    if (state.user && state.user.uid !== followed) {
      followed = state.user.uid;
      stopWaiting();
      stopWaiting = awaitEntry(state.user);
      show(stageOf(state)); // replaces another user's receipt
    }
    if (stage !== "credited") show(stageOf(state));
  });
}

function stageOf(state: AccountState): Stage {
  const open = state.status === "known" ? state.openPurchases[sessionId] : undefined;
  if (open) return open === "waiting" ? "delayed" : open;
  return isSlow ? "slow" : "confirming";
}

/** Waits for the entry in Firestore; while Firestore can't be reached, polls the API. */
function awaitEntry(user: User): () => void {
  let timer = window.setTimeout(poll, LIVE_WITHIN_MS);
  function poll() {
    void listTransactions(user, { limit: 20 })
      .then(({ transactions }) => transactions.find(({ id }) => id === purchaseId(sessionId)))
      .catch(() => undefined)
      .then((entry) => {
        if (!timer) return; // stopped in the meantime
        if (entry) credited(entry);
        else timer = window.setTimeout(poll, POLL_MS);
      });
  }
  const stopLive = watchPurchase(user.uid, sessionId, {
    next: credited,
    failed: () => {
      clearTimeout(timer);
      timer = window.setTimeout(poll);
    },
  });
  return () => {
    clearTimeout(timer);
    timer = 0;
    stopLive();
  };
}

function credited(entry: Transaction): void {
  if (stage === "credited") return;
  stage = "credited";
  stopWaiting();
  const debt = entry.amount - entry.balanceAfter;
  const thanks = make("p", { class: "lead" });
  const pack = make("span");
  const setPackName = (name: string) => {
    thanks.textContent = words.credited(name);
    pack.textContent = name;
  };
  setPackName(texts.history.somePack); // until the names are loaded, if ever
  void packName(entry.details.packageId).then(setPackName);
  outcome.className = "outcome credited";
  outcome.replaceChildren(
    coinStack(entry.amount, entry.details.bonus ?? 0, { fit: true }),
    make("h1", {}, words.creditedTitle(entry.amount)),
    thanks,
    ...(debt > 0 ? [make("p", { class: "lead" }, words.paidDebt(debt))] : []),
    make(
      "dl",
      { class: "receipt" },
      row(words.pack, pack),
      row(words.added, `+${formatNumber(entry.amount)}`),
      entry.details.paymentAmountUSD !== undefined && row(words.paid, formatDollars(entry.details.paymentAmountUSD)),
      row(words.newBalance, make("strong", { "data-testid": "new-balance" }, formatNumber(entry.balanceAfter))),
      row(
        words.transaction,
        make("code", { "data-testid": "transaction-id" }, entry.id),
        copyButton(entry.id, words.copyOf),
      ),
    ),
    actions(link(START_URL, words.start, "primary"), historyLink()),
  );
  updateTitle();
  if (isRecent(entry) && !wantsReducedMotion()) void celebrate();
}

/** Whether the entry is so recent that the buyer was waiting for it: an old receipt is not celebrated. */
const isRecent = (entry: Transaction) => Date.parse(entry.timestamp) > OPENED_AT - RECENT_MS;

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

async function packName(id: string | undefined): Promise<string> {
  return (await packs).find((pack) => pack.id === id)?.name ?? id ?? texts.history.somePack;
}

function show(next: Stage): void {
  if (next === stage) return;
  stage = next;
  outcome.className = `outcome ${next}`;
  outcome.replaceChildren(...scenes[next]());
  updateTitle();
}

/** The tab has the title of the scene. */
function updateTitle(): void {
  document.title = `${outcome.querySelector("h1")?.textContent} · ${texts.brand}`;
}

const historyLink = (look = "plain") => link("/transactions", words.history, look);
const supportLink = () => link(SUPPORT_URL, words.support, "plain");

const scenes: Record<Stage, () => Node[]> = {
  confirming: () => [
    make("div", { class: "minting" }, coinStack(110, 0, { fit: true })),
    ...message(words.waitingTitle, words.waiting),
  ],
  slow: () => [
    sign(clock),
    ...message(words.slowTitle, words.slow),
    reference(),
    actions(historyLink(), supportLink()),
  ],
  delayed: () => [
    sign(hourglass),
    ...message(words.delayedTitle, words.delayed),
    reference(),
    actions(link(START_URL, words.start, "primary"), historyLink()),
  ],
  failed: () => [
    sign(cross),
    ...message(words.failedTitle, words.failed),
    reference(),
    actions(link("/buy-tokens", words.tryAgain, "primary"), supportLink()),
  ],
  held: () => [
    sign(personCheck),
    ...message(words.heldTitle, words.held),
    reference(),
    actions(historyLink(), supportLink()),
  ],
  rejected: () => [sign(cross), ...message(words.rejectedTitle, words.rejected), reference(), actions(supportLink())],
  unknown: () => [sign(question), ...message(words.unknownTitle, words.unknown), actions(historyLink("primary"))],
  "signed-out": () => [
    sign(question),
    ...message(words.signedOutTitle, words.signedOut),
    actions(make("button", { class: "button primary", type: "button", click: offerSignIn }, texts.account.signIn)),
  ],
};

const sign = (svgText: string) => make("div", { class: "sign" }, icon(svgText));

const message = (title: string, text: string) => [make("h1", {}, title), make("p", { class: "lead" }, text)];

const actions = (...children: Node[]) => make("div", { class: "actions" }, ...children);

const link = (href: string, label: string, look: string) => make("a", { class: `button ${look}`, href }, label);

function row(term: string, ...content: (Node | string)[]): HTMLElement {
  return make("div", {}, make("dt", {}, term), make("dd", {}, ...content));
}

function reference(): HTMLElement {
  return make(
    "dl",
    { class: "receipt" },
    row(words.reference, make("code", {}, sessionId), copyButton(sessionId, words.copyOfReference)),
  );
}

openPage("token-purchase-success").append(outcome);
if (sessionId) follow();
else show("unknown");
