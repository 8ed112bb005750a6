// Draws the mesh: on one canvas the links that rest, redrawn when something has changed; on another, redrawn while
// something moves, those that come and go, and the messages.

import { key } from "./store.js";
import { along, curve } from "./curve.js";
import { Pulses } from "./pulses.js";

const newFor = 2600; // ms that a link looks new
const stillEvery = 66; // ms between two drawings of what rests, which is most of the work
const goneFor = 1900; // ms that a lost one is still seen

export const stiller = matchMedia("(prefers-reduced-motion: reduce)");

export class Scene {
  frames = 0; // drawn, for whoever measures
  #dirty = true;
  #gone = new Map(); // lost links by key: {from, to, at}
  #asked = 0;
  #stillAt = -Infinity; // when what rests was drawn last
  #fresh = 0; // links that look new
  #colors = null;

  constructor(stage, still, moving, layout, dots) {
    Object.assign(this, { stage, still, moving, layout, dots });
    this.pulses = new Pulses(layout);
    this.pointed = 0; // the peer beneath the pointer: its links stand out, the others step far back
    this.chosen = new Set(); // those that are selected: the others' links step back a little
    new ResizeObserver(() => this.resize()).observe(stage);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolor());
    document.addEventListener("visibilitychange", () => this.redraw());
    this.resize();
  }

  /** show has the scene show that store from now on. */
  show(store) {
    this.store = store;
    this.#gone.clear();
    this.pulses.clear();
    this.redraw();
  }

  resize() {
    const { width, height } = this.stage.getBoundingClientRect();
    const scale = Math.min(2, devicePixelRatio || 1);
    for (const c of [this.still, this.moving]) {
      c.width = Math.max(1, Math.round(width * scale));
      c.height = Math.max(1, Math.round(height * scale));
      c.getContext("2d").setTransform(scale, 0, 0, scale, 0, 0);
    }
    this.width = width;
    this.height = height;
    // The legend stands at the bottom, and no dot beneath it.
    const legend = this.stage.querySelector(".legend");
    this.layout.resize(width, Math.max(10, height - (legend?.offsetHeight ?? 0) - 4));
    this.redraw();
  }

  recolor() {
    this.#colors = null;
    this.redraw();
  }

  get colors() {
    if (!this.#colors) {
      const s = getComputedStyle(this.stage);
      const c = (name) => s.getPropertyValue(name).trim();
      this.#colors = {
        eager: c("--eager"), lazy: c("--lazy"), fresh: c("--new"), dying: c("--dying"), pulse: c("--pulse"), graft: c("--graft"),
        catchup: c("--catch-up"), paper: c("--paper"), parts: [0, 1, 2, 3, 4, 5].map((i) => c("--part-" + i)), dim: c("--dim"),
      };
    }
    return this.#colors;
  }

  /** changed takes what a batch changed. */
  changed({ batch, gone, messages, at }) {
    const now = performance.now();
    for (const l of gone) this.#gone.set(key(l.from, l.to), { ...l, at });
    for (const m of messages) this.pulses.add(m, now);
    if (batch.links || batch.gone || batch.peers || batch.cut) this.#dirty = true;
    this.#ask();
  }

  redraw() {
    this.#dirty = true;
    this.#stillAt = -Infinity;
    this.#ask();
  }

  #ask() {
    if (!this.#asked && this.store) this.#asked = requestAnimationFrame((t) => this.#frame(t));
  }

  #frame(now) {
    this.#asked = 0;
    this.frames++;
    if (this.layout.arrange(this.store, now)) this.#dirty = true;
    const drifting = this.layout.step(now);
    if (drifting || (this.#dirty && now - this.#stillAt >= stillEvery)) {
      this.dots.show(this.store, this.layout);
      this.#drawStill(now);
      this.#dirty = false;
      this.#stillAt = now;
    }
    const moving = this.#drawMoving(now);
    if (drifting || moving || this.#dirty || this.layout.pending) this.#ask();
  }

  #drawStill(now) {
    const g = this.still.getContext("2d");
    g.clearRect(0, 0, this.width, this.height);
    this.#drawParts(g);
    const order = { lazy: 0, half: 1, eager: 2, dying: 3 };
    const list = [];
    for (const l of this.store.links.values()) {
      if (now - l.born < newFor) continue;
      const shape = this.#shape(l.from, l.to);
      if (shape) list.push([look(l), l, shape]);
    }
    list.sort((a, b) => order[a[0]] - order[b[0]]);
    for (const [how, l, shape] of list) this.#line(g, how, shape, this.#strength(l));
    g.globalAlpha = 1;
  }

  #strength(l) {
    if (this.pointed) return l.from === this.pointed || l.to === this.pointed ? 1 : 0.14;
    const living = [...this.chosen].some((n) => this.store.peers.get(n)?.alive);
    return !living || this.chosen.has(l.from) || this.chosen.has(l.to) ? 1 : 0.4;
  }

  #drawParts(g) {
    for (const c of this.layout.cells) {
      g.globalAlpha = 1;
      g.fillStyle = this.colors.parts[c.part % 6];
      g.beginPath();
      g.ellipse(c.x, c.y, c.rx, c.ry, 0, 0, 2 * Math.PI);
      g.fill();
    }
  }

  /** #shape is the way from dot to dot. To and fro it is the same. */
  #shape(from, to) {
    const a = this.layout.places.get(Math.min(from, to));
    const b = this.layout.places.get(Math.max(from, to));
    if (!a || !b || from === to) return null;
    const s = curve(a, b, this.layout.radius);
    return from < to ? s : { ...s, a: s.b, b: s.a };
  }

  #line(g, how, s, strength) {
    const c = this.colors;
    const small = this.layout.radius < 9;
    // The more there are, the less each counts: what is at work must stand out from what only waits.
    const many = this.store.links.size;
    g.globalAlpha = strength * (how === "lazy" ? (many > 400 ? 0.35 : many > 100 ? 0.6 : 1) : many > 400 ? 0.75 : 1);
    g.lineCap = "butt";
    g.setLineDash([]);
    switch (how) {
      case "eager":
        g.strokeStyle = g.fillStyle = c.eager;
        g.lineWidth = small ? 1.1 : 1.7;
        break;
      case "lazy":
        g.strokeStyle = g.fillStyle = c.lazy;
        g.lineWidth = small ? 1 : 1.5;
        // Round dots are prettier, and dear where there are thousands.
        if (many < 60) g.lineCap = "round";
        g.setLineDash(many < 60 ? [0.1, 5] : [1.6, small ? 3.4 : 4.4]);
        break;
      case "half":
        g.strokeStyle = g.fillStyle = c.lazy;
        g.lineWidth = 1.2;
        g.setLineDash([7, 5]);
        break;
      default:
        g.strokeStyle = g.fillStyle = c.dying;
        g.lineWidth = 1.8;
        g.setLineDash([6, 5]);
    }
    trace(g, s);
    g.setLineDash([]);
    if (how === "dying") cross(g, s, c.dying);
    else if (!small || how !== "lazy") head(g, s, small ? 4.5 : 7);
  }

  /** #drawMoving draws what comes, goes and travels, and says whether there is any. */
  #drawMoving(now) {
    const g = this.moving.getContext("2d");
    g.clearRect(0, 0, this.width, this.height);
    const c = this.colors;
    let moving = false;
    let fresh = 0;
    for (const l of this.store.links.values()) {
      const age = now - l.born;
      if (age >= newFor) continue;
      moving = true;
      fresh++;
      const s = this.#shape(l.from, l.to);
      if (!s) continue;
      if (l.state === "dying") {
        this.#line(g, "dying", s, 1);
        continue;
      }
      const shine = stiller.matches ? 1 : 1 - Math.max(0, (age - newFor * 0.6) / (newFor * 0.4));
      g.globalAlpha = this.#strength(l);
      g.strokeStyle = g.fillStyle = shine > 0.02 ? c.fresh : c.eager;
      g.lineWidth = 1.7 + 2.6 * shine;
      g.lineCap = "round";
      trace(g, s, stiller.matches ? 1 : Math.min(1, age / 260));
      head(g, s, 7 + 3 * shine);
    }
    // Those that are no longer new are drawn with the links that rest.
    const aged = fresh < this.#fresh;
    this.#fresh = fresh;
    if (aged) this.#dirty = true;
    for (const [k, l] of this.#gone) {
      const age = now - l.at;
      const s = this.#shape(l.from, l.to);
      if (age > goneFor || !s || this.store.links.has(k)) {
        this.#gone.delete(k);
        continue;
      }
      moving = true;
      g.globalAlpha = 1 - Math.pow(age / goneFor, 3);
      g.strokeStyle = c.dying;
      g.lineWidth = 2;
      g.lineCap = "butt";
      g.setLineDash([6, 5]);
      trace(g, s);
      g.setLineDash([]);
      cross(g, s, c.dying);
    }
    g.globalAlpha = 1;
    if (this.pulses.draw(g, now, c, (a, b) => this.#shape(a, b))) moving = true;
    return moving || aged;
  }

  /** linkAt is the link beneath a point, if there is one. */
  linkAt(x, y) {
    let best = null;
    let nearest = 7;
    for (const l of this.store?.links.values() ?? []) {
      const s = this.#shape(l.from, l.to);
      if (!s) continue;
      for (let i = 1; i < 24; i++) {
        const p = along(s, i / 24);
        const d = Math.hypot(p.x - x, p.y - y);
        if (d < nearest) [nearest, best] = [d, l];
      }
    }
    return best;
  }
}

