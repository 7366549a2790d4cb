// Where the pages lead that are not ours. Set them at build time: VITE_START_URL, VITE_SUPPORT_URL.
export const START_URL: string = import.meta.env["VITE_START_URL"] ?? "/";
export const SUPPORT_URL: string = import.meta.env["VITE_SUPPORT_URL"] ?? "mailto:support@example.com";
