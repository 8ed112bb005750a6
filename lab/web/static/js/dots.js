// The peers: a button each, above the lines. So they have names for those who do not see them, and a focus.

import { $, el, set } from "./dom.js";
import { short } from "./text.js";

export class Dots extends EventTarget {
  selected = new Set();
  #buttons = new Map();

  constructor(box) {
    super();
    this.box = box;
    box.addEventListener("click", (e) => {
      const n = Number(e.target.closest(".dot")?.dataset.n);
      if (n) this.toggle(n, e.shiftKey || e.ctrlKey || e.metaKey);
    });
    for (const type of ["pointerover", "pointerout", "focusin", "focusout"]) box.addEventListener(type, (e) => this.#hover(e));
  }

  /** show has the buttons be the peers, and stand where they should. */
  show(store, layout) {
    const places = layout.places;
    this.box.style.setProperty("--r", layout.radius + "px");
    this.box.classList.toggle("small", layout.radius < 9);
    for (const [n, b] of this.#buttons) {
      if (!places.has(n)) {
        b.button.remove();
        this.#buttons.delete(n);
        this.selected.delete(n);
      }
    }
    for (const [n, p] of places) {
      const peer = store.peers.get(n);
      if (!peer) continue;
      let b = this.#buttons.get(n);
      if (!b) this.#buttons.set(n, (b = this.#make(n)));
      this.#move(b, p);
      this.#look(b, peer, store);
    }
    $("empty").hidden = places.size > 0;
  }

  #make(n) {
    const number = el("span.number", {}, n);
    const name = el("span.name");
    const button = el("button.dot", { type: "button", "data-n": n, "aria-pressed": "false" }, el("span.disc"), number, name);
    // In the order of their numbers, which is the order of the Tab key.
    const after = [...this.#buttons.keys()].filter((m) => m > n).sort((a, b) => a - b)[0];
    this.box.insertBefore(button, after ? this.#buttons.get(after).button : null);
    return { button, name, x: NaN, y: NaN, look: "" };
  }

  #move(b, p) {
    if (b.x === p.x && b.y === p.y) return;
    b.x = p.x;
    b.y = p.y;
    b.button.style.transform = `translate(${p.x.toFixed(1)}px, ${p.y.toFixed(1)}px)`;
  }

  #look(b, peer, store) {
    const chosen = this.selected.has(peer.n);
    const look = [peer.name, peer.alive, peer.paused, peer.root, peer.siphoner, peer.part, peer.ended, chosen, store.figures?.parts].join();
    if (look === b.look) return;
    b.look = look;
    const c = b.button.classList;
    c.toggle("dead", !peer.alive);
    c.toggle("paused", peer.paused);
    c.toggle("root", peer.root);
    c.toggle("siphoner", peer.siphoner);
    c.toggle("chosen", chosen);
    b.button.setAttribute("aria-pressed", String(chosen));
    // A name that says no more than the number does is not shown: the picture is full enough.
    set(b.name, peer.name === "peer-" + peer.n ? "" : short(peer.name, 14));
    b.button.setAttribute("aria-label", this.#describe(peer, store));
  }

  #describe(peer, store) {
    const words = [short(peer.name, 70)];
    if (!peer.alive) words.push({ kill: "killed", stop: "stopped" }[peer.ended] ?? "ended");
    if (peer.paused) words.push("paused");
    if (peer.root) words.push("root");
    if (peer.siphoner) words.push("siphoner");
    if (peer.part && store.figures?.parts > 1) words.push("part " + peer.part);
    return words.join(", ");
  }

  toggle(n, more) {
    const was = this.selected.has(n);
    if (!more) this.selected.clear();
    if (!was || (more && !was)) this.selected.add(n);
    else this.selected.delete(n);
    this.dispatchEvent(new Event("select"));
  }

  select(numbers) {
    this.selected = new Set(numbers);
    this.dispatchEvent(new Event("select"));
  }

  /** go moves the focus to the nearest dot in a direction, or to the first. */
  go(dx, dy) {
    const here = this.#buttons.get(Number(document.activeElement?.dataset?.n));
    const all = [...this.#buttons.values()];
    if (!here) return all[0]?.button.focus();
    let best = null;
    let least = Infinity;
    for (const b of all) {
      const x = b.x - here.x;
      const y = b.y - here.y;
      const ahead = x * dx + y * dy;
      if (b === here || ahead <= 1) continue;
      const far = ahead + 2.2 * Math.abs(x * dy - y * dx);
      if (far < least) [least, best] = [far, b];
    }
    best?.button.focus();
  }

  #hover(e) {
    const n = Number(e.target.closest?.(".dot")?.dataset.n);
    const enter = e.type === "pointerover" || e.type === "focusin";
    if (n) this.dispatchEvent(new CustomEvent("hover", { detail: enter ? n : 0 }));
  }
}
