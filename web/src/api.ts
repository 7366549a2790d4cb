// The HTTP API as docs/openapi.yaml describes it: `npm run client` writes api-schema.ts from there.
import type { components, operations } from "./api-schema";

export type Package = components["schemas"]["Package"];
export type Transaction = components["schemas"]["Transaction"];
export type Balance = components["schemas"]["Balance"];
export type CheckoutSession = components["schemas"]["CheckoutSession"];
export type TransactionPage = components["schemas"]["Transactions"];

type Answer<Operation extends keyof operations> = operations[Operation]["responses"] extends {
  200: { content: { "application/json": infer Body } };
}
  ? Body
  : never;

/** Whoever can prove who they are: a Firebase user. */
export interface Caller {
  getIdToken(): Promise<string>;
}

/** The service refused. `code` is one of docs/openapi.yaml; `retryAt` is when trying again makes sense. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAt: Date | null;

  constructor(response: Response, { code, message }: components["schemas"]["Error"]["error"]) {
    super(message);
    this.status = response.status;
    this.code = code;
    this.retryAt = retryAt(response);
  }
}

/** There was no answer, or it wasn't one of the service's own. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 20_000;
// Functions ask Stripe up to three times, for 10 s each, and then say that Stripe is away. Hosting waits for 60 s.
const STRIPE_TIMEOUT_MS = 55_000;

/** Returns a token that says that our pages are asking, if there is one. */
export type AppCheck = () => Promise<string | null>;

let appCheckToken: AppCheck = async () => null;

/** From now on, requests of signed-in users carry App Check's tokens. */
export function sendAppCheck(token: AppCheck): void {
  appCheckToken = token;
}

// `origin` is where the API is, such as https://tokens.example.com; by default, it is where the page is.

export async function listPackages(origin = ""): Promise<Package[]> {
  return (await call<Answer<"listPackages">>(`${origin}/api/tokens/packages`)).packages;
}

export async function getBalance(caller: Caller, origin = ""): Promise<Balance> {
  return call<Answer<"getBalance">>(`${origin}/api/tokens/balance`, caller);
}

export async function postWelcome(caller: Caller): Promise<Answer<"claimWelcome">> {
  return call<Answer<"claimWelcome">>("/api/tokens/welcome", caller, {});
}

/** Starts a purchase, in the pack's default currency unless another is given; `url` is Stripe's payment page. */
export async function createCheckoutSession(
  caller: Caller,
  packageId: string,
  { currency, origin = "" }: { currency?: string | undefined; origin?: string } = {},
): Promise<CheckoutSession> {
  const order: components["schemas"]["Order"] = { package: packageId, ...(currency && { currency }) };
  return call<Answer<"createCheckoutSession">>(
    `${origin}/api/tokens/create-checkout-session`,
    caller,
    order,
    STRIPE_TIMEOUT_MS,
  );
}

export async function listTransactions(
  caller: Caller,
  { limit = 20, cursor }: { limit?: number; cursor?: string | null } = {},
): Promise<TransactionPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
  return call<Answer<"listTransactions">>(`/api/tokens/transactions?${query}`, caller);
}

/** Asks where Stripe shows the receipt or the invoice of one of the caller's purchases. The address expires. */
export async function getReceipt(caller: Caller, sessionId: string): Promise<Answer<"getReceipt">> {
  const query = new URLSearchParams({ session_id: sessionId });
  return call<Answer<"getReceipt">>(`/api/tokens/receipt?${query}`, caller, undefined, STRIPE_TIMEOUT_MS);
}

async function call<Body>(address: string, caller?: Caller, body?: object, timeout_ms = TIMEOUT_MS): Promise<Body> {
  const headers: Record<string, string> = {};
  if (caller) {
    const [idToken, appToken] = await Promise.all([caller.getIdToken(), appCheckToken()]);
    headers["Authorization"] = `Bearer ${idToken}`;
    if (appToken) headers["X-Firebase-AppCheck"] = appToken;
  }
  if (body) headers["Content-Type"] = "application/json";
  const request: RequestInit = { headers, signal: AbortSignal.timeout(timeout_ms) };
  if (body) Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  const response = await fetch(address, request).catch((cause: unknown) => {
    throw new Unreachable("No answer", { cause });
  });
  const answer = (await response.json().catch(() => null)) as Body | components["schemas"]["Error"] | null;
  if (answer === null) throw new Unreachable(`The answer (${response.status}) was not JSON`);
  if (response.ok) return answer as Body;
  throw new ApiError(response, (answer as components["schemas"]["Error"]).error);
}

function retryAt(response: Response): Date | null {
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  return Number.isFinite(seconds) ? new Date(Date.now() + seconds * 1000) : null;
}
