// Words and numbers for people.

// What would end a line, or reorder what stands beside it, is written out, as the lab's commands do. Isolating it in
// CSS would keep the neighbours in order but still show a name that reads as another one.
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** plain is a peer's text, made inert. */
export function plain(s) {
  return String(s ?? "").replace(unsafe, (c) => {
    if (c === "\n") return "\\n";
    if (c === "\t") return "\\t";
    const n = c.codePointAt(0);
    return n < 0x100 ? "\\x" + n.toString(16).padStart(2, "0") : "\\u" + n.toString(16).padStart(4, "0");
  });
}

/** short cuts a text to so many characters. */
export function short(s, most) {
  const all = [...plain(s)];
  return all.length > most ? all.slice(0, most - 1).join("") + "…" : all.join("");
}

/** span is a duration in milliseconds: 0.4 ms, 11 ms, 4.2 s, 9 min 51 s. */
export function span(ms) {
  if (!(ms >= 0)) return "–";
  if (ms < 10) return ms.toFixed(1) + " ms";
  if (ms < 1000) return Math.round(ms) + " ms";
  if (ms < 60000) return (ms / 1000).toFixed(1) + " s";
  const s = Math.round(ms / 1000);
  return Math.floor(s / 60) + " min " + (s % 60) + " s";
}

/** clock is the time of day, with so many decimals. */
export function clock(ms, decimals = 0) {
  const d = new Date(ms);
  const two = (n) => String(n).padStart(2, "0");
  const t = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
  return decimals ? t + "." + String(d.getMilliseconds()).padStart(3, "0").slice(0, decimals) : t;
}

/** count is a number of things: 1 peer, 2 peers. */
export function count(n, thing) {
  if (n === 1) return "1 " + thing;
  return n + " " + (thing.endsWith("y") ? thing.slice(0, -1) + "ies" : thing + "s");
}

/** list is numbers as people type them. */
export const list = (numbers) => numbers.join(", ");
