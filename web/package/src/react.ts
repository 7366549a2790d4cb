// The balance for React, and the types of the elements in JSX. React 19 sets their attributes and listeners by itself.
import { type HTMLAttributes, type RefAttributes, useMemo, useSyncExternalStore } from "react";
import { type BalanceState, type BuyTokens, type TokenBalance, watchBalance } from "token-economy-elements";
import type { BalanceChange, Checkout, Failure, LowBalance } from "./types";

const CONNECTING: BalanceState = { status: "connecting" };

/** Returns the visitor's balance, and renders again whenever it changes. `api` chooses one of those that connect() names. */
export function useTokenBalance(api?: string): BalanceState {
  const store = useMemo(() => balanceStore(api), [api]);
  return useSyncExternalStore(store.subscribe, store.latest, () => CONNECTING);
}

function balanceStore(api: string | undefined) {
  let state = CONNECTING;
  return {
    latest: () => state,
    subscribe: (listener: () => void) =>
      watchBalance(api, (latest) => {
        state = latest;
        listener();
      }),
  };
}

type ElementProps<Element> = Omit<HTMLAttributes<Element>, "onError"> &
  RefAttributes<Element> & {
    api?: string;
    locale?: string;
    onerror?(event: CustomEvent<Failure>): void;
  };

export interface TokenBalanceProps extends ElementProps<TokenBalance> {
  threshold?: number;
  silent?: boolean;
  onbalancechange?(event: CustomEvent<BalanceChange>): void;
  onlowbalance?(event: CustomEvent<LowBalance>): void;
  onsignin?(event: CustomEvent<undefined>): void;
  onsignout?(event: CustomEvent<undefined>): void;
}

export interface BuyTokensProps extends ElementProps<BuyTokens> {
  packages?: string;
  currency?: string;
  oncheckout?(event: CustomEvent<Checkout>): void;
}

declare module "react" {
  // biome-ignore lint/style/noNamespace: React declares its elements in this namespace
  namespace JSX {
    interface IntrinsicElements {
      "token-balance": TokenBalanceProps;
      "buy-tokens": BuyTokensProps;
    }
  }
}
