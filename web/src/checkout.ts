// From a click to Stripe's page: one purchase at a time, no matter what is clicked in the meantime.
import { ApiError, createCheckoutSession, type Package } from "./api";
import { currentUser } from "./session";
import { askToSignIn } from "./shell";

const LAST_PACKAGE = "last-package";

let isUnderWay = false;

// "Back" may show a page that the browser has kept: it isn't buying anymore.
window.addEventListener("pageshow", () => {
  isUnderWay = false;
});

/**
 * Starts a purchase; if nobody is signed in, asks to sign in first.
 * Returns false if nothing was started, because another purchase is under way or the buyer didn't sign in. After true, the
 * browser leaves the page.
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

/** Whether signing in would fix an error. */
export const needsSignIn = (error: unknown) => error instanceof ApiError && error.code === "not_signed_in";

function remember({ id, name }: Pick<Package, "id" | "name">): void {
  sessionStorage.setItem(LAST_PACKAGE, JSON.stringify({ id, name }));
}

/** The package whose purchase was last started in this tab. */
export function lastPackage(): Pick<Package, "id" | "name"> | null {
  try {
    return JSON.parse(sessionStorage.getItem(LAST_PACKAGE) ?? "null");
  } catch {
    return null;
  }
}
