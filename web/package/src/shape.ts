// Draws an icon from the text of its SVG file without parsing markup, which a page's Trusted Types may forbid.
const NAMESPACE = "http://www.w3.org/2000/svg";

/** It is decoration: screen readers skip it. */
export function shape(svgText: string, attributes: Record<string, string>): SVGElement {
  const svg = document.createElementNS(NAMESPACE, "svg");
  const all = { viewBox: "0 0 16 16", fill: "currentColor", "aria-hidden": "true", ...attributes };
  for (const [name, value] of Object.entries(all)) svg.setAttribute(name, value);
  for (const [, path] of svgText.matchAll(/ d="([^"]+)"/gu)) {
    const element = document.createElementNS(NAMESPACE, "path");
    element.setAttribute("d", path as string);
    svg.append(element);
  }
  return svg;
}
