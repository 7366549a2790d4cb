import type { FirebaseApp } from "firebase/app";
import { getToken, initializeAppCheck, ReCaptchaEnterpriseProvider } from "firebase/app-check";
import { expect, it, vi } from "vitest";
import { startAppCheck } from "../src/app-check";

vi.mock("firebase/app-check", () => ({
  ReCaptchaEnterpriseProvider: vi.fn(),
  initializeAppCheck: vi.fn(() => "app-check"),
  getToken: vi.fn(),
}));

const APP = {} as FirebaseApp;

it("asks reCAPTCHA Enterprise with the site's key", async () => {
  vi.mocked(getToken).mockResolvedValue({ token: "our-pages" });

  expect(await startAppCheck(APP, "site-key")()).toBe("our-pages");
  expect(ReCaptchaEnterpriseProvider).toHaveBeenCalledWith("site-key");
  expect(initializeAppCheck).toHaveBeenCalledWith(APP, expect.objectContaining({ isTokenAutoRefreshEnabled: true }));
});

it("has no token where reCAPTCHA is blocked", async () => {
  vi.mocked(getToken).mockRejectedValue(new Error("appCheck/recaptcha-error"));

  expect(await startAppCheck(APP, "site-key")()).toBeNull();
});
