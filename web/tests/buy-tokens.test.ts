// <buy-tokens> on a page that signs its visitors in by itself.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { API, add, answer, answered, asked, connectAs, events, last, openHostPage, settle, tokenOf } from "./host-page";

beforeEach(openHostPage);

describe("the packs", () => {
  const OFFERS = [
    {
      id: "starter",
      name: "Starter Pack",
      tokens: 50,
      bonus: 0,
      price: 4.99,
      amount: 499,
      currency: "usd",
      description: "To try it",
      available: true,
    },
    {
      id: "popular",
      name: "Popular Pack",
      tokens: 110,
      bonus: 10,
      price: 9.99,
      amount: 999,
      currency: "usd",
      description: "More",
      available: true,
    },
    {
      id: "gone",
      name: "Gone Pack",
      tokens: 1,
      bonus: 0,
      price: 1,
      amount: 100,
      currency: "usd",
      description: "Away",
      available: false,
    },
  ];
  const offers = () => answer({ success: true, packages: OFFERS });
  const texts = (element: HTMLElement, part: string) =>
    [...(element.shadowRoot?.querySelectorAll(`[part=${part}]`) ?? [])].map(({ textContent }) => textContent);
  const button = (element: HTMLElement, id: string) =>
    element.shadowRoot?.querySelector(`[data-package=${id}] button`) as HTMLButtonElement;

  it("are those on sale, or those that the page names, in its order", async () => {
    connectAs(null);
    const element = add("buy-tokens");
    await answered(offers());
    expect(texts(element, "price")).toEqual(["$4.99", "$9.99", "$1.00"]);
    expect(texts(element, "bonus")).toEqual(["+10 bonus tokens!"]);
    expect(texts(element, "unavailable")).toEqual(["Currently unavailable"]);

    element.setAttribute("packages", "popular, nonsense starter");

    expect(texts(element, "name")).toEqual(["Popular Pack", "Starter Pack"]);
  });

  it("have no price until the API tells it, and can be asked for again", async () => {
    connectAs(null);
    const element = add("buy-tokens");
    await answered(answer({ success: false, error: { code: "not_published", message: "no" } }, 503));
    expect(texts(element, "price")).toEqual([]);
    expect(events).toEqual([["error", { code: "not_published" }]]);

    element.shadowRoot?.querySelector<HTMLElement>("[role=alert] button")?.click();
    await answered(offers());

    expect(texts(element, "price")).toHaveLength(3);
    expect(element.shadowRoot?.querySelector("[role=alert]")?.textContent).toBe("");
  });

  it("are in the page's language, with the catalog's words as the page translates them", async () => {
    connectAs(null, { translate: (text, language) => `${language}:${text}` });
    const element = add("buy-tokens", { locale: "de", packages: "popular" });
    await answered(offers());

    expect(texts(element, "name")).toEqual(["de:Popular Pack"]);
    expect(texts(element, "tokens")).toEqual(["110 Token"]);
    expect(texts(element, "price")).toEqual(["9,99\u00a0$"]);
  });

  it("are shown and bought in the visitor's currency, or in the one that the page names", async () => {
    const prices = [
      { amount: 999, currency: "usd" },
      { amount: 949, currency: "eur" },
      { amount: 1500, currency: "jpy" },
    ];
    const languages = vi.spyOn(navigator, "languages", "get").mockReturnValue(["ja-JP", "en"]);
    connectAs("ada");
    const element = add("buy-tokens", { packages: "popular starter" });
    element.addEventListener("checkout", (event) => event.preventDefault());
    await answered(
      answer({
        success: true,
        packages: OFFERS.map((pack) => ({ ...pack, ...(pack.id === "popular" && { prices }) })),
      }),
    );
    expect(texts(element, "price")).toEqual(["¥1,500", "$4.99"]); // the other one has no price in yen

    element.setAttribute("currency", "EUR");
    expect(texts(element, "price")).toEqual(["€9.49", "$4.99"]);

    button(element, "popular").click();
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(JSON.parse(last().body ?? "")).toEqual({ package: "popular", currency: "eur" });
    languages.mockRestore();
  });

  it("are bought once the visitor has signed in", async () => {
    const auth = connectAs(null, { signIn: async () => auth.becomes("ada") });
    const element = add("buy-tokens");
    element.addEventListener("checkout", (event) => event.preventDefault());
    await answered(offers());
    button(element, "popular").click();
    button(element, "starter").click(); // ignored
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    expect(last()).toMatchObject({ url: `${API}/api/tokens/create-checkout-session`, token: tokenOf("ada") });
    expect(button(element, "starter").ariaDisabled).toBe("true");
    expect(button(element, "starter").ariaLabel).toBe("Buy Now: Starter Pack");
    expect(button(element, "popular").ariaLabel).toBe("Opening Stripe…");

    await answered(answer({ success: true, session_id: "cs_1", url: "https://stripe.example.com" }));

    const detail = { package: "popular", sessionId: "cs_1", url: "https://stripe.example.com" };
    expect(events).toEqual([["checkout", detail]]);
    expect(asked).toHaveLength(0);
    expect(button(element, "starter").ariaDisabled).toBeNull();
  });

  it("are not bought while nobody is signed in", async () => {
    connectAs(null, { signIn: async () => {} });
    const element = add("buy-tokens");
    await answered(offers());
    button(element, "popular").click();
    await settle();

    expect(asked).toHaveLength(0);
    expect(element.shadowRoot?.querySelector("[role=alert]")?.textContent).toBe("Sign in to buy tokens.");
    expect(events).toEqual([["error", { code: "signed_out" }]]);
    expect(button(element, "popular").ariaDisabled).toBeNull();
  });
});
