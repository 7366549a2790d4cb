import { describe, expect, it } from "vitest";
import cases from "../../tests/owner_views.json" with { type: "json" };
import { tokensAt } from "../src/expiry";

const DAY_MS = 86_400_000;

describe("the tokens that time has left", () => {
  // The same cases as the server's: tests/unit/test_balance_and_history.py.
  it.each(cases)("are right with $name", ({ now, fields, balance, reserved }) => {
    expect(tokensAt(now * 1000, fields.tokenBalance, fields)).toMatchObject({ balance, reserved });
    expect(tokensAt(now * 1000 + 999, fields.tokenBalance, fields)).toMatchObject({ balance, reserved });
  });

  it("last until the next reservation or lot expires", () => {
    const pending = {
      reservations: [{ amount: 30, due: 0, expiresAt: 86_400 }],
      expiringTokens: [{ amount: 20, expiresAt: 172_800 }],
    };

    expect(tokensAt(0, 100, pending).until).toBe(DAY_MS);
    expect(tokensAt(DAY_MS, 100, pending).until).toBe(2 * DAY_MS);
    expect(tokensAt(2 * DAY_MS, 100, pending)).toEqual({ balance: 80, reserved: 0, until: Number.POSITIVE_INFINITY });
  });
});
