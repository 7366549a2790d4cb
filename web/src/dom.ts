// Creates elements. Text is never parsed as markup; only icons are, and they are our own files.

type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;
type Child = Node | string | undefined | false;

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
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Creates an icon from the text of its SVG file. It is decoration: screen readers skip it. */
export function icon(svgText: string, className = "icon"): SVGElement {
  const svg = new DOMParser().parseFromString(svgText, "image/svg+xml").documentElement as unknown as SVGElement;
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  return document.importNode(svg, true);
}

export const wantsReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
