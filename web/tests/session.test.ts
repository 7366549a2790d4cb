import type { Auth } from "firebase/auth";
import { beforeEach, expect, it, vi } from "vitest";
import { type User, watchUser } from "../src/session";

const ADA = { uid: "ada" } as User;
const auth = {
  onAuthStateChanged: (listener: (user: User) => void) => {
    listener(ADA);
    return () => {};
  },
} as unknown as Auth;

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

/** Opens a session that fails as often as it says. */
function failing(times: number) {
  let attempts = 0;
  return vi.fn(async () => {
    if (attempts++ < times) throw new TypeError("Failed to fetch");
    return { auth };
  });
}

it("tells who is signed in", async () => {
  const users: unknown[] = [];
  watchUser((user) => users.push(user), failing(0));
  await vi.advanceTimersByTimeAsync(0);

  expect(users).toEqual([ADA]);
});

it("says that it doesn't know while the session can't be opened, and tries again", async () => {
  const users: unknown[] = [];
  const open = failing(2);
  watchUser((user) => users.push(user), open);
  await vi.advanceTimersByTimeAsync(4_999);
  expect(users).toEqual([undefined]);

  await vi.advanceTimersByTimeAsync(1);
  expect(users).toEqual([undefined, undefined]);
  await vi.advanceTimersByTimeAsync(5_000);

  expect(users).toEqual([undefined, undefined, ADA]);
  expect(open).toHaveBeenCalledTimes(3);
});

it("tries again at once when the browser is back online, and only once", async () => {
  const users: unknown[] = [];
  const open = failing(1);
  watchUser((user) => users.push(user), open);
  await vi.advanceTimersByTimeAsync(0);

  window.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(60_000);

  expect(users).toEqual([undefined, ADA]);
  expect(open).toHaveBeenCalledTimes(2);
});
