// Claims the tokens that a deployment may give to new users: docs/decisions/0025.
import { postWelcome } from "./api";
import type { User } from "./session";

/**
 * Asks for a user's welcome tokens, after each sign-in: the server gives them once, and only to a verified address. They
 * show up in the balance.
 */
export async function claimWelcome(user: User, post = postWelcome): Promise<void> {
  if (!user.emailVerified) return;
  await post(user).catch(() => null); // the next sign-in asks again
}
