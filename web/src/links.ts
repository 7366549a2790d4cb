// Links out of these pages. Set VITE_START_URL and VITE_SUPPORT_URL at build time.
export const START_URL: string = import.meta.env["VITE_START_URL"] ?? "/";
export const SUPPORT_URL: string = import.meta.env["VITE_SUPPORT_URL"] ?? "mailto:support@example.com";
