// A coin, drawn without parsing markup, which a page's Trusted Types may forbid.
const NAMESPACE = "http://www.w3.org/2000/svg";
const RIM = "M8 .5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 1 1 0-15";
const FACE = "M8 2.75a5.25 5.25 0 1 1 0 10.5a5.25 5.25 0 1 1 0-10.5";
const MARK = "M8 5.5v5";

/** It is decoration: screen readers skip it. */
export function coin(): SVGElement {
  const svg = element("svg", {
    viewBox: "0 0 16 16",
    class: "coin",
    part: "coin",
    "aria-hidden": "true",
    fill: "none",
    stroke: "currentColor",
    "stroke-linecap": "round",
  });
  svg.append(
    element("path", { d: RIM }),
    element("path", { d: FACE, "stroke-width": ".6" }),
    element("path", { d: MARK, "stroke-width": "1.5" }),
  );
  return svg;
}

function element(tag: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(NAMESPACE, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
