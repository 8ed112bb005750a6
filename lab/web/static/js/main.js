// The page: what is shown where, and who tells whom of changes.

import { Detail } from "./detail.js";
import { $, set } from "./dom.js";
import { Dots } from "./dots.js";
import { Hands } from "./hands.js";
import { keys } from "./keys.js";
import { Lab } from "./lab.js";
import { Layout } from "./layout.js";
import { Lists } from "./lists.js";
import { Replay } from "./replay.js";
import { Scene } from "./scene.js";
import { Store } from "./store.js";
import { Strip } from "./strip.js";
import { short, span } from "./text.js";

const now = new Store(); // live
const lab = new Lab(now);
const layout = new Layout();
const dots = new Dots($("dots"));
const scene = new Scene($("stage"), $("links"), $("moves"), layout, dots);
const strip = new Strip($("figures"));
const lists = new Lists(now);
const detail = new Detail(lab, now, dots);
const hands = new Hands(lab, now, dots);
const replay = new Replay(lab, now);
keys({ dots, hands, lists, replay });
scene.show(now);

/** shown is the store that the picture shows. */
const shown = () => (replay.live ? now : replay.store);

for (const store of [now, replay.store]) {
  store.addEventListener("state", () => store === shown() && (scene.show(store), refresh()));
  store.addEventListener("batch", (e) => {
    if (store !== shown()) return;
    scene.changed(e.detail);
    refresh();
  });
}

/** refresh writes everything around the picture, at most ten times a second: nobody reads faster. */
let refreshing = 0;
function refresh() {
  refreshing ||= setTimeout(write, 100);
}

function write() {
  refreshing = 0;
  strip.show(shown(), now.last("messages", replay.live ? Infinity : replay.at));
  hands.show();
  hands.suggest();
  lists.redraw();
  legend();
}

now.addEventListener("change", (e) => {
  now.heard = performance.now();
  if (e.detail.batch) {
    detail.changed(e.detail.batch);
    if (replay.live) hands.faults(e.detail.batch.faults);
  }
});

lab.addEventListener("connection", connection);
lab.addEventListener("info", () => {
  document.title = `${lab.info.name} · hearsay lab`;
  connection();
});
lab.addEventListener("another", () => {
  replay.goLive();
  layout.places.clear();
  dots.select([]);
  detail.hint();
  scene.show(now);
  hands.tell("The lab was started anew.");
});

function connection() {
  const live = $("live");
  live.classList.toggle("off", !lab.connected);
  live.classList.toggle("past", !replay.live);
  set(live, !lab.connected ? `○ ${lab.trouble || "the lab does not answer"}; trying again` : replay.live ? "● live" : "◷ the past");
  document.body.classList.toggle("off", !lab.connected);
  set($("now"), lab.connected ? "● live" : "○ live");
  hands.show();
}

replay.addEventListener("past", () => {
  hands.past(true);
  scene.show(replay.store);
  connection();
});
replay.addEventListener("moment", () => {
  lists.until = replay.at;
  refresh();
  connection();
});
replay.addEventListener("live", () => {
  hands.past(false);
  lists.until = Infinity;
  scene.show(now);
  refresh();
  connection();
});

dots.addEventListener("select", () => {
  scene.chosen = dots.selected;
  scene.redraw();
  hands.suggest();
  if (dots.selected.size === 1) detail.peer([...dots.selected][0]);
  else if (!dots.selected.size) detail.hint();
});
lists.addEventListener("pick", (e) => detail.pick(e.detail.tab, e.detail.value));

// What is beneath the pointer: a peer's links stand out, a link says what it is.
dots.addEventListener("hover", (e) => {
  scene.pointed = e.detail;
  scene.redraw();
});
$("stage").addEventListener("pointermove", (e) => {
  const tip = $("tip");
  const box = $("stage").getBoundingClientRect();
  const x = e.clientX - box.left;
  const y = e.clientY - box.top;
  const l = e.target.closest(".dot, .legend") ? null : scene.linkAt(x, y);
  tip.hidden = !l;
  if (!l) return;
  const s = shown();
  const mode = l.state !== "up" ? l.state : l.eager ? "eager" : "lazy";
  set(tip, `${short(s.name(l.from), 24)} → ${short(s.name(l.to), 24)}: ${mode}, ${span(s.at - l.since)} old` + (l.rtt_us ? `, round trip ${span(l.rtt_us / 1000)}` : ""));
  tip.style.transform = `translate(${Math.min(x + 12, box.width - tip.offsetWidth - 6)}px, ${Math.max(4, y - 32)}px)`;
});
$("stage").addEventListener("pointerleave", () => ($("tip").hidden = true));
$("stage").addEventListener("click", (e) => e.target.closest(".dot, .legend") || dots.select([]));

function legend() {
  const n = scene.pulses.slowed;
  set($("legend-pulse"), n > 1.5 ? `a message, slowed down ${Math.round(n)} times` : "a message, slowed down");
}

setInterval(() => replay.tick(), 500);

// For whoever measures the page from outside.
window.hearsay = { scene, layout, store: now, lab };

lab.open();
