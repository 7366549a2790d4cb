// Makes elements. Nothing here takes markup, so no text can become any; icons alone are markup, from our own files.

type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>;
type Child = Node | string | undefined | false;

/** Returns an element: a function becomes a listener, true an empty attribute, false and undefined nothing. */
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

/** Returns an icon from the text of its SVG file; it is decoration, so a screen reader skips it. */
export function icon(svgText: string, className = "icon"): SVGElement {
  const svg = new DOMParser().parseFromString(svgText, "image/svg+xml").documentElement as unknown as SVGElement;
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  return document.importNode(svg, true);
}

export const wantsReducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
