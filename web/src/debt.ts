// Explains a balance below zero; otherwise it is hidden.
import { watchPageAccount } from "./account";
import { texts } from "./texts";

export function showDebt(note: HTMLElement, watch: typeof watchPageAccount = watchPageAccount): void {
  watch((state) => {
    const debt = state.status === "known" ? Math.max(0, -state.balance) : 0;
    note.hidden = debt === 0;
    note.textContent = debt === 0 ? "" : texts.balance.debt(debt);
  });
}
