// The last ten minutes: a slider, and a store of its own that shows the past.

import { $ } from "./dom.js";
import { clock } from "./text.js";
import { Store } from "./store.js";

const reach = 10 * 60 * 1000;
const piece = 60; // seconds that are asked for at once

export class Replay extends EventTarget {
  live = true;
  at = 0; // the moment that is shown
  store = new Store();
  #piece = null; // {from, to, state, batches, next}
  #asking = null;
  #playing = 0;
  #oldest = 0;
  #drawn = 0;

  constructor(lab, now) {
    super();
    Object.assign(this, { lab, now });
    const w = $("when");
    w.addEventListener("input", () => this.#slide());
    w.addEventListener("keydown", (e) => {
      const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[e.key];
      if (step) {
        e.preventDefault();
        this.step(step * 1000);
      }
    });
    $("now").addEventListener("click", () => this.goLive());
    $("play").addEventListener("click", () => this.play());
    new ResizeObserver(() => this.marks()).observe(w);
  }

  /** newest is now, by the lab's clock. */
  get newest() {
    return Math.max(this.now.at, this.#clock());
  }

  #clock() {
    return this.now.at + (performance.now() - (this.now.heard ?? performance.now()));
  }

  #slide() {
    const share = Number($("when").value) / Number($("when").max);
    if (share >= 1) return this.goLive();
    this.#pause();
    this.go(this.newest - reach * (1 - share));
  }

  /** step goes so many milliseconds forward, or back. */
  step(ms) {
    this.#pause();
    const to = (this.live ? this.newest : this.at) + ms;
    if (to >= this.newest) return this.goLive();
    this.go(to);
  }

  goLive() {
    this.#pause();
    if (!this.live) {
      this.live = true;
      this.#piece = null;
      this.dispatchEvent(new Event("live"));
    }
    this.show();
  }

  /** go shows that moment. */
  async go(at) {
    this.at = Math.max(at, this.#oldest || 0, this.newest - reach);
    if (this.live) {
      this.live = false;
      this.dispatchEvent(new Event("past"));
    }
    this.show();
    const p = this.#piece;
    if (p && this.at >= p.from && this.at <= p.to) return this.#advance();
    if (this.#asking) return; // it looks again at what is wanted when it has an answer
    do {
      this.#asking = this.at;
      try {
        await this.#fetch(this.at);
      } catch {
        this.#asking = null;
        return;
      }
    } while (!this.live && this.#piece && (this.at < this.#piece.from || this.at > this.#piece.to));
    this.#asking = null;
    if (!this.live) this.#advance();
  }

  async #fetch(at) {
    const r = await this.lab.replay(at, piece);
    if (!r.state) return;
    this.#oldest = r.oldest;
    const batches = r.batches;
    const last = batches.at(-1)?.at ?? at;
    this.#piece = { from: Math.min(at, r.state.at), to: r.more ? last : Math.max(last, Math.min(at + piece * 1000, r.newest)), state: r.state, batches, next: 0 };
    if (this.at < r.oldest) this.at = r.oldest;
    this.#begin();
  }

  #begin() {
    this.#piece.next = 0;
    this.store.clear();
    this.store.state(this.#piece.state);
  }

  /** #advance has the store be as it was at the moment that is shown. */
  #advance() {
    const p = this.#piece;
    if (this.store.at > this.at || this.store.seq === 0) this.#begin();
    const now = performance.now();
    while (p.next < p.batches.length && p.batches[p.next].at <= this.at) {
      const b = p.batches[p.next++];
      // What is long over by the moment that is shown does not look new, and no message of then is still on its way.
      const age = this.at - b.at;
      this.store.batch(age > 1500 ? { ...b, messages: [] } : b, now - age);
    }
    this.dispatchEvent(new Event("moment"));
  }

  play() {
    if (this.#playing) return this.#pause();
    if (this.live) this.go(this.newest - 30000);
    let before = performance.now();
    const tick = (t) => {
      if (!this.#playing) return;
      const d = Math.min(200, t - before);
      before = t;
      if (this.at + d >= this.newest - 100) return this.goLive();
      this.go(this.at + d);
      this.#playing = requestAnimationFrame(tick);
    };
    this.#playing = requestAnimationFrame(tick);
    this.show();
  }

  #pause() {
    cancelAnimationFrame(this.#playing);
    this.#playing = 0;
    this.show();
  }

  show() {
    const w = $("when");
    const share = this.live ? 1 : 1 - (this.newest - this.at) / reach;
    if (document.activeElement !== w || this.live || this.#playing) w.value = String(Math.round(share * Number(w.max)));
    const text = this.live ? "now" : clock(this.at, 1);
    $("moment").textContent = text;
    w.setAttribute("aria-valuetext", text);
    $("now").setAttribute("aria-pressed", String(this.live));
    $("play").setAttribute("aria-pressed", String(Boolean(this.#playing)));
    $("play").textContent = this.#playing ? "❚❚" : "▶";
    $("replay").classList.toggle("past", !this.live);
  }

  /** marks draws faults above the slider: where to look. */
  marks() {
    const c = $("marks");
    const { width, height } = c.getBoundingClientRect();
    if (!width) return;
    const scale = Math.min(2, devicePixelRatio || 1);
    if (c.width !== Math.round(width * scale)) [c.width, c.height] = [Math.round(width * scale), Math.round(height * scale)];
    const g = c.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, width, height);
    const style = getComputedStyle(c);
    for (const f of this.now.faults.values()) {
      const x = width * (1 - (this.newest - f.at) / reach);
      if (x < 0) continue;
      g.fillStyle = style.getPropertyValue(f.kind === "heal" || f.kind === "resume" || f.kind === "start" || f.kind === "scale" ? "--new" : "--dying");
      g.fillRect(Math.min(width - 2, x), 0, 2, height);
    }
  }

  /** tick has the slider follow the time. */
  tick() {
    const now = performance.now();
    if (now - this.#drawn < 900) return;
    this.#drawn = now;
    this.marks();
    if (!this.live && !this.#playing) this.show();
  }
}
