// Building the page from values. Text only ever becomes text: nothing here, or anywhere, makes markup of a string.

/** el makes an element: el("p.note", {title: "…"}, "text", child, …). */
export function el(what, attributes = {}, ...children) {
  const [name, ...classes] = what.split(".");
  const e = document.createElement(name || "div");
  if (classes.length) e.className = classes.join(" ");
  for (const [k, v] of Object.entries(attributes)) {
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else if (v === true) e.setAttribute(k, "");
    else if (v !== false && v !== undefined && v !== null) e.setAttribute(k, v);
  }
  put(e, children);
  return e;
}

/** put appends children, which are elements or texts. */
function put(e, children) {
  for (const c of children.flat(Infinity)) {
    if (c !== null && c !== undefined && c !== false) e.append(c instanceof Node ? c : document.createTextNode(String(c)));
  }
}

/** fill has an element hold these children and nothing else. */
export function fill(e, ...children) {
  e.replaceChildren();
  put(e, children);
}

/** set writes a text unless it is there already, so that nothing is laid out for nothing. */
export function set(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

export const $ = (id) => document.getElementById(id);
