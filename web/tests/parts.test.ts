// The small parts of a page.
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { AccountState } from "../src/account";
import { lastPackage } from "../src/checkout";
import { coinStack } from "../src/coins";
import { copyButton } from "../src/copy-button";
import { debtNote } from "../src/debt";
import { make } from "../src/dom";
import { Notice } from "../src/notice";
import type { User } from "../src/session";

const known = (balance: number): AccountState => ({
  status: "known",
  user: { uid: "ada" } as User,
  balance,
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

describe("the note about a debt", () => {
  let tell: (state: AccountState) => void;
  let note: HTMLElement;

  beforeEach(() => {
    note = debtNote((listener) => {
      tell = listener;
      return () => {};
    });
  });

  it("explains a balance below zero", () => {
    tell(known(-30));

    expect(note.hidden).toBe(false);
    expect(note.textContent).toBe("You owe 30 tokens. Your next purchase will cover them first.");
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
  it("shows one message at a time, with a way to try again", () => {
    const notice = new Notice();
    const retry = vi.fn();
    notice.say("First");
    notice.say("Second", retry);
    notice.element.querySelector("button")?.click();

    expect(notice.element.querySelector("p")?.textContent).toBe("Second");
    expect(notice.element.querySelectorAll("p")).toHaveLength(1);
    expect(retry).toHaveBeenCalledTimes(1);
    notice.clear();
    expect(notice.element.childElementCount).toBe(0);
  });
});

describe("the last package", () => {
  it("is what this tab remembers, if that can be read", () => {
    sessionStorage.clear();
    expect(lastPackage()).toBeNull();
    sessionStorage.setItem("last-package", '{"id":"popular","name":"Popular Pack"}');
    expect(lastPackage()).toEqual({ id: "popular", name: "Popular Pack" });
    sessionStorage.setItem("last-package", "{");
    expect(lastPackage()).toBeNull();
  });
});
