// What a person does to the mesh: say something, break something, mend it.

import { $, el, fill, set } from "./dom.js";
import { plain, short } from "./text.js";
import { saidOfFault } from "./strip.js";

// The buttons of the selected peers: name, key, the fault, what else it says, and whom it can befall.
const buttons = [
  { what: "kill", key: "k", title: "end without a word (k)", can: (p) => p.alive },
  { what: "stop", key: "s", title: "end with a goodbye (s)", can: (p) => p.alive && !p.paused },
  { what: "pause", key: "p", title: "as a process that hangs (p)", can: (p) => p.alive && !p.paused },
  { what: "resume", key: "p", title: "go on (p)", needs: "pause", can: (p) => p.paused },
  { what: "isolate", key: "i", title: "cut off from everybody (i)", can: (p) => p.alive },
  { what: "restart", key: "r", title: "stop, and start again (r)", needs: "start", can: (p) => p.alive && !p.paused },
  { what: "start", key: "r", title: "start again (r)", can: (p) => !p.alive },
  { what: "delay", title: "what they send comes 50 ms late", more: { by: "50ms±10ms" }, can: (p) => p.alive },
  { what: "loss", title: "5 % of what they send is lost", more: { share: "5%" }, can: (p) => p.alive },
];

export class Hands {
  #toggle = new Map();
  #past = false;
  #watching = 0; // the fault whose aftermath is told

  constructor(lab, store, dots) {
    Object.assign(this, { lab, store, dots });
    for (const b of buttons) {
      const e = el("button", { type: "button", id: "do-" + b.what, title: b.title, onclick: () => this.befall(b.what) }, b.what);
      this.#toggle.set(b.what, e);
      $("faults").append(e);
    }
    $("say").addEventListener("submit", (e) => {
      e.preventDefault();
      this.say();
    });
    $("cut").addEventListener("submit", (e) => {
      e.preventDefault();
      this.cut();
    });
    $("heal").addEventListener("click", () => this.heal());
    $("more").addEventListener("click", () => this.more());
    dots.addEventListener("select", () => this.show());
  }

  /** past has nothing be done while the past is looked at. */
  past(on) {
    this.#past = on;
    this.show();
  }

  get #why() {
    return this.#past ? "this is the past: go back to now first" : "";
  }

  show() {
    const only = this.lab.info && !this.lab.info.token ? this.lab.info.why : "";
    document.body.classList.toggle("watching", Boolean(only));
    $("only").hidden = !only;
    set($("only"), plain(only));
    this.#speakers();
    const chosen = [...this.dots.selected].map((n) => this.store.peers.get(n)).filter(Boolean);
    set($("selected"), chosen.length === 0 ? "nobody is selected" : chosen.length === 1 ? short(chosen[0].name, 24) : `${chosen.length} peers`);
    for (const b of buttons) {
      const e = this.#toggle.get(b.what);
      const some = chosen.filter(b.can);
      e.hidden = (b.what === "resume" || b.what === "start") && !some.length;
      if (b.what === "pause") e.hidden = chosen.some((p) => p.paused) && !some.length;
      if (b.what === "restart") e.hidden = chosen.some((p) => !p.alive) && !some.length;
      able(e, this.#why || this.lab.why(b.needs ?? b.what) || (some.length ? "" : "select a peer first"), b.title);
    }
    for (const [id, fault, title] of [
      ["cut-do", "partition", "cut the network between groups (c)"],
      ["heal", "partition", "undo cuts, delays and losses (h)"],
      ["more", "scale", "start one more (+)"],
    ]) able($(id), this.#why || this.lab.why(fault), title);
    const mayNot = this.#why || (this.lab.info?.token && this.lab.connected ? "" : this.lab.why("send"));
    able($("say").querySelector("button"), mayNot, "publish it (enter)");
  }

  #speakers() {
    const s = $("say-from");
    const folk = [...this.store.peers.values()].filter((p) => p.alive && !p.paused).sort((a, b) => a.n - b.n);
    const look = folk.map((p) => p.n + p.name).join();
    if (s.dataset.look === look) return;
    s.dataset.look = look;
    const was = s.value;
    fill(s, folk.map((p) => el("option", { value: p.n }, short(p.name, 24))));
    if (folk.some((p) => String(p.n) === was)) s.value = was;
  }

  async say() {
    const text = $("say-text").value;
    if (!text) return $("say-text").focus();
    try {
      await this.lab.send($("say-from").value, text);
      $("say-text").value = "";
      this.tell("");
    } catch (e) {
      this.tell(e.message, true);
    }
  }

  /** befall does something to the selected peers, as far as it can befall them. */
  befall(what) {
    const b = buttons.find((b) => b.what === what);
    const peers = [...this.dots.selected].filter((n) => b.can(this.store.peers.get(n) ?? {}));
    const why = this.#why || this.lab.why(b.needs ?? what) || (peers.length ? "" : `select a peer first: nobody is selected whom one could ${what}`);
    if (why) return this.tell(why, true);
    return this.#do({ fault: what, peers: peers.join(), ...b.more });
  }

  /** key is the button whose key that is, for those who are selected. */
  key(k) {
    const chosen = [...this.dots.selected].map((n) => this.store.peers.get(n)).filter(Boolean);
    const all = buttons.filter((b) => b.key === k);
    const b = all.find((b) => chosen.some(b.can)) ?? all[0];
    if (b) this.befall(b.what);
    return Boolean(b);
  }

  cut() {
    const typed = $("cut-groups").value.trim() || this.suggestion();
    const groups = typed.split(/[|/]/).map((g) => g.trim().split(/[\s,]+/).filter(Boolean));
    return this.#do({ fault: "partition", groups: groups.map((g) => g.join()).join("/") });
  }

  /** suggestion is the selected peers against the others, or one half against the other. */
  suggestion() {
    const folk = [...this.store.peers.values()].filter((p) => p.alive).map((p) => p.n).sort((a, b) => a - b);
    const chosen = folk.filter((n) => this.dots.selected.has(n));
    if (chosen.length && chosen.length < folk.length) return folk.filter((n) => !chosen.includes(n)).join(" ") + " | " + chosen.join(" ");
    const half = Math.ceil(folk.length / 2);
    return folk.slice(0, half).join(" ") + " | " + folk.slice(half).join(" ");
  }

  heal() {
    return this.#do({ fault: "heal" });
  }

  more() {
    const alive = [...this.store.peers.values()].filter((p) => p.alive).length;
    return this.#do({ fault: "scale", count: alive + 1 });
  }

  async #do(request) {
    const why = this.#why || (this.lab.connected ? (this.lab.info?.token ? "" : this.lab.why("")) : "the lab does not answer");
    if (why) return this.tell(why, true);
    try {
      const o = await this.lab.fault(request);
      this.tell(o.text);
    } catch (e) {
      this.tell(e.message, true);
    }
  }

  tell(text, bad = false) {
    $("outcome").classList.toggle("bad", bad);
    set($("outcome"), plain(text));
  }

  /** faults tells how the mesh takes what was done, as it becomes known. */
  faults(list_) {
    for (const f of list_ ?? []) {
      if (f.n < this.#watching) continue;
      this.#watching = f.n;
      const how = saidOfFault(f);
      if (how) this.tell(`${short(f.what, 36)}: ${how}`);
    }
  }

  suggest() {
    const text = this.suggestion();
    $("cut-groups").placeholder = text.length > 40 ? "half against half" : text;
  }
}

/** able switches a button off with a reason, which stays readable and reachable. */
function able(e, why, title) {
  e.setAttribute("aria-disabled", String(Boolean(why)));
  e.title = why || title;
}

