// Where the lines of the map go, and where their words stand: around things that they do not belong to, and not over
// each other. Places and sizes are those of the map, whatever part of it is looked at.

/** Half of what a thing takes, with some air. */
const thingSize = { x: 70, y: 30 };
/** Half of what the words of a line take, three lines of them; their middle is so far below their place. */
const wordSize = { x: 62, y: 20 };
const wordMiddle = 5;

/** A line from `a` to `b` whose middle is so far beside the straight one; the path as SVG has it. */
export function curve(a, b, bend) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = Math.hypot(dx, dy) || 1;
  const c = { x: (a.x + b.x) / 2 - (dy / length) * bend * 2, y: (a.y + b.y) / 2 + (dx / length) * bend * 2 };
  const path = bend ? `M${a.x} ${a.y}Q${c.x} ${c.y} ${b.x} ${b.y}` : `M${a.x} ${a.y}L${b.x} ${b.y}`;
  return { a, b, c, path };
}

/** A place on a line, from 0 at `a` to 1 at `b`. */
export function pointOf({ a, b, c }, t) {
  const at = (key) => (1 - t) ** 2 * a[key] + 2 * t * (1 - t) * c[key] + t * t * b[key];
  return { x: at("x"), y: at("y") };
}

/** The line that is least behind other things, bent as little as that needs. */
export function curveAround(a, b, bend, others) {
  const steps = 32;
  let best = null;
  for (const more of [0, 50, -50, 90, -90, 130, -130, 170, -170]) {
    const line = curve(a, b, bend + more);
    let hidden = 0;
    for (let step = 1; step < steps; step += 1) {
      const at = pointOf(line, step / steps);
      if (others.some((thing) => Math.abs(thing.x - at.x) < thingSize.x && Math.abs(thing.y - at.y) < thingSize.y)) hidden += 1;
    }
    if (hidden === 0) return line;
    // A detour that hides as much, or nearly, is none.
    if (!best || hidden < best.hidden - 1) best = { line, hidden };
  }
  return best.line;
}

/** How much of two boxes is over each other. */
function shared(p, q, x, y) {
  const [w, h] = [x - Math.abs(p.x - q.x), y - Math.abs(p.y - q.y)];
  return w > 0 && h > 0 ? w * h : 0;
}

/** The place of a line's words: near `t`, and where they cover least of `things` and of the `words` of others. */
export function wordPlace(line, t, things, words) {
  let best = null;
  for (const more of [0, -0.08, 0.08, -0.16, 0.16, -0.24, 0.24]) {
    const at = pointOf(line, t + more);
    let cost = Math.abs(more) * 100;
    for (const other of words) cost += shared(at, other, 2 * wordSize.x, 2 * wordSize.y);
    const middle = { x: at.x, y: at.y + wordMiddle };
    for (const thing of things) cost += shared(middle, thing, thingSize.x + wordSize.x, thingSize.y + wordSize.y);
    if (!best || cost < best.cost) best = { ...at, cost };
  }
  return best;
}
