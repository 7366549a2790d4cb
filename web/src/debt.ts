// Explains a balance below zero; otherwise it is hidden.
import { watchPageAccount } from "./account";
import { make } from "./dom";
import { texts } from "./texts";

export function debtNote(watch = watchPageAccount): HTMLElement {
  const note = make("p", { class: "lead", hidden: true, "data-testid": "debt" });
  watch((state) => {
    const debt = state.status === "known" ? Math.max(0, -state.balance) : 0;
    note.hidden = debt === 0;
    note.textContent = debt === 0 ? "" : texts.balance.debt(debt);
  });
  return note;
}
