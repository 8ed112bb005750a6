// What is known of the mesh: a State, and the Batches that change it. Live and replay have one each.

const most = { messages: 300, events: 800, discoveries: 300, heals: 300, faults: 100 };

/** key is a pair of peers. */
export const key = (a, b) => (a < b ? a + "-" + b : b + "-" + a);

export class Store extends EventTarget {
  constructor() {
    super();
    this.clear();
  }

  clear() {
    this.seq = 0;
    this.at = 0;
    this.peers = new Map();
    this.links = new Map();
    this.cut = [];
    this.figures = null;
    for (const k of Object.keys(most)) this[k] = new Map();
    this.order = {}; // of each list, its keys, the oldest first
    for (const k of Object.keys(most)) this.order[k] = [];
  }

  /** state begins anew. What lists hold that the state does not is kept: it has happened all the same. */
  state(s) {
    this.seq = s.seq;
    this.at = s.at;
    this.peers = new Map((s.peers ?? []).map((p) => [p.n, p]));
    const before = this.links;
    this.links = new Map();
    for (const l of s.links ?? []) {
      const k = key(l.from, l.to);
      this.links.set(k, { ...l, born: before.has(k) ? before.get(k).born : -Infinity });
    }
    this.cut = s.cut ?? [];
    this.figures = s.figures ?? this.figures;
    this.lists(s);
    this.tell("state", { messages: s.messages ?? [] });
  }

  /** batch changes it; now is when, on the clock of frames. Of one that is known already nothing is new. */
  batch(b, now) {
    if (b.seq <= this.seq) return;
    this.seq = b.seq;
    this.at = b.at;
    for (const p of b.peers ?? []) this.peers.set(p.n, p);
    const gone = [];
    for (const l of b.gone ?? []) {
      const k = key(l.from, l.to);
      const was = this.links.get(k);
      if (was) gone.push({ ...was, why: l.why });
      this.links.delete(k);
    }
    const fresh = new Set(b.new ?? []);
    (b.links ?? []).forEach((l, i) => {
      const k = key(l.from, l.to);
      const was = this.links.get(k);
      this.links.set(k, { ...l, born: fresh.has(i) || !was ? now : was.born });
    });
    if (b.cut) this.cut = b.cut;
    if (b.figures) this.figures = b.figures;
    this.lists(b);
    this.tell("batch", { batch: b, gone, messages: b.messages ?? [], at: now });
  }

  lists(b) {
    for (const m of b.messages ?? []) {
      const was = this.messages.get(m.n);
      if (was && !m.hops) m.hops = was.hops;
    }
    for (const k of Object.keys(most)) {
      for (const v of b[k] ?? []) {
        const id = k === "events" ? (v.kind === "log" ? "l" : "e") + v.n : v.n;
        if (!this[k].has(id)) this.order[k].push(id);
        this[k].set(id, v);
      }
      while (this.order[k].length > most[k]) this[k].delete(this.order[k].shift());
    }
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }

  name(n) {
    return this.peers.get(n)?.name ?? (n ? "peer-" + n : "a stranger");
  }

  /** parts are the members of each part, in the order of the parts' numbers. */
  parts() {
    const parts = new Map();
    for (const p of this.peers.values()) {
      if (p.part) parts.set(p.part, [...(parts.get(p.part) ?? []), p.n]);
    }
    return [...parts.entries()].sort((a, b) => a[0] - b[0]).map((e) => e[1]);
  }

  /** last is the newest of a list that is not of later than a time. */
  last(k, until = Infinity) {
    for (let i = this.order[k].length - 1; i >= 0; i--) {
      const v = this[k].get(this.order[k][i]);
      if (v.at <= until) return v;
    }
  }
}
