// The lists of what happened: messages, events, discoveries, heals; each with a filter.

import { $, el, fill, set } from "./dom.js";
import { clock, list, plain, short, span } from "./text.js";

const shown = 150; // rows at most; older ones are found by the filter

const kinds = {
  messages: { all: () => true, "missed by somebody": (m) => m.heard < m.owed, "with copies too many": (m) => m.copies > 0 },
  events: {
    "all but links": (e) => !["link-up", "link-down", "eager", "lazy", "log"].includes(e.kind),
    everything: () => true,
    faults: (e) => e.kind === "fault",
    "starts and ends": (e) => ["started", "ended", "paused", "resumed"].includes(e.kind),
    links: (e) => ["link-up", "link-down", "eager", "lazy"].includes(e.kind),
    roots: (e) => e.kind === "rooted",
    logs: (e) => e.kind === "log",
  },
  discoveries: { all: () => true, linked: (d) => d.outcome === "linked", "not linked": (d) => d.outcome !== "linked" },
  heals: { all: () => true, "slower than 100 ms": (h) => h.took_ms > 100 },
};

export class Lists extends EventTarget {
  tab = "messages";
  until = Infinity; // what happened later is not shown: replay
  #store;
  #chosen = { kind: {}, row: null };
  #asked = 0;
  #rows = new Map();

