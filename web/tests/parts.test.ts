// The small parts of a page.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AccountState } from "../src/account";
import { Unreachable } from "../src/api";
import { coinStack } from "../src/coins";
import { copyButton } from "../src/copy-button";
import { showDebt } from "../src/debt";
import { make, onClick } from "../src/dom";
import { Notice } from "../src/notice";
import type { User } from "../src/session";

const known = (balance: number, reserved = 0): AccountState => ({
  status: "known",
  user: { uid: "ada" } as User,
  balance,
  reserved,
  openPurchases: {},
});

describe("an element", () => {
  it("shows text as text, never as markup", () => {
    expect(make("p", {}, "<img src=x onerror=alert(1)>").innerHTML).toBe("&lt;img src=x onerror=alert(1)&gt;");
  });

  it("has its attributes, listeners and children, and nothing for false and undefined", () => {
    const click = vi.fn();
    const button = make("button", { class: "a", hidden: true, title: undefined, click }, "Go", false, undefined);
    button.click();

    expect(button.outerHTML).toBe('<button class="a" hidden="">Go</button>');
    expect(click).toHaveBeenCalledTimes(1);
  });
});

describe("the note below the balance", () => {
  let tell: (state: AccountState) => void;
  let note: HTMLElement;

  beforeEach(() => {
    note = make("p", { hidden: true });
    showDebt(note, (listener) => {
      tell = listener;
      return () => {};
    });
  });

  it("explains a balance below zero", () => {
    tell(known(-30));

    expect(note.hidden).toBe(false);
    expect(note.textContent).toBe("You owe 30 tokens. Your next purchase will cover them first.");
  });

  it("explains a balance that is partly reserved", () => {
    tell(known(100, 30));
    expect(note.hidden).toBe(false);
    expect(note.textContent).toBe("30 tokens are set aside for work in progress. You can use 70 now.");

    tell(known(10, 30)); // a refund has taken the tokens of a running job
    expect(note.textContent).toBe("30 tokens are set aside for work in progress. You can use 0 now.");
    tell(known(-1, 30));
    expect(note.textContent).toBe("You owe 1 token. Your next purchase will cover them first.");
  });

  it("is hidden otherwise", () => {
    for (const state of [known(-1), known(0), known(5), { status: "signed-out" } as const]) tell(state);

    expect(note.hidden).toBe(true);
    expect(note.textContent).toBe("");
  });
});

describe("a stack of coins", () => {
  const count = (svg: Element, selector: string) => svg.querySelectorAll(selector).length;

  it("grows with the tokens, from one coin to six", () => {
    const heights = [1, 50, 110, 250, 700, 1_000_000].map((tokens) => count(coinStack(tokens, 0), ".coin"));

    expect(heights).toEqual([1, 1, 3, 4, 6, 6]);
  });

  it("shows at least one coin of the bonus", () => {
    expect(count(coinStack(110, 10), ".gift")).toBe(1);
    expect(count(coinStack(700, 200), ".gift")).toBe(2);
    expect(count(coinStack(700, 0), ".gift")).toBe(0);
  });
});

describe("a copy button", () => {
  it("copies its text, and says so for two seconds", async () => {
    vi.useFakeTimers();
    const writeText = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    const copy = copyButton("purchase:cs_1", "Copy transaction ID");

    copy.querySelector("button")?.click();
    await vi.advanceTimersByTimeAsync(0);

    expect(writeText).toHaveBeenCalledWith("purchase:cs_1");
    expect(copy.querySelector("[role=status]")?.textContent).toBe("Copied");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(copy.querySelector("[role=status]")?.textContent).toBe("");
    vi.useRealTimers();
  });
});

describe("a notice", () => {
  const notice = () => new Notice(make("div"));
  const text = ({ element }: Notice) => element.querySelector("p")?.textContent;

  it("shows one message at a time, with a way out that takes the focus along", () => {
    const content = make("main", { id: "content", tabindex: -1 });
    document.body.replaceChildren(content);
    const run = vi.fn();
    const shown = notice();
    shown.say("First");
    shown.say("Second", { label: "Try again", run });
    expect(shown.element.querySelectorAll("p")).toHaveLength(1);
    expect(text(shown)).toBe("Second");

    shown.element.querySelector("button")?.click();

    expect(run).toHaveBeenCalledTimes(1);
    expect(shown.element.childElementCount).toBe(0);
    expect(document.activeElement).toBe(content);
  });

  it("about the connection goes when the browser is back online, unless another has taken its place", () => {
    vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
    const [offline, replaced] = [notice(), notice()];
    offline.show(new Unreachable("No answer"));
    replaced.show(new Unreachable("No answer"));
    replaced.say("Something else");

    window.dispatchEvent(new Event("online"));

    expect(text(offline)).toBeUndefined();
    expect(text(replaced)).toBe("Something else");
  });
});

describe("a busy button", () => {
  it("runs its action once at a time, and stays focusable", async () => {
    const button = make("button", { type: "button" }, "Load more");
    document.body.replaceChildren(button);
    let finish = () => {};
    const action = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    onClick(button, action);
    button.focus();

    button.click();
    button.click();

    expect(action).toHaveBeenCalledTimes(1);
    expect(button.ariaDisabled).toBe("true");
    expect(document.activeElement).toBe(button);
    finish();
    await vi.waitFor(() => expect(button.ariaDisabled).not.toBe("true"));
    button.click();
    expect(action).toHaveBeenCalledTimes(2);
  });
});
