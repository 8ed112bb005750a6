// A trace's spans beneath each other, as bars in time.

import { el } from "./dom.js";
import { count, plain, short, span } from "./text.js";

const most = 400; // rows

/** waterfall shows spans; open is called for a span's link to another trace. */
export function waterfall(spans, open) {
  const start = Math.min(...spans.map((s) => s.start_us));
  const end = Math.max(...spans.map((s) => s.end_us), start + 1);
  const rows = tree(spans).slice(0, most);
  return [
    el("p.dim", {}, `${count(spans.length, "span")} of ${count(new Set(spans.map((s) => s.who)).size, "peer")} in ${span((end - start) / 1000)}` + (spans.length > most ? `; the first ${most}` : "")),
    el("ol.tree.spans", { "aria-label": "Spans" }, rows.map(([s, depth]) => row(s, depth, start, end, open))),
  ];
}

function row(s, depth, start, end, open) {
  const bar = el("span.run." + kind(s) + (s.error ? ".failed" : ""));
  bar.style.left = (100 * (s.start_us - start)) / (end - start) + "%";
  bar.style.width = Math.max(0.6, (100 * (s.end_us - s.start_us)) / (end - start)) + "%";
  const name = el("span.name", {}, short(s.who, 24));
  name.style.paddingLeft = Math.min(depth, 14) * 0.7 + "em";
  const more = el("dl.more", { hidden: true });
  const toggle = el(
    "button.line",
    {
      type: "button",
      "aria-expanded": "false",
      onclick: () => {
        more.hidden = !more.hidden;
        toggle.setAttribute("aria-expanded", String(!more.hidden));
        if (!more.childElementCount) more.append(...facts(s, open));
      },
    },
    name,
    el("span.lane", {}, bar),
    el("span.took", { title: "when it began" }, "+" + span((s.start_us - start) / 1000)),
    el("span.how", {}, plain(s.name), outcome(s)),
  );
  return el("li", {}, toggle, more);
}

const kind = (s) => s.name.split(" ")[0].replace(/[^a-z-]/g, "");

function outcome(s) {
  const a = s.attributes ?? {};
  const words = [a["hearsay.outcome"], a["hearsay.reason"], a["hearsay.why"]].filter(Boolean);
  return words.length ? el("span", {}, " · " + plain(words.join(": "))) : null;
}

function facts(s, open) {
  const fact = (k, ...v) => [el("dt", {}, plain(k)), el("dd", {}, v)];
  const list = Object.entries(s.attributes ?? {}).sort((a, b) => (a[0] < b[0] ? -1 : 1));
  return [
    ...fact("kind", s.kind),
    ...fact("took", span((s.end_us - s.start_us) / 1000)),
    ...(s.error ? fact("error", plain(s.error)) : []),
    ...list.flatMap(([k, v]) => fact(k, plain(v))),
    ...(s.events ?? []).flatMap((e) => fact("+" + span((e.at_us - s.start_us) / 1000) + " " + e.name, Object.values(e.attributes ?? {}).map(plain).join(", "))),
    ...(s.links ?? []).filter((l) => l.attributes?.["hearsay.cause"] || l.attributes?.["opentracing.ref_type"] === undefined).flatMap((l) =>
      fact("link", el("button", { type: "button", onclick: () => open(l.trace, "linked trace") }, short(l.attributes?.["hearsay.cause"] ?? "another trace", 30))),
    ),
  ];
}

/** tree orders spans depth first beneath their parents, the earlier first. What has no parent here begins a tree. */
function tree(spans) {
  const ids = new Set(spans.map((s) => s.id));
  const below = new Map();
  const roots = [];
  for (const s of spans) {
    if (s.parent && ids.has(s.parent) && s.parent !== s.id) below.set(s.parent, [...(below.get(s.parent) ?? []), s]);
    else roots.push(s);
  }
  const out = [];
  const done = new Set();
  const walk = (s, depth) => {
    if (done.has(s.id)) return;
    done.add(s.id);
    out.push([s, depth]);
    for (const c of below.get(s.id) ?? []) walk(c, depth + 1);
  };
  for (const s of roots) walk(s, 0);
  for (const s of spans) walk(s, 0); // parents in a circle, which no honest peer sends
  return out;
}
