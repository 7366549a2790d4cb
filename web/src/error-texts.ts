// What an error means to the buyer, in the language of the page.
import { errorTextIn } from "./error-words";
import { texts } from "./texts";

export { isOffline } from "./error-words";

export const errorText = (error: unknown, now = new Date()) => errorTextIn(texts.errors, error, now);
