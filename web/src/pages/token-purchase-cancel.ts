// /token-purchase-cancel: nothing was charged; here is the way back.
import "../styles/outcome.css";
import { buy, lastPackage, remedyFor, type Wanted } from "../checkout";
import { byId, isBusy, setBusy } from "../dom";
import { Notice } from "../notice";
import { startShell } from "../shell";
import { texts } from "../texts";

const notice = new Notice(byId("notice"));
const retry = byId("retry");
const last = lastPackage();

startShell();
if (last) {
  retry.hidden = false;
  show(last, false);
  retry.addEventListener("click", () => void start(last));
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) show(last, false);
  });
}

function show(pack: Wanted, isOpening: boolean): void {
  setBusy(retry, isOpening);
  retry.textContent = isOpening ? texts.buy.opening : texts.cancel.retryWith(pack.name);
}

async function start(pack: Wanted): Promise<void> {
  if (isBusy(retry)) return;
  notice.clear();
  show(pack, true);
  try {
    if (await buy(pack, () => notice.say(texts.buy.stillOpening))) return; // the button stays busy until Stripe's page appears
  } catch (error) {
    notice.show(
      error,
      remedyFor(error, () => void start(pack)),
    );
  }
  show(pack, false);
}
