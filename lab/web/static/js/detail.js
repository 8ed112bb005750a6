// What is to be known of one thing: a message's tree with its times, a peer's links, a trace, a fault.

import { $, el, fill } from "./dom.js";
import { clock, count, list, plain, short, span } from "./text.js";
import { saidOfFault } from "./strip.js";
import { waterfall } from "./waterfall.js";

export class Detail {
  #what = null; // {kind, id}
  #asked = 0;
  #due = 0;

  constructor(lab, store, dots) {
    Object.assign(this, { lab, store, dots, box: $("detail") });
    this.hint();
  }

  hint() {
    this.#what = null;
    fill(this.box, el("p.none", {}, "Select a peer in the picture, or a message in the list."));
  }

  /** pick shows what was chosen in a list. */
  pick(tab, v) {
    if (tab === "messages") return this.message(v);
    if (tab === "events") return v.trace ? this.trace(v.trace, v.text) : this.event(v);
    if (tab === "heals") return v.trace ? this.trace(v.trace, `${this.store.name(v.peer)} heals`, v.fault) : this.heal(v);
    return this.trace(v.trace, `${this.store.name(v.peer)} finds ${v.found}`);
  }

  /** changed shows again what has changed meanwhile. */
  changed(batch) {
    const w = this.#what;
    if (w?.kind === "message" && batch.messages?.some((m) => m.n === w.id)) this.#again();
    if (w?.kind === "peer" && (batch.links || batch.gone || batch.peers)) this.peer(w.id);
    if (w?.kind === "fault" && batch.faults?.some((f) => f.n === w.id)) this.fault(this.store.faults.get(w.id));
  }

  /** #again asks for a message's account once more, but not for every hop of it. */
  #again() {
    if (this.#due) return;
    this.#due = setTimeout(() => {
      this.#due = 0;
      const m = this.store.messages.get(this.#what?.id);
      if (this.#what?.kind === "message" && m) this.message(m);
    }, 250);
  }

  async message(m) {
    const same = this.#what?.kind === "message" && this.#what.id === m.n;
    this.#what = { kind: "message", id: m.n };
    const asked = ++this.#asked;
    if (!same) fill(this.box, el("h2", {}, short(m.text, 80)));
    let a;
    try {
      a = await this.lab.explain(m.id);
    } catch (e) {
      if (asked === this.#asked) fill(this.box, el("h2", {}, short(m.text, 80)), el("p.bad", {}, e.message));
      return;
    }
    if (asked !== this.#asked) return; // something else was chosen meanwhile
    fill(this.box, this.#head(a), this.#tree(a), this.#missing(a), this.#traceLink(a.trace, `“${short(a.text, 30)}”`));
  }

  #head(a) {
    const words = [`from ${short(a.name, 30)} at ${clock(Date.parse(a.said), 3)}: heard by ${a.heard} of ${a.owed}`];
    if (a.took_ms >= 0) words.push(`in ${span(a.took_ms)}`);
    if (a.further) words.push(`; ${count(a.further, "copy")} too many`);
    else if (a.traced && a.heard) words.push("; no copy wasted");
    return [el("h2", {}, short(a.text, 80)), el("p" + (a.missing.length ? ".bad" : ""), {}, words.join(" ").replace(" ;", ";"))];
  }

  #tree(a) {
    const end = firstRun(a.tree.map((t) => t.at_ms));
    const at = new Map(a.tree.map((t) => [t.peer, t.at_ms]));
    // However deep it is, there is room for a name like peer-50.
    const deepest = Math.max(1, ...a.tree.map((t) => t.depth));
    const step = Math.min(0.9, 6 / deepest);
    const tree = el(
      "ol.tree",
      { "aria-label": "Who told whom" },
      a.tree.map((t) => {
        const from = Math.min(1, (t.depth > 1 || t.from ? (at.get(t.from) ?? 0) : 0) / end);
        const to = Math.min(1, t.at_ms / end);
        const bar = el("span.run." + (t.how || "unknown") + (t.at_ms > end ? ".beyond" : ""));
        const left = Math.min(from, t.at_ms > end ? 0.6 : 1);
        bar.style.left = left * 100 + "%";
        bar.style.width = Math.max(0.6, (to - left) * 100) + "%";
        const how = t.depth === 0 ? "published" : t.how || "?";
        const why = [t.why, t.how || !t.depth ? "" : "told by somebody whose span has not come"].filter(Boolean).join("; ");
        const name = el("span.name", {}, short(t.name, 24));
        name.style.paddingLeft = t.depth * step + "em";
        return el(
          "li",
          { title: t.from ? `told by ${short(t.peer === t.from ? "itself" : this.store.name(t.from), 30)}` : undefined },
          name,
          el("span.lane", {}, bar),
          el("span.took", {}, t.depth ? span(t.at_ms) : ""),
          el("span.how", {}, how),
          why || t.copies?.length ? el("span.why", {}, why, copies(t.copies ?? [])) : null,
        );
      }),
    );
    tree.style.setProperty("--name", Math.max(8.5, deepest * step + 5) + "em");
    return tree;
  }

  #missing(a) {
    const out = [];
    if (a.missing.length) {
      out.push(
        el("h3", {}, "Not heard by"),
        el(
          "ul.missing",
          {},
          a.missing.map((x) => {
            const since = x.since ? ` since ${clock(Date.parse(x.since), 1)}` : "";
            const part = x.part.length > 1 ? `; its part is ${list(x.part)}` : "";
            const kept = x.kept_until ? `; kept for it by ${count(x.kept.length, "peer")} until ${clock(Date.parse(x.kept_until))}` : "; nobody keeps it any more";
            return el("li", {}, el("b", {}, short(x.name, 30)), " " + plain(x.why) + since + part + kept);
          }),
        ),
      );
    }
    if (a.others.length) {
      out.push(el("ul.others", { "aria-label": "Not owed to" }, a.others.slice(0, 12).map((o) => el("li", {}, `not owed to ${short(o.name, 30)}: ${plain(o.why)}`))));
      if (a.others.length > 12) out.push(el("p.others", {}, `and to ${a.others.length - 12} others`));
    }
    return out;
  }