/** look is how a link is drawn. */
const look = (l) => (l.state === "dying" ? "dying" : l.state === "half" ? "half" : l.eager ? "eager" : "lazy");

function trace(g, s, part = 1) {
  g.beginPath();
  g.moveTo(s.a.x, s.a.y);
  if (part >= 1) {
    g.quadraticCurveTo(s.mid.x, s.mid.y, s.b.x, s.b.y);
  } else {
    for (let i = 1; i <= 12; i++) {
      const p = along(s, (i / 12) * part);
      g.lineTo(p.x, p.y);
    }
  }
  g.stroke();
}

function head(g, s, size) {
  const a = Math.atan2(s.b.y - s.mid.y, s.b.x - s.mid.x);
  const wing = 0.42;
  g.beginPath();
  g.moveTo(s.b.x, s.b.y);
  g.lineTo(s.b.x - size * Math.cos(a - wing), s.b.y - size * Math.sin(a - wing));
  g.lineTo(s.b.x - size * Math.cos(a + wing), s.b.y - size * Math.sin(a + wing));
  g.closePath();
  g.fill();
}

function cross(g, s, color) {
  const p = along(s, 0.5);
  const r = 5;
  g.strokeStyle = color;
  g.lineWidth = 2.4;
  g.lineCap = "round";
  g.beginPath();
  g.moveTo(p.x - r, p.y - r);
  g.lineTo(p.x + r, p.y + r);
  g.moveTo(p.x + r, p.y - r);
  g.lineTo(p.x - r, p.y + r);
  g.stroke();
}
