// Where dots stand. A place depends on who there is and which parts there are, never on links: nobody likes a picture
// that shuffles itself. Peers stand on rings, in the order of their numbers; when the mesh is in parts each part has
// rings of its own, so that parts drift apart and come back to where they were.

const settle = 450; // ms that a division must last before dots move: parts come and go while peers start
const drift = 750; // ms that a dot takes to its place

const stiller = matchMedia("(prefers-reduced-motion: reduce)");

export class Layout {
  width = 0;
  height = 0;
  places = new Map(); // by number: {x, y, from: {x, y}, to: {x, y}, began}
  cells = []; // of parts: {x, y, rx, ry, peers, part}
  radius = 14;
  #shape = "";
  #waiting = "";
  #since = 0;
  #group = new Map(); // by number: which cell it was in, for those who are in no part now

  resize(width, height) {
    if (width === this.width && height === this.height) return;
    this.width = width;
    this.height = height;
    this.#shape = "";
  }

  /** arrange has everybody stand where they should, now or after a drift. It says whether something has changed. */
  arrange(store, now) {
    if (this.width < 10 || this.height < 10) return false;
    const numbers = [...store.peers.keys()].sort((a, b) => a - b);
    const parts = this.#parts(store);
    const shape = numbers.join() + "|" + parts.map((p) => p.join()).join("/") + "|" + this.width + "x" + this.height;
    if (shape === this.#shape) {
      this.#waiting = "";
      return false;
    }
    const first = this.#shape === "" || this.places.size === 0;
    if (!first && shape !== this.#waiting) {
      this.#waiting = shape;
      this.#since = now;
    }
    const sameFolk = numbers.length === this.places.size && numbers.every((n) => this.places.has(n));
    if (!first && sameFolk && now - this.#since < settle) return false;
    this.#shape = shape;
    this.#place(numbers, parts, first ? -Infinity : now);
    return true;
  }

  /** pending says that dots may have to move though nothing else changes. */
  get pending() {
    return this.#waiting !== "";
  }

  /** #parts are the groups that are drawn apart. Whoever is in no part, being dead or paused, stays where it was. */
  #parts(store) {
    const parts = store.parts();
    if (parts.length < 2) {
      this.#group.clear();
      return [];
    }
    const cellOf = new Map();
    parts.forEach((p, i) => p.forEach((n) => cellOf.set(n, i)));
    const groups = parts.map((p) => [...p]);
    for (const n of store.peers.keys()) {
      if (cellOf.has(n)) {
        this.#group.set(n, parts[cellOf.get(n)][0]);
        continue;
      }
      // The part of its side of the cut, or that in which those are now whose company it had.
      const side = store.cut.find((g) => g.includes(n))?.find((k) => cellOf.has(k));
      const mate = side ?? this.#group.get(n);
      const i = mate !== undefined && cellOf.has(mate) ? cellOf.get(mate) : 0;
      groups[i].push(n);
    }
    return groups.map((g) => g.sort((a, b) => a - b));
  }

  #place(numbers, parts, now) {
    const whole = { x: 0, y: 0, w: this.width, h: this.height };
    this.radius = size(numbers.length, this.width, this.height);
    this.cells = [];
    const home = new Map();
    rings(numbers.length, whole, this.radius).at.forEach((spot, i) => home.set(numbers[i], spot));
    const at = parts.length > 1 ? this.#apart(parts, whole, home) : home;
    for (const [n, spot] of at) this.#send(n, spot, now);
    for (const n of this.places.keys()) if (!at.has(n)) this.places.delete(n);
  }

  /** #apart gives each part rings of its own, on the side where most of it is at home. */
  #apart(parts, whole, home) {
    const at = new Map();
    const groups = parts.map((peers, part) => ({ peers, part, middle: middle(peers.map((n) => home.get(n))) }));
    const side = whole.w >= whole.h ? "x" : "y";
    groups.sort((a, b) => a.middle[side] - b.middle[side] || a.part - b.part);
    for (const c of divide(groups, whole)) {
      const spots = rings(c.peers.length, c, this.radius);
      const rx = Math.min(c.w / 2 - 4, spots.rx + this.radius * 2.1);
      const ry = Math.min(c.h / 2 - 4, spots.ry + this.radius * 2.1);
      this.cells.push({ x: c.x + c.w / 2, y: c.y + c.h / 2, rx, ry, peers: c.peers, part: c.part });
      for (const [n, spot] of turn(c, spots.at, home)) at.set(n, spot);
    }
    return at;
  }

  #send(n, to, now) {
    const p = this.places.get(n);
    if (!p || now === -Infinity || stiller.matches) {
      this.places.set(n, { ...to, from: to, to, began: -Infinity });
      return;
    }
    if (p.to.x === to.x && p.to.y === to.y) return;
    this.places.set(n, { x: p.x, y: p.y, from: { x: p.x, y: p.y }, to, began: now });
  }

  /** step moves the dots that are on their way, and says whether any is. */
  step(now) {
    let moving = false;
    for (const p of this.places.values()) {
      if (p.began === -Infinity) continue;
      const t = Math.min(1, (now - p.began) / drift);
      const e = t < 0.5 ? 4 * t * t * t : 1 - Math.pow(-2 * t + 2, 3) / 2;
      p.x = p.from.x + (p.to.x - p.from.x) * e;
      p.y = p.from.y + (p.to.y - p.from.y) * e;
      if (t === 1) p.began = -Infinity;
      moving = true;
    }
    return moving;
  }
}