  constructor(store) {
    super();
    this.#store = store;
    for (const t of Object.keys(kinds)) {
      $("tabs").append(
        el("button", { type: "button", role: "tab", id: "tab-" + t, "aria-controls": "list", "aria-selected": "false", tabindex: -1, onclick: () => this.open(t) }, t),
      );
    }
    $("tabs").addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      const all = Object.keys(kinds);
      this.open(all[(all.indexOf(this.tab) + step + all.length) % all.length]);
      $("tab-" + this.tab).focus();
      e.preventDefault();
    });
    $("filter").addEventListener("input", () => this.redraw());
    $("kind").addEventListener("change", () => {
      this.#chosen.kind[this.tab] = $("kind").value;
      this.redraw();
    });
    $("list").addEventListener("click", (e) => this.#pick(e.target.closest("[data-id]")));
    $("list").addEventListener("keydown", (e) => {
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        const row = document.activeElement.closest("[data-id]");
        const next = e.key === "ArrowDown" ? (row?.nextElementSibling ?? $("list").firstElementChild) : row?.previousElementSibling;
        next?.focus();
        e.preventDefault();
      }
    });
    this.open("messages");
  }

  open(tab) {
    this.tab = tab;
    for (const t of Object.keys(kinds)) {
      const on = t === tab;
      $("tab-" + t).setAttribute("aria-selected", String(on));
      $("tab-" + t).tabIndex = on ? 0 : -1;
    }
    $("list").setAttribute("aria-labelledby", "tab-" + tab);
    const names = Object.keys(kinds[tab]);
    fill($("kind"), names.map((k) => el("option", { value: k, selected: (this.#chosen.kind[tab] ?? names[0]) === k }, k)));
    this.#rows.clear();
    fill($("list"));
    this.redraw();
  }

  /** mark has a row look chosen. */
  mark(tab, id) {
    this.#chosen.row = tab + id;
    this.redraw();
  }

  redraw() {
    if (!this.#asked) this.#asked = requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#asked = 0;
    const store = this.#store;
    const what = $("filter").value.toLowerCase();
    const keep = kinds[this.tab][$("kind").value] ?? (() => true);
    const rows = [];
    const ids = store.order[this.tab];
    for (let i = ids.length - 1; i >= 0 && rows.length < shown; i--) {
      const v = store[this.tab].get(ids[i]);
      if (!v || v.at > this.until || !keep(v)) continue;
      const cells = this[this.tab](v);
      if (what && !cells.map((c) => String(c.text)).join(" ").toLowerCase().includes(what)) continue;
      rows.push(this.#row(ids[i], cells, v));
    }
    // Rows that stay are moved, not made anew: the focus stays with them, and so does what is being read.
    const box = $("list");
    const there = new Set(rows);
    for (const c of [...box.children]) if (!there.has(c)) c.remove();
    rows.forEach((r, i) => {
      if (box.children[i] !== r) box.insertBefore(r, box.children[i] ?? null);
    });
    if (!rows.length) fill(box, el("p.none", {}, what ? "nothing like that" : nothing[this.tab]));
    for (const [k, r] of this.#rows) if (!there.has(r.row)) this.#rows.delete(k);
  }

  #row(id, cells, v) {
    const look = cells.map((c) => c.text + (c.class ?? "")).join("\u0000");
    let r = this.#rows.get(id);
    if (!r) {
      const row = el("button.item." + this.tab, { type: "button", "data-id": id }, cells.map((c) => el("span." + c.name)));
      this.#rows.set(id, (r = { row, look: "" }));
    }
    if (r.look !== look) {
      r.look = look;
      cells.forEach((c, i) => {
        const e = r.row.children[i];
        set(e, c.text);
        if (c.name === "text") e.title = c.text;
        e.className = c.name + (c.class ? " " + c.class : "");
      });
    }
    r.value = v;
    r.row.classList.toggle("chosen", this.#chosen.row === this.tab + id);
    return r.row;
  }

  #pick(row) {
    if (!row) return;
    const id = row.dataset.id;
    const v = this.#store[this.tab].get(/^\d/.test(id) ? Number(id) : id);
    if (!v) return;
    this.mark(this.tab, id);
    this.dispatchEvent(new CustomEvent("pick", { detail: { tab: this.tab, value: v } }));
  }

  messages(m) {
    const all = m.heard >= m.owed;
    return [
      { name: "at", text: clock(m.at) },
      { name: "who", text: short(m.name, 20) },
      { name: "text", text: short(m.text, 160) },
      { name: "cover", text: `${m.heard}/${m.owed}`, class: all ? "" : "bad" },
      { name: "took", text: m.took_ms >= 0 ? span(m.took_ms) : "" },
      { name: "extra", text: m.traced && m.heard ? ((m.heard + m.copies) / m.heard).toFixed(1) + "×" : "" },
    ];
  }

  events(e) {
    const who = e.peer ? short(this.#store.name(e.peer), 20) : e.peers?.length ? list(e.peers) : "";
    return [
      { name: "at", text: clock(e.at, 1) },
      { name: "kind", text: e.kind, class: "is-" + e.kind.replace(/[^a-z-]/g, "") },
      { name: "who", text: e.kind === "fault" ? "lab" : who },
      { name: "text", text: plain(e.text) },
    ];
  }

  discoveries(d) {
    return [
      { name: "at", text: clock(d.at, 1) },
      { name: "who", text: short(this.#store.name(d.peer), 20) },
      { name: "text", text: `${d.by === "announcement" && d.why === "new-peer" ? "heard" : "found"} ${short(d.found, 40)} by ${d.by}` },
      { name: "cover", text: d.outcome + (d.why && d.outcome !== "linked" && d.why !== "new-peer" ? ": " + d.why : "") },
      { name: "took", text: span(d.took_ms) },
    ];
  }

  heals(h) {
    const f = this.#store.faults.get(h.fault);
    return [
      { name: "at", text: clock(h.at, 1) },
      { name: "who", text: short(this.#store.name(h.peer), 20) },
      { name: "text", text: (h.lost.length ? `lost ${h.lost.map((n) => short(n, 20)).join(", ")}` : "lost a link") + (f ? ` after “${f.what}”` : "") },
      { name: "cover", text: h.outcome },
      { name: "took", text: span(h.took_ms) },
    ];
  }
}

const nothing = {
  messages: "Nobody has said anything yet. Say something below the picture.",
  events: "Nothing has happened yet.",
  discoveries: "Nobody has found anybody yet, or no spans have come.",
  heals: "Nothing had to heal yet. Select a peer and kill it.",
};
