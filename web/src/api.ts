// The HTTP API, as far as this page uses it.
import type { User } from "firebase/auth";

export interface Package {
  id: string;
  name: string;
  tokens: number;
  /** In dollars. */
  price: number;
  bonus: number;
  description: string;
  badge?: string;
  available: boolean;
}

export async function listPackages(): Promise<Package[]> {
  return (await call<{ packages: Package[] }>("/api/tokens/packages")).packages;
}

export async function getBalance(user: User): Promise<number> {
  return (await call<{ balance: number }>("/api/tokens/balance", { headers: await authorization(user) })).balance;
}

/** Begins a purchase and returns the address of Stripe's payment page. */
export async function createCheckoutSession(user: User, packageId: string): Promise<string> {
  const answer = await call<{ url: string }>("/api/tokens/create-checkout-session", {
    method: "POST",
    headers: { ...(await authorization(user)), "Content-Type": "application/json" },
    body: JSON.stringify({ package: packageId }),
  });
  return answer.url;
}

async function authorization(user: User): Promise<{ Authorization: string }> {
  return { Authorization: `Bearer ${await user.getIdToken()}` };
}

async function call<Body>(path: string, init?: RequestInit): Promise<Body> {
  const answer = await fetch(path, init);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error?.message ?? `The service answered ${answer.status}.`);
  return body as Body;
}
