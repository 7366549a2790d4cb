// Says that our pages are asking, and no script. Loaded only where VITE_APPCHECK_SITE_KEY is set.
import type { FirebaseApp } from "firebase/app";
import { getToken, initializeAppCheck, ReCaptchaEnterpriseProvider } from "firebase/app-check";
import type { AppCheck } from "./api";

/** Starts App Check, before anything talks to Firebase. */
export function startAppCheck(app: FirebaseApp, siteKey: string): AppCheck {
  const provider = new ReCaptchaEnterpriseProvider(siteKey);
  const appCheck = initializeAppCheck(app, { provider, isTokenAutoRefreshEnabled: true });
  return async () => {
    try {
      return (await getToken(appCheck)).token;
    } catch {
      return null; // reCAPTCHA is blocked: the service says whether it insists
    }
  };
}
