// Talking with the lab: what it is, its stream of changes, and what can be asked and done.

export class Lab extends EventTarget {
  info = null;
  connected = false;
  trouble = ""; // why it is not, in the lab's own words if it says anything
  #source = null;
  #timer = 0;
  #wait = 250;

  constructor(store) {
    super();
    this.store = store;
  }

  /** open listens to the lab, and comes back for as long as the page is open. Another lab may answer then. */
  async open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    try {
      const info = await ask("/api/page");
      if (this.info && this.info.boot !== info.boot) {
        this.store.clear();
        this.#tell("another");
      }
      this.info = info;
      this.#tell("info");
    } catch {
      return this.#again();
    }
    const s = (this.#source = new EventSource("/api/stream"));
    s.addEventListener("state", (e) => {
      this.#heard();
      this.store.state(JSON.parse(e.data));
    });
    s.addEventListener("batch", (e) => {
      this.#heard();
      this.store.batch(JSON.parse(e.data), performance.now());
    });
    s.addEventListener("error", async () => {
      if (s !== this.#source) return;
      s.close();
      const why = this.connected ? "" : await refusal("/api/stream");
      if (s === this.#source) this.#again(why);
    });
  }

  #heard() {
    this.#wait = 250;
    if (!this.connected) {
      this.connected = true;
      this.trouble = "";
      this.#tell("connection");
    }
  }

  #again(why = "") {
    this.#source?.close();
    this.#source = null;
    if (this.connected || !this.info || this.trouble !== why) {
      this.connected = false;
      this.trouble = why;
      this.#tell("connection");
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.open(), this.#wait);
    this.#wait = Math.min(4000, this.#wait * 1.6);
  }

  #tell(type) {
    this.dispatchEvent(new Event(type));
  }

  /** why is the reason for which a fault cannot be made here, or nothing. */
  why(fault) {
    if (!this.connected) return this.trouble || "the lab does not answer";
    return this.info?.token ? (this.info.cannot[fault] ?? "") : (this.info?.why ?? "");
  }

  send(from, text) {
    return this.#post("/api/send", { from: String(from), text, no_wait: true });
  }

  fault(request) {
    return this.#post("/api/fault", request);
  }

  #post(path, body) {
    return ask(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Lab-Token": this.info?.token ?? "" },
      body: JSON.stringify(body),
    });
  }

  explain(id) {
    return ask("/api/explain?message=" + encodeURIComponent(id));
  }

  trace(id) {
    return ask("/api/traces/" + encodeURIComponent(id));
  }

  replay(at, seconds) {
    return ask(`/api/replay?at=${Math.round(at)}&for=${seconds}`);
  }

  /** jaeger is a trace's address, where there is a Jaeger. */
  jaeger(trace) {
    return this.info?.jaeger ? this.info.jaeger.replace(/\/$/, "") + "/trace/" + trace : "";
  }
}

/** refusal is why the lab gives no stream, or nothing: a browser does not tell the error that one was refused with. */
async function refusal(path) {
  const stop = new AbortController();
  try {
    const r = await fetch(path, { cache: "no-store", signal: stop.signal });
    return r.ok ? "" : ((await r.json()).error ?? "");
  } catch {
    return "";
  } finally {
    stop.abort();
  }
}

/** ask returns what the lab answers, or throws the error that it gives. */
async function ask(path, options) {
  const r = await fetch(path, { cache: "no-store", ...options });
  const body = await r.json().catch(() => ({}));
  if (!r.ok) throw new Error(body.error ?? "the lab answers " + r.status);
  return body;
}
