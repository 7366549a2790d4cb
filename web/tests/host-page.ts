// A page of somebody else that has the elements of the npm package, for the tests.
import { vi } from "vitest";
import { type ConnectOptions, connect } from "../package/src";
import type { TokenUser } from "../package/src/types";

export const API = "https://tokens.example.com";

export const tokenOf = (person: string) => `head.${btoa(JSON.stringify({ sub: person }))}.signature`;
export const answer = (body: object, status = 200) => new Response(JSON.stringify(body), { status });

/** Each request of the elements, which the test answers. */
export interface Asked {
  url: string;
  token: string | null;
  body: string | undefined;
  appCheck: string | undefined;
  answer(response: Response): void;
  fail(): void;
}

export const asked: Asked[] = [];
export const events: [type: string, detail: unknown][] = [];

export const last = () => asked.at(-1) as Asked;
export const settle = () => new Promise((resolve) => setTimeout(resolve));

export async function answered(response: Response): Promise<void> {
  const request = await vi.waitUntil(() => asked.shift());
  request.answer(response);
  await settle();
}

export function add<Element extends HTMLElement>(tag: string, attributes: Record<string, string> = {}): Element {
  const element = document.createElement(tag) as Element;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  for (const type of ["balancechange", "lowbalance", "signin", "signout", "checkout", "error"]) {
    element.addEventListener(type, (event) => {
      const { error: _, ...detail } = (event as CustomEvent).detail ?? {};
      events.push([type, detail]);
    });
  }
  document.body.append(element);
  return element;
}

/** Firebase's Auth, as far as the elements know it. */
export class FakeAuth {
  currentUser: TokenUser | null = null;
  #listener: (user: TokenUser | null) => void = () => {};

  onAuthStateChanged(listener: (user: TokenUser | null) => void): void {
    this.#listener = listener;
  }

  becomes(person: string | null): void {
    this.currentUser = person === null ? null : { getIdToken: async () => tokenOf(person) };
    this.#listener(this.currentUser);
  }
}

export function connectAs(person: string | null, options: Partial<ConnectOptions> = {}): FakeAuth {
  const auth = new FakeAuth();
  connect({ api: API, auth, ...options });
  auth.becomes(person);
  return auth;
}

/** Before each test: the page is empty, and requests wait for the test's answers. */
export function openHostPage(): () => void {
  asked.length = 0;
  events.length = 0;
  const fetched = (url: string, { headers, body }: { headers: Record<string, string>; body?: string }) =>
    new Promise<Response>((resolve, reject) => {
      const token = headers["Authorization"]?.replace("Bearer ", "") ?? null;
      asked.push({
        url,
        token,
        body,
        appCheck: headers["X-Firebase-AppCheck"],
        answer: resolve,
        fail: () => reject(new TypeError("Failed to fetch")),
      });
    });
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("matchMedia", () => ({ matches: true }));
  return () => document.body.replaceChildren();
}
