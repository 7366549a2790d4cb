// <token-balance> as the pages have it: with the sign-in of this site, and live where a page follows the account.
import { TokenBalance } from "../package/src/token-balance";
import type { BalanceState } from "../package/src/types";
import { type AccountState, userOf, watchPageAccount } from "./account";

class PageBalance extends TokenBalance {
  protected override watch(listener: (state: BalanceState) => void): () => void {
    return watchPageAccount((state) => listener(balanceOf(state)));
  }
}

function balanceOf(state: AccountState): BalanceState {
  if (state.status === "known") return { status: "known", balance: state.balance };
  if (state.status === "signed-out") return { status: "signed-out" };
  if (!userOf(state)) return { status: "connecting" };
  return state.status === "loading" ? { status: "loading" } : { status: "unknown", error: null };
}

if (!customElements.get("token-balance")) customElements.define("token-balance", PageBalance);
