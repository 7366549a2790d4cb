// From a click to Stripe's page. One purchase at a time, whatever is clicked meanwhile.
import { ApiError, createCheckoutSession, type Package } from "./api";
import { currentUser } from "./session";
import { askToSignIn } from "./shell";

const LAST_PACKAGE = "last-package";

let isUnderWay = false;

// A page that the browser kept and shows again after "back" is not buying any more.
window.addEventListener("pageshow", () => (isUnderWay = false));

/**
 * Begins to buy; a person who is signed out is asked to sign in first.
 * Answers false when nothing was begun: another purchase is, or the person would not sign in. True leaves the page.
 */
export async function buy(pack: Pick<Package, "id" | "name">): Promise<boolean> {
  if (isUnderWay) return false;
  isUnderWay = true;
  try {
    const user = (await currentUser()) ?? (await askToSignIn());
    if (user) {
      const { url } = await createCheckoutSession(user, pack.id);
      remember(pack);
      location.assign(url);
      return true;
    }
  } catch (error) {
    isUnderWay = false;
    throw error;
  }
  isUnderWay = false;
  return false;
}

/** Whether an error is cured by signing in. */
export const needsSignIn = (error: unknown) => error instanceof ApiError && error.code === "not_signed_in";

function remember({ id, name }: Pick<Package, "id" | "name">): void {
  sessionStorage.setItem(LAST_PACKAGE, JSON.stringify({ id, name }));
}

/** The package that was last begun to be bought in this tab. */
export function lastPackage(): Pick<Package, "id" | "name"> | null {
  try {
    return JSON.parse(sessionStorage.getItem(LAST_PACKAGE) ?? "null");
  } catch {
    return null;
  }
}
