// What a balance below zero means; nothing is seen of it otherwise.
import { watch } from "./account";
import { make } from "./dom";
import { texts } from "./texts";

export function debtNote(): HTMLElement {
  const note = make("p", { class: "lead", hidden: true, "data-testid": "debt" });
  watch((state) => {
    const owed = state.is === "known" ? -state.balance : 0;
    note.hidden = owed <= 0;
    note.textContent = texts.balance.debt(owed);
  });
  return note;
}