const middle = (spots) => ({
  x: spots.reduce((s, p) => s + p.x, 0) / spots.length,
  y: spots.reduce((s, p) => s + p.y, 0) / spots.length,
});

/** turn deals a part's places out so that everybody is about in the direction in which it is at home. */
function turn(c, spots, home) {
  const direction = (p, from) => Math.atan2(p.y - from.y, p.x - from.x);
  const here = { x: c.x + c.w / 2, y: c.y + c.h / 2 };
  if (spots.length < 3 || spots.length > 40) return c.peers.map((n, i) => [n, spots[i]]);
  const peers = [...c.peers].sort((a, b) => direction(home.get(a), c.middle) - direction(home.get(b), c.middle));
  const places = [...spots].sort((a, b) => direction(a, here) - direction(b, here));
  let best = 0;
  let least = Infinity;
  for (let k = 0; k < peers.length; k++) {
    let off = 0;
    peers.forEach((n, i) => (off += 1 - Math.cos(direction(home.get(n), c.middle) - direction(places[(i + k) % places.length], here))));
    if (off < least) [least, best] = [off, k];
  }
  return peers.map((n, i) => [n, places[(i + best) % places.length]]);
}

/** size is a dot's radius, for so many of them. */
function size(n, w, h) {
  const room = Math.sqrt((w * h) / Math.max(1, n));
  return Math.max(6, Math.min(19, room * 0.145, Math.min(w, h) * 0.055));
}

/** rings are places on ellipses in a cell: as few as there is room for, the outermost first. */
function rings(n, c, radius) {
  const pad = radius * 2.1 + 6;
  const cx = c.x + c.w / 2;
  const cy = c.y + c.h / 2;
  let rx = Math.max(0, c.w / 2 - pad);
  let ry = Math.max(0, c.h / 2 - pad);
  // A ring that is much wider than high has its dots stand close at its ends.
  rx = Math.min(rx, ry * 1.75);
  ry = Math.min(ry, rx * 1.75);
  if (n === 1) return { at: [{ x: cx, y: cy }], rx: 0, ry: 0 };
  if (n <= 4) {
    rx = Math.min(rx, radius * 6.5);
    ry = Math.min(ry, radius * 6.5);
  }
  const around = (k) => Math.PI * (3 * (rx + ry) - Math.sqrt((3 * rx + ry) * (rx + 3 * ry))) * k;
  const scales = [1, 0.68, 0.38];
  let count = 1;
  const room = (k) => scales.slice(0, k).reduce((sum, s) => sum + around(s), 0);
  while (count < scales.length && room(count) / n < radius * 2.7) count++;
  const at = [];
  let left = n;
  for (let i = 0; i < count; i++) {
    const here = i === count - 1 ? left : Math.min(left, Math.round((n * around(scales[i])) / room(count)));
    left -= here;
    for (const a of angles(here, rx, ry, i % 2 ? 0.5 : 0)) {
      at.push({ x: cx + rx * scales[i] * Math.cos(a), y: cy + ry * scales[i] * Math.sin(a) });
    }
  }
  return { at, rx, ry };
}

/** angles have dots stand at even distances on an ellipse, from the top on. */
function angles(n, rx, ry, shift) {
  const steps = 360;
  const far = [0];
  for (let i = 1; i <= steps; i++) {
    const a = ((i - 0.5) / steps) * 2 * Math.PI;
    far.push(far[i - 1] + Math.hypot(rx * Math.sin(a), ry * Math.cos(a)));
  }
  const out = [];
  let i = 0;
  for (let k = 0; k < n; k++) {
    // Six stand with a flat side up, and no three lines cross in one point where that can be helped.
    const want = ((k + shift + 0.5) / n) * far[steps];
    while (i < steps && far[i + 1] < want) i++;
    out.push(((i + (want - far[i]) / (far[i + 1] - far[i] || 1)) / steps) * 2 * Math.PI - Math.PI);
  }
  return out;
}

/** divide gives each part a cell, larger ones more room: the list is halved by weight, again and again. */
function divide(groups, c) {
  if (groups.length === 1) return [{ ...c, ...groups[0] }];
  const weight = (g) => Math.pow(g.peers.length, 0.7) + 0.6;
  const total = groups.reduce((s, g) => s + weight(g), 0);
  let k = 1;
  let sum = weight(groups[0]);
  while (k < groups.length - 1 && sum + weight(groups[k]) / 2 < total / 2) sum += weight(groups[k++]);
  const share = sum / total;
  const [a, b] =
    c.w >= c.h
      ? [{ ...c, w: c.w * share }, { ...c, x: c.x + c.w * share, w: c.w * (1 - share) }]
      : [{ ...c, h: c.h * share }, { ...c, y: c.y + c.h * share, h: c.h * (1 - share) }];
  return [...divide(groups.slice(0, k), a), ...divide(groups.slice(k), b)];
}
