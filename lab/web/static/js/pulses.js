// Messages on their way. They take less than a millisecond from peer to peer, so they are shown slowed down: all of one
// message by one factor, so that what came late is seen to come late.

import { along } from "./curve.js";

const wave = 1000; // ms in which a message's first run over the mesh is shown
const least = 200; // ms that a pulse takes over a link at least, or nobody sees it
const slowest = 3000; // how much a time is stretched at most
const together = 300; // deliveries that are shown at one time; of more, those of the newest messages
const lateBy = 250; // ms after which a delivery is no part of the first run: it is shown when we hear of it
const patience = 450; // ms that spans are waited for which say who told; whoever told nobody knows flashes without a pulse

const tailed = 120; // above so many on their way they have no tails
const glow = 650; // ms that a peer glows that has got one

const stiller = matchMedia("(prefers-reduced-motion: reduce)");

export class Pulses {
  slowed = 0; // by how much the newest message is slowed down
  #shown = new Map(); // by message: {at: Map(peer → when it is shown to have it), base, stretch, hops: Set, timer}
  #flying = []; // {from, to, start, end, how, number}

  constructor(layout) {
    this.layout = layout;
  }

  clear() {
    this.#shown.clear();
    this.#flying = [];
  }

  /** add shows what is new of a message. */
  add(m, now) {
    if (!m.hops) return;
    let s = this.#shown.get(m.n);
    if (!s) {
      if (this.#shown.size > 400) this.#shown.clear();
      s = { at: new Map([[m.from, now]]), base: 0, stretch: 0, done: new Set(), first: now };
      this.#shown.set(m.n, s);
      this.#flying.push({ from: 0, to: m.from, start: now, end: now, how: "e", number: m.n });
    }
    s.m = m;
    this.#plan(s, m, now);
    this.#trim();
  }

  #plan(s, m, now) {
    const order = m.hops.to.map((_, i) => i).filter((i) => !s.done.has(m.hops.to[i]));
    order.sort((a, b) => m.hops.at[a] - m.hops.at[b]);
    const known = order.filter((i) => m.hops.from[i] > 0);
    if (!known.length && !(order.length && now - s.first > patience)) return;
    if (!s.stretch && known.length) {
      const run = Math.max(0.05, ...known.map((i) => m.hops.at[i]).filter((t) => t < lateBy));
      s.stretch = Math.min(slowest, wave / run);
      s.base = now;
      s.at.set(m.from, now);
      this.slowed = s.stretch;
    }
    let again = true;
    while (again) {
      again = false;
      for (const i of order) {
        const to = m.hops.to[i];
        const from = m.hops.from[i];
        if (s.done.has(to) || (from && !s.at.has(from)) || (!from && now - s.first <= patience)) continue;
        s.done.add(to);
        again = true;
        const late = m.hops.at[i] >= lateBy || now - s.base > wave * 2;
        const start = Math.max(now, from ? s.at.get(from) : now);
        const due = late ? start : s.base + m.hops.at[i] * s.stretch;
        const end = Math.max(start + least, Math.min(due, start + wave));
        s.at.set(to, end);
        this.#flying.push({ from, to, start, end, how: m.hops.how[i], number: m.n });
      }
    }
  }

  /** #trim lets go of the oldest messages where there are too many to be seen. */
  #trim() {
    if (this.#flying.length <= together) return;
    const numbers = this.#flying.map((f) => f.number).sort((a, b) => b - a);
    // The newest message is shown whole, whatever its size.
    const least = Math.min(numbers[together], numbers[0] - 1);
    this.#flying = this.#flying.filter((f) => f.number > least);
  }

  /** draw draws them, and says whether any is on its way. */
  draw(g, now, colors, shape) {
    for (const s of this.#shown.values()) {
      if (s.m && s.done.size < s.m.hops.to.length && now - s.first > patience && now - s.first < patience * 3) this.#plan(s, s.m, now);
    }
    const stay = stiller.matches ? 1200 : glow;
    this.#flying = this.#flying.filter((f) => now < f.end + stay);
    for (const f of this.#flying) {
      const color = f.how === "g" ? colors.graft : f.how === "c" ? colors.catchup : colors.pulse;
      if (now >= f.end && !stiller.matches) {
        this.#glow(g, f.to, (now - f.end) / glow, color);
        continue;
      }
      if (now < f.start || !f.from) continue;
      const s = shape(f.from, f.to);
      if (!s) continue;
      if (stiller.matches) this.#still(g, s, color);
      else this.#fly(g, s, f, now, color);
    }
    return this.#flying.length > 0 || this.#waiting(now);
  }

  /** #glow shows that a peer has got a message: a disc beneath its dot that grows and fades. */
  #glow(g, n, t, color) {
    const p = this.layout.places.get(n);
    if (!p || t < 0) return;
    g.globalAlpha = 0.65 * (1 - t);
    g.fillStyle = color;
    g.beginPath();
    g.arc(p.x, p.y, this.layout.radius * (1 + 0.95 * Math.sqrt(t)), 0, 2 * Math.PI);
    g.fill();
    g.globalAlpha = 1;
  }

  #waiting(now) {
    for (const s of this.#shown.values()) if (s.m && s.done.size < s.m.hops.to.length && now - s.first < patience * 3) return true;
    return false;
  }

  #still(g, s, color) {
    g.strokeStyle = color;
    g.lineWidth = 4;
    g.lineCap = "round";
    g.beginPath();
    g.moveTo(s.a.x, s.a.y);
    g.quadraticCurveTo(s.mid.x, s.mid.y, s.b.x, s.b.y);
    g.stroke();
  }

  #tail(g, s, t, r) {
    g.lineCap = "round";
    g.lineWidth = r;
    g.globalAlpha = 0.35;
    g.beginPath();
    const end = Math.max(0, t - 0.22);
    for (let i = 0; i <= 6; i++) {
      const p = along(s, end + ((t - end) * i) / 6);
      i ? g.lineTo(p.x, p.y) : g.moveTo(p.x, p.y);
    }
    g.stroke();
    g.globalAlpha = 1;
  }

  #fly(g, s, f, now, color) {
    const t = (now - f.start) / (f.end - f.start);
    const r = Math.max(3, this.layout.radius * 0.36);
    g.strokeStyle = g.fillStyle = color;
    if (this.#flying.length < tailed) this.#tail(g, s, t, r);
    const p = along(s, t);
    g.beginPath();
    // Not by colour alone: what was grafted is a diamond, what was caught up on a square.
    if (f.how === "g") {
      g.moveTo(p.x, p.y - r * 1.4);
      g.lineTo(p.x + r * 1.4, p.y);
      g.lineTo(p.x, p.y + r * 1.4);
      g.lineTo(p.x - r * 1.4, p.y);
    } else if (f.how === "c") g.rect(p.x - r, p.y - r, 2 * r, 2 * r);
    else g.arc(p.x, p.y, r, 0, 2 * Math.PI);
    g.fill();
  }
}
