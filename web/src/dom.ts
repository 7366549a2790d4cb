// Creates and finds elements. Text is never parsed as markup; only icons are, and they are our own files.

type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;
type Child = Node | string | undefined | null | false;

const isShown = (child: Child): child is Node | string => child !== undefined && child !== null && child !== false;

/** Creates an element. A function becomes a listener, true an empty attribute, false and undefined are left out. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter(isShown));
  return element;
}

/** Creates an icon from the text of its SVG file. It is decoration: screen readers skip it. */
export function icon(svgText: string, className = "icon"): SVGElement {
  const svg = new DOMParser().parseFromString(svgText, "image/svg+xml").documentElement as unknown as SVGElement;
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  return document.importNode(svg, true);
}

/** Finds an element that the build wrote into the page: see views/. */
export function byId<Found extends HTMLElement = HTMLElement>(id: string): Found {
  const element = document.querySelector<Found>(`#${CSS.escape(id)}`);
  if (!element) throw new Error(`The page has no #${id}`);
  return element;
}

/**
 * Runs an action when a button is clicked. Until the action is done, the button shows that it is busy and ignores clicks; it
 * keeps the focus, which a disabled button would lose.
 */
export function onClick(button: HTMLElement, action: () => Promise<unknown>): void {
  button.addEventListener("click", () => {
    if (isBusy(button)) return;
    setBusy(button, true);
    void action().finally(() => setBusy(button, false));
  });
}

export const isBusy = (button: HTMLElement) => button.ariaDisabled === "true";

export function setBusy(button: HTMLElement, busy: boolean): void {
  button.classList.toggle("busy", busy);
  button.ariaDisabled = busy ? "true" : null;
}

export const wantsReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
