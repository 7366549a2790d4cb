// Explains a balance below zero, or one that is partly reserved; otherwise it is hidden.
import { watchPageAccount } from "./account";
import { texts } from "./texts";

export function showDebt(note: HTMLElement, watch: typeof watchPageAccount = watchPageAccount): void {
  watch((state) => {
    note.textContent = state.status === "known" ? explained(state.balance, state.reserved) : "";
    note.hidden = note.textContent === "";
  });
}

function explained(balance: number, reserved: number): string {
  if (balance < 0) return texts.balance.debt(-balance);
  return reserved > 0 ? texts.balance.reserved(reserved, Math.max(0, balance - reserved)) : "";
}
