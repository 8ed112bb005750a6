// The strip of figures at the top.

import { el, set } from "./dom.js";
import { count, span } from "./text.js";

export class Strip {
  constructor(box) {
    this.box = box;
    this.cells = {};
    this.names = {};
    for (const [k, title] of [
      ["peers", "peers"], ["links", "links"], ["parts", "parts"], ["last", "last message"], ["copies", "copies"], ["healed", "healed in"],
    ]) {
      const dd = el("dd", { id: "figure-" + k });
      this.cells[k] = dd;
      box.append(el("div", { id: "cell-" + k }, (this.names[k] = el("dt", {}, title)), dd));
    }
    this.cells.copies.parentElement.title = "copies that a peer receives of each message: 1 is the least";
    this.cells.healed.parentElement.title = "from the last fault until the mesh was whole again";
    this.cells.last.parentElement.title = "how many have the newest message of those who are owed it, and how long it took";
  }

  /** show shows a store's figures; m is the newest message of that time. */
  show(store, m) {
    const f = store.figures;
    if (!f) return;
    for (const k of ["peers", "links", "parts"]) {
      set(this.cells[k], String(f[k]));
      set(this.names[k], f[k] === 1 ? k.slice(0, -1) : k);
    }
    this.cells.parts.parentElement.classList.toggle("bad", f.parts > 1);
    const cut = f.parts > 1 && store.cut.length > 1;
    this.cells.parts.parentElement.title = !f.meshed ? f.why : cut ? "the network is cut, and each side is a mesh" : "one mesh, and everybody has two neighbors";
    set(this.cells.last, m ? `${m.heard}/${m.owed}` + (m.took_ms >= 0 ? " in " + span(m.took_ms) : "") : "–");
    this.cells.last.parentElement.classList.toggle("bad", Boolean(m) && m.heard < m.owed);
    set(this.cells.copies, f.rmr > -1 ? (f.rmr + 1).toFixed(2) : "–");
    set(this.names.healed, cut ? "each side whole in" : "healed in");
    set(this.cells.healed, span(f.healed_ms));
  }
}

/** saidOfFault tells of a fault and how the mesh took it, in a sentence. */
export function saidOfFault(f) {
  const words = [];
  if (f.noticed_ms >= 0 && f.neighbors) words.push(`${count(f.neighbors, "neighbor")} noticed in ${span(f.noticed_ms)}`);
  if (f.slots_ms >= 0) words.push("slots full after " + span(f.slots_ms));
  if (f.healed_ms >= 0) words.push((f.kind === "partition" || f.kind === "isolate" ? "each side whole " : "whole ") + (f.healed_ms < 0.05 ? "at once" : "after " + span(f.healed_ms)));
  if (f.flowed_ms >= 0) words.push("a message everywhere after " + span(f.flowed_ms));
  return words.join("; ");
}

