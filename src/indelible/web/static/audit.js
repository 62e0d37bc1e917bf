// What the audit page does beyond its links and forms: keys, local time, and word of what is new.
// Nothing here is needed to read the log. The page may be replaced by htmx at any time: all is found anew when used.
(() => {
  "use strict";
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Keys: j and k go from entry to entry, o opens one, / is the search bar, ? tells of them.
  const entries = () => all(".audit-time a");
  const step = (by) => {
    const found = entries(), at = found.indexOf(document.activeElement?.closest?.(".audit-entry")?.querySelector(".audit-time a"));
    const next = found[Math.min(found.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : found.length - 1) : at + by))];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: () => document.activeElement?.closest?.(".audit-entry")?.querySelector(".audit-time a")?.click(),
    "/": () => $("#q")?.select(),
    "?": () => $("#audit-keys")?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, dialog")) return;
    if (event.target.closest?.(".audit-when-bars") && bar(event)) return event.preventDefault();
    const act = $("#audit") && keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // The bars are one stop of the tabulator; the arrows go from one to the next.
  function bar(event) {
    const found = all(".audit-when-bars a"), at = found.indexOf(document.activeElement);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: found.length - 1 }[event.key];
    if (to === undefined || !found[to]) return false;
    found.forEach((each, number) => each.setAttribute("tabindex", number === to ? 0 : -1));
    found[to].focus();
    return true;
  }

  // Times as they are here, if somebody wants that: kept for the next time.
  const ZONE = "indelible-zone";
  const zone = () => { try { return localStorage.getItem(ZONE) ?? "utc"; } catch { return "utc"; } };
  const two = (number) => String(number).padStart(2, "0");
  function times() {
    const local = zone() === "local";
    for (const time of all(".audit-time time")) {
      const at = new Date(time.dateTime);
      const [day, rest] = local
        ? [`${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`, `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`]
        : [time.dateTime.slice(0, 10), time.dateTime.slice(11, 19)];
      time.firstElementChild.textContent = day;
      time.lastChild.textContent = ` ${rest}`;
    }
    for (const note of all(".audit-zone-note")) note.textContent = local ? "local" : "UTC";
    for (const button of all(".audit-zone button")) {
      button.hidden = false;
      button.setAttribute("aria-pressed", String(button.value === zone()));
    }
  }
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest?.(".audit-zone button");
    if (!chosen) return;
    try { localStorage.setItem(ZONE, chosen.value); } catch { /* it is not kept, then */ }
    times();
  });

  // What is new is told, and shown when it is asked for: no row moves. A connection only while somebody looks.
  let source = null, address = null, from = null, fresh = 0, last = null;
  function listen() {
    const place = $("#audit-new");
    const wanted = place && !document.hidden ? place.dataset.live : null;
    const other = place && (place.dataset.live !== address || place.dataset.after !== from);
    if (other) { address = place.dataset.live; from = last = place.dataset.after; fresh = 0; tell(); }
    if (source && source.indelible === wanted && !other) return;
    source?.close();
    source = null;
    if (!wanted) return;
    source = new EventSource(`${wanted}&after=${last}`);
    source.indelible = wanted;
    source.onmessage = (event) => { last = event.lastEventId || last; fresh += 1; tell(); };
  }
  function tell() {
    const link = $("#audit-new a");
    if (!link) return;
    link.hidden = fresh === 0;
    link.textContent = `${fresh.toLocaleString("en")} new`;
  }
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", () => { source?.close(); source = null; });

  function begin() {
    all(".audit-when-bars a").forEach((each, number) => each.setAttribute("tabindex", number === 0 ? 0 : -1));
    times();
    listen();
  }
  document.addEventListener("htmx:after:swap", begin);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
