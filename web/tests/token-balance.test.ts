// <token-balance> on a page that signs its visitors in by itself.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { connect, refresh, type TokenBalance } from "../package/src";
import { API, add, answer, answered, asked, connectAs, events, last, openHostPage, settle, tokenOf } from "./host-page";

const OTHER_API = "https://other.example.com";
const balance = (count: unknown) => answer({ success: true, balance: count });

const shown = (element: HTMLElement) => element.shadowRoot?.querySelector(".number")?.textContent;
const announced = (element: HTMLElement) => element.shadowRoot?.querySelector("[role=status]")?.textContent;

beforeEach(openHostPage);

describe("a balance", () => {
  it("is asked for at the API with the visitor's token, and tells when it is known", async () => {
    const element = add<TokenBalance>("token-balance");
    connectAs("ada");
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(last()).toMatchObject({ url: `${API}/api/tokens/balance`, token: tokenOf("ada") });
    expect(element.getAttribute("state")).toBe("loading");
    expect(shown(element)).toBe("–");

    await answered(balance(1234));

    expect(element.balance).toBe(1234);
    expect(shown(element)).toBe("1,234");
    expect(announced(element)).toBe("Your balance: 1,234 tokens");
    expect(events).toEqual([
      ["signin", {}],
      ["balancechange", { balance: 1234, previous: undefined }],
    ]);
  });

  it("of one token is in the singular", async () => {
    connectAs("ada");
    const element = add<TokenBalance>("token-balance");
    await answered(balance(1));

    expect(element.shadowRoot?.querySelector(".unit")?.textContent).toBe("token");
    expect(announced(element)).toBe("Your balance: 1 token");
  });

  it.each([
    ["text", "110"],
    ["nothing", undefined],
    ["half a token", 1.5],
    ["null", null],
  ])("is unknown if the answer has %s for a number", async (_what, count) => {
    connectAs("ada");
    const element = add<TokenBalance>("token-balance");
    await answered(balance(count));

    expect(element.getAttribute("state")).toBe("unknown");
    expect(element.balance).toBeUndefined();
    expect(shown(element)).toBe("–");
    expect(events).toContainEqual(["error", { code: "unreachable" }]);
  });

  it("is unknown again once the API can't be reached, and tells that once", async () => {
    connectAs("ada");
    const element = add<TokenBalance>("token-balance");
    await answered(balance(50));
    const refused = async () => {
      refresh();
      (await vi.waitUntil(() => asked.shift())).fail();
      await settle();
    };
    await refused();
    await refused();

    expect(shown(element)).toBe("–");
    expect(announced(element)).toBe("Balance unavailable");
    expect(events.filter(([type]) => type === "error")).toEqual([["error", { code: "unreachable" }]]);
  });

  it("of one person is never shown to the next, not even by a late answer", async () => {
    const auth = connectAs("ada");
    const element = add<TokenBalance>("token-balance");
    await answered(balance(50));
    refresh();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    auth.becomes("bob");
    expect(shown(element)).toBe("–");
    await vi.waitFor(() => expect(asked).toHaveLength(2));

    await answered(balance(60)); // ada's
    expect(shown(element)).toBe("–");
    await answered(balance(7));

    expect(shown(element)).toBe("7");
  });

  it("of one person is not shown to the next when the page hands over tokens", async () => {
    let person: string | null = "ada";
    connect({ api: API, getIdToken: async () => person && tokenOf(person) });
    const element = add<TokenBalance>("token-balance");
    await answered(balance(50));

    person = "bob";
    refresh();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(shown(element)).toBe("–");
    person = null;
    refresh();
    await settle();

    expect(element.getAttribute("state")).toBe("signed-out");
    expect(events.at(-1)).toEqual(["signout", {}]);
  });

  it("is low below the threshold, once per fall", async () => {
    connectAs("ada");
    const element = add<TokenBalance>("token-balance", { threshold: "20" });
    await answered(balance(20));
    expect(element.getAttribute("state")).toBe("known");
    for (const count of [19, 18, 25, 3]) {
      refresh();
      // biome-ignore lint/performance/noAwaitInLoops: one after the other is the point
      await answered(balance(count));
    }

    expect(element.getAttribute("state")).toBe("low");
    expect(announced(element)).toBe("Your balance is low: 3 tokens");
    expect(events.filter(([type]) => type === "lowbalance")).toEqual([
      ["lowbalance", { balance: 19, threshold: 20 }],
      ["lowbalance", { balance: 3, threshold: 20 }],
    ]);
    element.setAttribute("threshold", "2");
    expect(element.getAttribute("state")).toBe("known");
  });

  it("is not announced if the element is silent", async () => {
    connectAs("ada");
    const element = add<TokenBalance>("token-balance", { silent: "" });
    await answered(balance(20));

    expect(element.shadowRoot?.querySelector("[role=status]")).toBeNull();
    expect(element.shadowRoot?.querySelector(".announcement")?.ariaLive).toBe("off");
  });

  it("is asked for once for all elements, and not at all without one", async () => {
    connectAs("ada");
    const [one, other] = [add("token-balance"), add("token-balance")];
    await answered(balance(5));
    expect(asked).toHaveLength(0);
    expect([shown(one), shown(other)]).toEqual(["5", "5"]);

    one.remove();
    other.remove();
    refresh();
    window.dispatchEvent(new Event("focus")); // as when the visitor returns to the page
    await settle();
    expect(asked).toHaveLength(0);
  });
});

describe("an API", () => {
  it("gets the visitor's token only if connect() names it", async () => {
    connectAs("ada");
    const element = add("token-balance", { api: "https://evil.example.com" });
    const packs = add("buy-tokens", { api: "https://evil.example.com" });
    await settle();

    expect(asked).toHaveLength(0);
    expect(element.getAttribute("state")).toBe("unknown");
    expect(packs.shadowRoot?.querySelector("[role=alert]")?.textContent).not.toBe("");
    expect(events).toEqual([
      ["error", { code: "unknown_api" }],
      ["error", { code: "unknown_api" }],
    ]);
  });

  it("gets the page's App Check token, until another connect() has none", async () => {
    connectAs("ada", { getAppCheckToken: async () => "from-the-page" });
    add("token-balance");
    await vi.waitFor(() => expect(last()).toMatchObject({ token: tokenOf("ada"), appCheck: "from-the-page" }));

    connectAs("bob");
    await vi.waitFor(() => expect(last()).toMatchObject({ token: tokenOf("bob"), appCheck: undefined }));
  });

  it("is the first that connect() names, unless the element chooses another", async () => {
    connectAs("ada", { api: [`${API}/`, OTHER_API] });
    const element = add("token-balance");
    await vi.waitFor(() => expect(asked.map(({ url }) => url)).toEqual([`${API}/api/tokens/balance`]));

    element.setAttribute("api", OTHER_API);

    await vi.waitFor(() => expect(last().url).toBe(`${OTHER_API}/api/tokens/balance`));
  });

  it("is replaced by another connect()", async () => {
    connectAs("ada");
    const element = add("token-balance");
    await answered(balance(5));

    connectAs("bob", { api: OTHER_API });
    expect(shown(element)).toBe("–");
    await vi.waitFor(() =>
      expect(last()).toMatchObject({ url: `${OTHER_API}/api/tokens/balance`, token: tokenOf("bob") }),
    );
  });
});
