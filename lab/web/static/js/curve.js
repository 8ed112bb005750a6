// The way between two dots: a curve that is bent a little, so that lines do not run through the dots between.

/** curve is from the rim of one dot to the rim of another. */
export function curve(a, b, radius) {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const d = Math.hypot(dx, dy) || 1;
  const bend = Math.min(0.09, 14 / d);
  const mid = { x: (a.x + b.x) / 2 - dy * bend, y: (a.y + b.y) / 2 + dx * bend };
  const rim = (from, extra) => {
    const ex = mid.x - from.x;
    const ey = mid.y - from.y;
    const e = Math.hypot(ex, ey) || 1;
    const r = Math.min(radius + extra, d / 2.2);
    return { x: from.x + (ex / e) * r, y: from.y + (ey / e) * r };
  };
  return { a: rim(a, 1.5), b: rim(b, 2.5), mid, d };
}

/** along is a point of a curve, t from 0 to 1. */
export function along(s, t) {
  const u = 1 - t;
  return {
    x: u * u * s.a.x + 2 * u * t * s.mid.x + t * t * s.b.x,
    y: u * u * s.a.y + 2 * u * t * s.mid.y + t * t * s.b.y,
  };
}
