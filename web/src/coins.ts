// A stack of coins that grows with the number of tokens; bonus coins have another color.
const NAMESPACE = "http://www.w3.org/2000/svg";
const RADIUS_X = 34;
const RADIUS_Y = 11;
const THICKNESS = 9;
const COINS_MAX = 6;
const OFFSETS = [0, 1.6, -1.2, 0.8, -1.8, 1.2]; // from the axis of the stack, bottom to top

/**
 * Draws the stack for `tokens`, of which `bonus` are a gift. It is decoration: the numbers are beside it.
 * Unless `fit` is true, every drawing has room for the highest stack, so that a row of them shares one baseline.
 */
export function coinStack(tokens: number, bonus: number, { fit = false } = {}): SVGElement {
  const coins = Math.min(COINS_MAX, Math.max(1, Math.round(Math.log2(tokens / 25) * 1.2)));
  const gifts = bonus ? Math.max(1, Math.round((coins * bonus) / tokens)) : 0;
  const height = 2 * RADIUS_Y + (fit ? coins : COINS_MAX) * THICKNESS + 2;
  const svg = node("svg", { viewBox: `0 0 ${2 * RADIUS_X + 4} ${height}`, class: "coins", "aria-hidden": "true" });
  for (const [number, offset] of OFFSETS.slice(0, coins).entries()) {
    const x = RADIUS_X + 2 + offset;
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
