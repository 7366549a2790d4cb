import { expect, it, vi } from "vitest";
import type { User } from "../src/session";
import { claimWelcome } from "../src/welcome";

const ada = (emailVerified: boolean) => ({ uid: "ada", emailVerified }) as User;

it("asks for a verified user's welcome tokens", async () => {
  const post = vi.fn(async () => ({ success: true, outcome: "granted", transaction: null }) as const);

  await claimWelcome(ada(true), post);
  await claimWelcome(ada(false), post);

  expect(post.mock.calls).toEqual([[ada(true)]]);
});

it("leaves a sign-in alone when nobody answers", async () => {
  await expect(claimWelcome(ada(true), async () => Promise.reject(new Error("no answer")))).resolves.toBeUndefined();
});
