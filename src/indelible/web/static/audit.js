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
  const typing = (where) => where.isContentEditable || where.closest?.("input, textarea, select, dialog, [role=textbox]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.target !== document.body && !event.target.closest?.("#audit")) return; // the host's own
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
  // Day, hour and offset: in autumn an hour comes twice, and the offset alone tells which it was.
  function spelled(time, end, local) {
    if (!local) return [time.dateTime.slice(0, 10), time.dateTime.slice(11, end), "UTC"];
    const at = new Date(time.dateTime), minutes = -at.getTimezoneOffset(), size = Math.abs(minutes);
    const here = new Date(at.getTime() + minutes * 60_000).toISOString();
    return [here.slice(0, 10), here.slice(11, end), `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`];
  }
  function times() {
    const local = zone() === "local";
    for (const time of all("time:has(.audit-offset)")) {
      const [day, hour, offset] = spelled(time, 19, local);
      time.firstElementChild.textContent = day;
      time.childNodes[1].textContent = ` ${hour} `;
      time.lastElementChild.textContent = local ? offset : "";  // the head of the list says UTC
    }
    for (const time of all(".audit-moment")) time.textContent = spelled(time, time.textContent.includes(".") ? 23 : 19, local).join(" ");
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
  // A browser comes back by itself only to a server that answers: after any other answer it is for us to ask again.
  const FIRST = 2000, MOST = 60000; // milliseconds
  let source = null, address = null, from = null, fresh = 0, last = null, pause = 0, again = 0;
  function listen() {
    const place = $("#audit-new");
    const wanted = place && !document.hidden ? place.dataset.live : null;
    const other = place && (place.dataset.live !== address || place.dataset.after !== from);
    if (other) { address = place.dataset.live; from = last = place.dataset.after; fresh = 0; tell(); }
    if (source && source.indelible === wanted && !other) return;
    hang_up();
    if (!wanted) return;
    source = new EventSource(`${wanted}&after=${last}`);
    source.indelible = wanted;
    source.onopen = () => { pause = 0; tell(); };
    source.onmessage = (event) => { last = event.lastEventId || last; fresh += 1; tell(); };
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      hang_up();
      pause = Math.min(MOST, 2 * pause || FIRST);
      again = setTimeout(listen, pause);
      tell();
    };
  }
  function hang_up() {
    clearTimeout(again);
    source?.close();
    source = null;
  }
  function tell() {
    const link = $("#audit-new a");
    if (!link) return;
    link.hidden = fresh === 0;
    link.textContent = `${fresh.toLocaleString("en")} new`;
    $("#audit-new span").hidden = pause === 0;
  }
  document.addEventListener("visibilitychange", listen);
  addEventListener("pagehide", hang_up);

  // An answer that is not what was asked for, as of a server that fails or has somebody sign in first, is a page of its
  // own: what was clicked leads there, as it would without any of this. What was typed meanwhile stays.
  const part = (source) => source.getAttribute("hx-select") ?? (source.getAttribute("hx-swap") === "outerHTML" ? source.getAttribute("hx-target") : null);
  const lacks = (text, selector) => selector?.startsWith("#") && !text.includes(`id="${selector.slice(1)}"`);
  let asked = null, typed = null;
  function go(context) {
    const link = context.sourceElement.closest("a[href]"), form = context.sourceElement.closest("form.audit-search");
    if (link || form) location.assign(link?.href ?? context.request.action);
  }
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (ctx.select !== "#audit") return;
    asked = $("#q").value;
    $("#audit").setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:after:request", (event) => {
    const { ctx } = event.detail, answer = ctx.response.raw;
    if ((answer.ok || answer.status === 400) && !answer.redirected && !lacks(ctx.text, part(ctx.sourceElement))) return;
    event.preventDefault();
    if (answer.redirected && ctx.sourceElement.id === "exports") location.reload();
    else go(ctx);
  });
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => ctx && go(ctx));
  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (ctx.select === "#audit") typed = $("#q")?.value !== asked ? $("#q")?.value : null;
  });

  function begin() {
    all(".audit-when-bars a").forEach((each, number) => each.setAttribute("tabindex", number === 0 ? 0 : -1));
    times();
    listen();
  }
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.select === "#audit" && typed != null && $("#q")) $("#q").value = typed;
    begin();
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
