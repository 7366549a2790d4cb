// /: the balance, and where to go from here.
import "../styles/outcome.css";
import { watchPageAccount } from "../account";
import { coinStack } from "../coins";
import { showDebt } from "../debt";
import { byId } from "../dom";
import { startShell } from "../shell";

startShell();
showDebt(byId("debt"));
watchPageAccount((state) => {
  byId("home-sign-in").hidden = state.status !== "signed-out";
  if (state.status !== "known") return;
  byId("stack").replaceChildren(coinStack(Math.max(1, state.balance), 0));
  byId("stack").classList.toggle("empty-stack", state.balance <= 0);
});
