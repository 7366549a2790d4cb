// A stack of coins that grows with a pack; its bonus coins are of another metal.
const NAMESPACE = "http://www.w3.org/2000/svg";
const RADIUS_X = 34;
const RADIUS_Y = 11;
const THICKNESS = 9;
const MOST = 6;

/**
 * Draws the stack for so many tokens, `bonus` of them a present. Decoration: the numbers stand beside it.
 * All drawings are as high as the highest stack, so that those of a row stand on one line, unless `fit` is true.
 */
export function coinStack(tokens: number, bonus: number, { fit = false } = {}): SVGElement {
  const coins = Math.min(MOST, Math.max(1, Math.round(Math.log2(tokens / 25) * 1.2)));
  const gifts = bonus ? Math.max(1, Math.round((coins * bonus) / tokens)) : 0;
  const height = 2 * RADIUS_Y + (fit ? coins : MOST) * THICKNESS + 2;
  const svg = node("svg", { viewBox: `0 0 ${2 * RADIUS_X + 4} ${height}`, class: "coins", "aria-hidden": "true" });
  for (let number = 0; number < coins; number++) {
    const x = RADIUS_X + 2 + [0, 1.6, -1.2, 0.8, -1.8, 1.2, -0.6][number % 7]!;
    const y = height - RADIUS_Y - 1 - (number + 1) * THICKNESS;
    const group = node("g", { class: number >= coins - gifts ? "coin gift" : "coin" });
    const left = x - RADIUS_X;
    const side = `M${left} ${y}v${THICKNESS - 1}a${RADIUS_X} ${RADIUS_Y} 0 0 0 ${2 * RADIUS_X} 0v-${THICKNESS - 1}z`;
    group.append(
      node("path", { d: side, class: "side" }),
      node("ellipse", { cx: x, cy: y, rx: RADIUS_X, ry: RADIUS_Y, class: "face" }),
      node("ellipse", { cx: x, cy: y, rx: RADIUS_X * 0.74, ry: RADIUS_Y * 0.7, class: "rim" }),
    );
    svg.append(group);
  }
  return svg;
}

function node(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}
