// What both elements have in common.
import { type Formats, formatsFor } from "../../src/formats";
import { elementTextsIn as german } from "../../src/texts/elements-de";
import { type ElementTexts, elementTextsIn as english } from "../../src/texts/elements-en";
import { codeOf } from "./errors";
import type { Failure } from "./types";

/** On a server there are no elements; importing the package there must still work. */
const Base: typeof HTMLElement = globalThis.HTMLElement ?? class {};

const LANGUAGES = new Map([
  ["en", english],
  ["de", german],
]);

/** @internal */
export interface Words extends ElementTexts {
  language: string;
  formats: Formats;
}

export abstract class TokenElement extends Base {
  /** @internal */
  protected readonly shadow: ShadowRoot;

  constructor(css: string) {
    super();
    this.shadow = this.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet(); // a page's Content-Security-Policy may forbid <style>
    style.replaceSync(css);
    this.shadow.adoptedStyleSheets = [style];
  }

  /**
   * The words and formats of the language in which the element is: of its `locale`, or its surroundings' `lang`.
   * @internal
   */
  protected words(): Words {
    const wanted = this.getAttribute("locale") ?? this.closest("[lang]")?.getAttribute("lang") ?? "";
    const preferred = [wanted, ...navigator.languages];
    const locale = preferred.find((one) => LANGUAGES.has(languageOf(one))) ?? "en";
    const language = languageOf(locale);
    // The reader's own region: Austria for a reader with de-AT on a page in German.
    const regional = locale.includes("-")
      ? locale
      : (navigator.languages.find((one) => languageOf(one) === language && one.includes("-")) ?? locale);
    const formats = formatsFor(regional);
    return { formats, language, ...(LANGUAGES.get(language) ?? english)(formats) };
  }

  /** @internal */
  protected emit<Detail>(type: string, detail?: Detail, options?: CustomEventInit<Detail>): boolean {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true, ...options }));
  }

  /**
   * An `error` that bubbled would look like a script's error to whoever listens on the window.
   * @internal
   */
  protected emitError(error: unknown): void {
    this.emit<Failure>("error", { code: codeOf(error), error }, { bubbles: false });
  }
}

const languageOf = (locale: string) => locale.split("-")[0]?.toLowerCase() ?? "";

/** Defines an element, unless the page has one of this name. */
export function define(tag: string, element: CustomElementConstructor): void {
  if (globalThis.customElements && !customElements.get(tag)) customElements.define(tag, element);
}
