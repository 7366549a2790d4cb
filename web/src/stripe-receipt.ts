// The way to Stripe's own receipt of a purchase, or to its invoice.
import { ApiError, type Caller, getReceipt, type Transaction } from "./api";
import { make, onClick } from "./dom";
import { errorText } from "./error-texts";
import { Notice, tryAgain } from "./notice";
import { texts } from "./texts";
import { noticePlace } from "./views/parts";

const words = texts.success;
const STRIPES_ERRORS = ["stripe_unavailable", "stripe_refused", "too_many_receipts"];

/** Creates the button, and the place that says why it failed; null for a purchase that Stripe has no document of. */
export function stripeReceipt(
  { details }: Transaction,
  buyer: Caller,
): { button: HTMLElement; place: HTMLElement } | null {
  const { stripeSessionId: sessionId, stripePaymentIntentId: payment, stripeInvoiceId: invoice } = details;
  if (!(sessionId && (payment || invoice))) return null; // nothing was paid
  const label = invoice ? words.stripeInvoice : words.stripeReceipt;
  const button = make("button", { class: "button plain", type: "button", "data-testid": "stripe-receipt" }, label);
  const notice = new Notice(noticePlace());
  const retry = () => {
    button.focus();
    button.click();
  };
  onClick(button, () => {
    notice.clear();
    return open(buyer, sessionId).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) notice.say(words.noStripeReceipt);
      else notice.say(textOf(error), tryAgain(retry));
    });
  });
  return { button, place: notice.element };
}

// In this tab: browsers block a tab that a page opens once an answer has arrived.
async function open(buyer: Caller, sessionId: string): Promise<void> {
  const { url } = await getReceipt(buyer, sessionId);
  if (!/^https?:\/\//u.test(url)) throw new Error("Not the address of a page");
  location.assign(url);
}

const textOf = (error: unknown) =>
  error instanceof ApiError && STRIPES_ERRORS.includes(error.code) ? words.stripeReceiptFailed : errorText(error);
