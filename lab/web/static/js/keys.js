// The keyboard. Single letters can be switched off, for those who speak to their machine.

import { $, el } from "./dom.js";

export function keys({ dots, hands, lists, replay }) {
  const table = [
    ["?", "show this", () => $("help").showModal()],
    ["/", "say something", () => $("say-text").focus(), "does"],
    ["f", "filter the list", () => $("filter").focus()],
    ["1 2 3 4", "messages, events, discoveries, heals", null],
    ["← ↑ → ↓", "go from peer to peer", null],
    ["enter", "select the peer that has the focus (with shift: one more)", null],
    ["a", "select all; again: nobody", () => all(dots, hands)],
    ["esc", "select nobody", () => dots.select([])],
    ["k", "kill the selected", () => hands.key("k"), "does"],
    ["s", "stop them", () => hands.key("s"), "does"],
    ["p", "pause them, or have them go on", () => hands.key("p"), "does"],
    ["i", "isolate them", () => hands.key("i"), "does"],
    ["r", "restart them, or start them again", () => hands.key("r"), "does"],
    ["c", "cut the mesh: the selected from the others, or in halves", () => hands.cut(), "does"],
    ["h", "heal the network", () => hands.heal(), "does"],
    ["+", "one more peer", () => hands.more(), "does"],
    [",  .", "a second back, a second forward", null],
    ["space", "play the past", () => replay.play()],
    ["l", "back to now", () => replay.goLive()],
  ];
  for (const [k, what, , kind] of table) {
    const dot = kind ? "." + kind : "";
    $("keys").append(el("dt" + dot, {}, k.split(/ +/).map((x) => [el("kbd", {}, x), " "])), el("dd" + dot, {}, what));
  }
  $("help-open").addEventListener("click", () => $("help").showModal());

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
    const t = e.target;
    if (e.key === "Escape" && t.matches("input, select")) return t.blur();
    if (t.matches("input, select, textarea")) return;
    const onDot = t.matches(".dot, body");
    if (arrows[e.key] && onDot) {
      dots.go(...arrows[e.key]);
      return e.preventDefault();
    }
    if (e.key !== "Escape" && e.key !== "?" && !$("keys-on").checked) return;
    if (e.key === " " && t.matches("button, a, [tabindex]") && t !== document.body) return;
    const k = e.key === " " ? "space" : e.key === "Escape" ? "esc" : e.key;
    if (/^[1-4]$/.test(k)) lists.open(["messages", "events", "discoveries", "heals"][k - 1]);
    else if (k === ",") replay.step(-1000);
    else if (k === ".") replay.step(1000);
    else {
      const row = table.find(([key, , f]) => f && key === k);
      if (!row) return;
      row[2]();
    }
    e.preventDefault();
  });
}

function all(dots, hands) {
  const folk = [...hands.store.peers.keys()];
  dots.select(dots.selected.size === folk.length ? [] : folk);
}
