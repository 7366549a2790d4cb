// What can go wrong, and its code for the host page.
import { ApiError, Unreachable } from "../../src/api";

/** The page asks for an API that connect() doesn't name. */
export class UnknownApi extends Error {}

/** Nobody is signed in, and nobody has signed in when asked. */
export class SignedOut extends Error {}

export function codeOf(error: unknown): string {
  if (error instanceof ApiError) return error.code;
  if (error instanceof SignedOut) return "signed_out";
  if (error instanceof UnknownApi) return "unknown_api";
  return error instanceof Unreachable ? "unreachable" : "sign_in_failed";
}
