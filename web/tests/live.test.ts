import { describe, expect, it, vi } from "vitest";
import { purchaseId, subscribe } from "../src/live";

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe("a subscription", () => {
  it("is stopped by its stop function once it has opened", async () => {
    const stop = vi.fn();
    const end = subscribe(vi.fn(), async () => stop);
    await settled();
    expect(stop).not.toHaveBeenCalled();

    end();

    expect(stop).toHaveBeenCalledTimes(1);
  });

  it("that is stopped while it opens is stopped as soon as it has opened", async () => {
    const stop = vi.fn();
    const end = subscribe(vi.fn(), async () => stop);
    end();
    await settled();

    expect(stop).toHaveBeenCalledTimes(1);
  });

  it("reports that it could not be opened, unless it was stopped before", async () => {
    const failed = vi.fn();
    const start = async () => Promise.reject(new Error("Firestore's SDK did not load"));
    subscribe(failed, start);
    subscribe(failed, start)();
    await settled();

    expect(failed).toHaveBeenCalledTimes(1);
  });
});

it("a purchase's entry is named for its session", () => {
  expect(purchaseId("cs_1")).toBe("purchase:cs_1");
});
