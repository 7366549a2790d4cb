// /token-purchase-success?session_id=…: waits for the credit, live. Nothing is credited because of this page.
import clock from "bootstrap-icons/icons/clock-history.svg?raw";
import cross from "bootstrap-icons/icons/x-lg.svg?raw";
import eye from "bootstrap-icons/icons/person-check.svg?raw";
import hourglass from "bootstrap-icons/icons/hourglass-split.svg?raw";
import question from "bootstrap-icons/icons/question-lg.svg?raw";
import { type AccountState, watch } from "../account";
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
const NEWS_MS = 60_000;
const OPENED_AT = Date.now();

const words = texts.success;
const sessionId = new URLSearchParams(location.search).get("session_id") ?? "";
const outcome = make("section", { class: "outcome", "aria-live": "polite", "data-testid": "outcome" });
let stage: Stage | "credited" | undefined;
let isSlow = false;
let end = () => {};
const packs = listPackages().catch(() => []);

function follow(): void {
  let followed: string | undefined;
  window.setTimeout(() => {
    isSlow = true;
    if (stage === "confirming") show("slow");
  }, SLOW_AFTER_MS);
  watch((state) => {
    if (state.is === "signed-out") {
      followed = undefined;
      end();
      return show("signed-out");
    }
    if (state.user && state.user.uid !== followed) {
      followed = state.user.uid;
      end();
      end = awaitEntry(state.user);
      show(stageOf(state)); // another user's receipt goes too
    }
    if (stage !== "credited") show(stageOf(state));
  });
}

function stageOf(state: AccountState): Stage {
  const open = state.is === "known" ? state.openPurchases[sessionId] : undefined;
  if (open) return open === "waiting" ? "delayed" : open;
  return isSlow ? "slow" : "confirming";
}

/** Waits for the entry by Firestore; when that cannot be reached, by asking the API again and again. */
function awaitEntry(user: User): () => void {
  let timer = window.setTimeout(poll, LIVE_WITHIN_MS);
  function poll() {
    listTransactions(user, { limit: 20 })
      .then(({ transactions }) => transactions.find(({ id }) => id === purchaseId(sessionId)))
      .catch(() => undefined)
      .then((entry) => {
        if (!timer) return; // ended meanwhile
        if (entry) credited(entry);
        else timer = window.setTimeout(poll, POLL_MS);
      });
  }
  const endOfLive = watchPurchase(user.uid, sessionId, {
    next: credited,
    failed: () => {
      clearTimeout(timer);
      timer = window.setTimeout(poll);
    },
  });
  return () => {
    clearTimeout(timer);
    timer = 0;
    endOfLive();
  };
}

function credited(entry: Transaction): void {
  if (stage === "credited") return;
  stage = "credited";
  end();
  const owed = entry.amount - entry.balanceAfter;
  const thanks = make("p", { class: "lead" });
  const pack = make("span");
  const call = (name: string) => {
    thanks.textContent = words.credited(name);
    pack.textContent = name;
  };
  call(texts.history.somePack); // whatever happens to the names, the tokens are there
  void packName(entry.details.packageId).then(call);
  outcome.className = "outcome credited";
  outcome.replaceChildren(
    coinStack(entry.amount, entry.details.bonus ?? 0, { fit: true }),
    make("h1", {}, words.creditedTitle(entry.amount)),
    thanks,
    ...(owed > 0 ? [make("p", { class: "lead" }, words.paidDebt(owed))] : []),
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
    actions(link(START_URL, words.start, "primary"), history()),
  );
  nameTab();
  if (isNews(entry) && !wantsReducedMotion()) void celebrate();
}

/** Whether this page waited for the entry, or nearly: nobody celebrates an old receipt. */
const isNews = (entry: Transaction) => Date.parse(entry.timestamp) > OPENED_AT - NEWS_MS;

async function celebrate(): Promise<void> {
  const { default: library } = await import("canvas-confetti");
  const canvas = make("canvas", { class: "confetti", "aria-hidden": "true", "data-testid": "confetti" });
  document.body.append(canvas);
  const confetti = library.create(canvas, { resize: true }); // no worker, which would need blob: in the policy
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
  nameTab();
}

/** The tab says what the page says. */
function nameTab(): void {
  document.title = `${outcome.querySelector("h1")?.textContent} · ${texts.brand}`;
}

const history = (look = "plain") => link("/transactions", words.history, look);
const support = () => link(SUPPORT_URL, words.support, "plain");

const scenes: Record<Stage, () => Node[]> = {
  confirming: () => [make("div", { class: "minting" }, coinStack(110, 0, { fit: true })), ...told(words.waitingTitle, words.waiting)],
  slow: () => [sign(clock), ...told(words.slowTitle, words.slow), reference(), actions(history(), support())],
  delayed: () => [
    sign(hourglass),
    ...told(words.delayedTitle, words.delayed),
    reference(),
    actions(link(START_URL, words.start, "primary"), history()),
  ],
  failed: () => [
    sign(cross),
    ...told(words.failedTitle, words.failed),
    reference(),
    actions(link("/buy-tokens", words.tryAgain, "primary"), support()),
  ],
  held: () => [sign(eye), ...told(words.heldTitle, words.held), reference(), actions(history(), support())],
  rejected: () => [sign(cross), ...told(words.rejectedTitle, words.rejected), reference(), actions(support())],
  unknown: () => [sign(question), ...told(words.unknownTitle, words.unknown), actions(history("primary"))],
  "signed-out": () => [
    sign(question),
    ...told(words.signedOutTitle, words.signedOut),
    actions(
      make("button", { class: "button primary", type: "button", click: offerSignIn }, texts.account.signIn),
    ),
  ],
};

const sign = (svgText: string) => make("div", { class: "sign" }, icon(svgText));

const told = (title: string, text: string) => [make("h1", {}, title), make("p", { class: "lead" }, text)];

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