  #traceLink(trace, title) {
    if (!trace) return null;
    const jaeger = this.lab.jaeger(trace);
    return el(
      "p.trace",
      {},
      "trace ",
      el("code", {}, trace),
      " ",
      el("button", { type: "button", onclick: () => this.trace(trace, title) }, "spans"),
      jaeger ? [" ", el("a", { href: jaeger, target: "_blank", rel: "noopener noreferrer" }, "in Jaeger ↗")] : null,
    );
  }

  async trace(trace, title, fault) {
    this.#what = { kind: "trace", id: trace };
    const asked = ++this.#asked;
    const jaeger = this.lab.jaeger(trace);
    const f = this.store.faults.get(fault);
    const head = [
      el("h2", {}, short(title, 80)),
      el("p", {}, el("code", {}, trace), jaeger ? [" ", el("a", { href: jaeger, target: "_blank", rel: "noopener noreferrer" }, "in Jaeger ↗")] : null),
      f ? el("p", {}, "caused by ", el("button", { type: "button", onclick: () => this.fault(f) }, f.what)) : null,
    ];
    fill(this.box, head, el("p.none", {}, "…"));
    try {
      const t = await this.lab.trace(trace);
      if (asked === this.#asked) fill(this.box, head, waterfall(t.spans, (id, name) => this.trace(id, name)));
    } catch (e) {
      if (asked === this.#asked) fill(this.box, head, el("p.bad", {}, e.message));
    }
  }

  event(e) {
    this.#what = { kind: "event", id: e.n };
    this.#asked++;
    fill(this.box, el("h2", {}, e.peer ? short(this.store.name(e.peer), 40) : "The lab"), el("p", {}, clock(e.at, 3) + "  " + plain(e.text)));
    const fault = [...this.store.faults.values()].find((f) => e.kind === "fault" && Math.abs(f.at - e.at) < 1 && f.what === e.text);
    if (fault) this.fault(fault);
  }

  heal(h) {
    this.#what = { kind: "heal", id: h.n };
    this.#asked++;
    fill(this.box, el("h2", {}, short(this.store.name(h.peer), 40) + " heals"), el("p", {}, `lost a link; ${h.outcome} after ${span(h.took_ms)}`), el("p.none", {}, "Its span has not come."));
  }

  fault(f) {
    this.#what = { kind: "fault", id: f.n };
    this.#asked++;
    const heals = f.heals.map((n) => this.store.heals.get(n)).filter(Boolean);
    fill(
      this.box,
      el("h2", {}, "Fault: " + short(f.what, 60)),
      el("p", {}, clock(f.at, 3) + (f.peers.length ? `, on ${list(f.peers)}` : "")),
      el("p", {}, saidOfFault(f) || "nothing has come of it yet"),
      heals.length ? el("h3", {}, count(heals.length, "peer") + " had to mend") : null,
      el(
        "ul.others",
        {},
        heals.map((h) => el("li", {}, `${short(this.store.name(h.peer), 30)}: ${h.outcome} after ${span(h.took_ms)} `, h.trace ? el("button", { type: "button", onclick: () => this.trace(h.trace, this.store.name(h.peer) + " heals", f.n) }, "spans") : null)),
      ),
      this.#traceLink(f.trace, f.what),
    );
  }

  peer(n) {
    const p = this.store.peers.get(n);
    if (!p) return this.hint();
    this.#what = { kind: "peer", id: n };
    this.#asked++;
    const links = [...this.store.links.values()].filter((l) => l.from === n || l.to === n);
    const state = !p.alive ? { kill: "killed", stop: "stopped" }[p.ended] ?? "ended" : p.paused ? "paused" : "runs";
    const words = [state, p.root && "is the root", p.siphoner && "takes links and serves none"].filter(Boolean);
    if (!p.root && p.follows && p.alive) words.push("follows " + short(this.store.name(p.follows), 30));
    fill(
      this.box,
      el("h2", {}, short(p.name, 63)),
      el("p", {}, words.join(", ") + (p.run > 1 ? `; run ${p.run}` : "")),
      el("p.dim", {}, [p.addr, p.id && el("code", {}, p.id)].filter(Boolean).flatMap((x, i) => (i ? ["  ", x] : [x]))),
      links.length ? this.#links(n, links) : el("p.none", {}, "no links"),
      p.alive && p.slots?.links ? el("p.dim", {}, `${p.slots.out} of ${p.slots.links} links out, ${p.slots.in} of ${p.slots.serve} served`) : null,
    );
  }

  #links(n, links) {
    const row = (l) => {
      const far = l.from === n ? l.to : l.from;
      const push = l.from === n ? l.push : [l.push[1], l.push[0]];
      const mode = l.state !== "up" ? l.state : push[0] && push[1] ? "eager" : !push[0] && !push[1] ? "lazy" : push[0] ? "eager out, lazy in" : "lazy out, eager in";
      return el(
        "tr",
        {},
        el("td", {}, l.from === n ? "→" : "←"),
        el("td", {}, el("button", { type: "button", onclick: () => this.dots.select([far]) }, short(this.store.name(far), 24))),
        el("td." + (l.state === "dying" ? "bad" : ""), {}, mode),
        el("td", {}, l.rtt_us ? span(l.rtt_us / 1000) : "–"),
        el("td", {}, span(this.store.at - l.since)),
      );
    };
    return el(
      "table.links",
      {},
      el("thead", {}, el("tr", {}, ["", "neighbor", "mode", "round trip", "age"].map((h) => el("th", { scope: "col" }, h)))),
      el("tbody", {}, links.sort((a, b) => a.from - b.from || a.to - b.to).map(row)),
    );
  }
}

/** firstRun is when the last of those had a message who had it at once. Bars show that time: what came seconds later, over
 * a link that was new, would flatten them all. */
function firstRun(times) {
  const sorted = times.filter((t) => t > 0).sort((x, y) => x - y);
  for (let i = 1; i < sorted.length; i++) if (sorted[i] > 50 && sorted[i] > sorted[i - 1] * 8) return sorted[i - 1];
  return sorted.at(-1) ?? 1;
}

/** copies says which further copies came, a few of them one by one. */
function copies(all) {
  const few = all.length > 3 ? 2 : all.length;
  const words = all.slice(0, few).map((c) => `another copy from ${short(c.name, 24)} at ${span(c.at_ms)}${c.pruned ? ": pruned" : ""}`);
  if (all.length > few) words.push(`and ${all.length - few} more`);
  return words.map((w) => el("span.copy", {}, " · " + w));
}
