// Defines <token-balance> and <buy-tokens>. docs/embedding.md describes them.
import { BuyTokens } from "./buy-tokens";
import { define } from "./element";
import { TokenBalance } from "./token-balance";
import type { BalanceChange, Checkout, LowBalance } from "./types";

export { connect, refresh, watchBalance } from "./connect";
export type {
  AuthLike,
  BalanceChange,
  BalanceListener,
  BalanceState,
  Checkout,
  ConnectOptions,
  Failure,
  FirebaseOptions,
  LowBalance,
  TokenOptions,
  TokenUser,
} from "./types";
export { BuyTokens, TokenBalance };

define("token-balance", TokenBalance);
define("buy-tokens", BuyTokens);

declare global {
  interface HTMLElementTagNameMap {
    "token-balance": TokenBalance;
    "buy-tokens": BuyTokens;
  }
  interface HTMLElementEventMap {
    balancechange: CustomEvent<BalanceChange>;
    lowbalance: CustomEvent<LowBalance>;
    signin: CustomEvent<undefined>;
    signout: CustomEvent<undefined>;
    checkout: CustomEvent<Checkout>;
  }
}
