// Proves an entry in the reader's own browser: nothing that the server says of itself is taken on trust.
//
// The line on the page is hashed, the proof leads from it to a root (RFC 9162 2.1.3.2), the root is the one in a
// checkpoint that the log's key signed (C2SP signed-note, Ed25519), and that checkpoint extends the last one that this
// browser saw (RFC 9162 2.1.4.2). What it saw first, the key among it, it keeps; a log that tells otherwise later is refused.
(() => {
  "use strict";
  const HASH = 32, KEPT = "indelible-checkpoint:";
  class Refused extends Error {}

  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const told = (data) => btoa(String.fromCharCode(...data));
  const utf8 = (text) => new TextEncoder().encode(text);
  const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
  const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
  const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const node = (left, right) => sha256(joined([1], left, right));

  async function rootFromInclusion(leaf, index, size, path) {
    let fn = BigInt(index), sn = BigInt(size) - 1n, root = leaf;
    if (fn > sn) throw new Refused("The proof is of an entry behind the end of the log.");
    for (const hash of path) {
      if (sn === 0n) throw new Refused("The proof is too long.");
      if (fn & 1n || fn === sn) {
        root = await node(hash, root);
        while (!(fn & 1n) && fn) { fn >>= 1n; sn >>= 1n; }
      } else root = await node(root, hash);
      fn >>= 1n; sn >>= 1n;
    }
    if (sn !== 0n) throw new Refused("The proof is too short.");
    return root;
  }

  async function extend(old, next, proof) {
    let fn = BigInt(old.size) - 1n, sn = BigInt(next.size) - 1n;
    const path = BigInt(old.size) & fn ? proof : [bytes(old.root), ...proof];
    while (fn & 1n) { fn >>= 1n; sn >>= 1n; }
    let before = path[0], after = path[0];
    if (!before) return false;
    for (const hash of path.slice(1)) {
      if (sn === 0n) return false;
      if (fn & 1n || fn === sn) {
        before = await node(hash, before); after = await node(hash, after);
        while (!(fn & 1n) && fn) { fn >>= 1n; sn >>= 1n; }
      } else after = await node(after, hash);
      fn >>= 1n; sn >>= 1n;
    }
    return sn === 0n && same(before, bytes(old.root)) && same(after, bytes(next.root));
  }

  function parse(text) {
    const [head, ...rest] = text.split("\n\n");
    const lines = head.split("\n"), note = rest.join("\n\n");
    if (lines[0] !== "c2sp.org/tlog-proof@v1" || !lines[1].startsWith("extra ") || !lines[2].startsWith("index ")) throw new Refused("This is no proof.");
    const hashes = lines.slice(3).map(bytes);
    if (hashes.some((hash) => hash.length !== HASH)) throw new Refused("This is no proof.");
    return { line: bytes(lines[1].slice(6)), index: Number(lines[2].slice(6)), hashes, note };
  }

  async function checkpoint(note, verifier) {
    const at = note.indexOf("\n\n"), signed = note.slice(0, at + 1);
    const [origin, size, root] = signed.split("\n");
    const name = verifier.slice(0, verifier.indexOf("+")), key = bytes(verifier.slice(name.length + 10)).slice(1);
    const id = (await sha256(joined(utf8(name), [10, 1], key))).slice(0, 4);
    const public_ = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    for (const line of note.slice(at + 2).split("\n")) {
      if (!line.startsWith(`— ${name} `)) continue;
      const data = bytes(line.slice(name.length + 3));
      if (same(data.slice(0, 4), id) && await crypto.subtle.verify({ name: "Ed25519" }, public_, data.slice(4), utf8(signed)))
        return { origin, size: Number(size), root };
    }
    throw new Refused("The checkpoint is not signed with the log's key.");
  }

  // What this browser saw before, of this log. The key is pinned at the first sight of it.
  // Kept under the address of the pages, which the log cannot choose: another log there is another one than before.
  // Where it may keep nothing, or what it kept cannot be read, this is the first sight.
  const address = (place) => KEPT + new URL(place.dataset.proof, location).pathname.replace(/\/as\/[^/]+/, "").replace(/entry\/\d+\/proof$/, "consistency");
  function kept(place) {
    try {
      const found = JSON.parse(localStorage.getItem(address(place)));
      return Number.isInteger(found?.size) ? found : null;
    } catch { return null; }
  }
  function keep(place, checkpoint) {
    try { localStorage.setItem(address(place), JSON.stringify(checkpoint)); return true; } catch { return false; }
  }

  // What is no answer proves nothing, in either direction: the session has ended, or the server is away.
  async function ask(address) {
    const answer = await fetch(address);
    if (answer.redirected || !answer.ok) throw new Error(answer.redirected ? "The server wants something else first: load this page again." : `The server answered ${answer.status}, without a proof. Try again.`);
    return answer.text();
  }

  async function verified(place, shown) {
    if (!globalThis.crypto?.subtle) throw new Error("A browser computes hashes on pages from https only. Take the proof along and verify it there.");
    const proof = parse(await ask(place.dataset.proof));
    if (!same(proof.line, utf8(shown))) throw new Refused("The proof is of another line than the one on this page.");
    const verifier = place.dataset.verifier, origin = verifier.slice(0, verifier.indexOf("+"));
    const seen = kept(place);
    if (seen && seen.verifier !== verifier) throw new Refused("The log's key is another one than this browser saw first. If it was changed, indelible verify follows the change; this page does not.");
    const next = await checkpoint(proof.note, verifier);
    if (next.origin !== origin) throw new Refused("The checkpoint is of another log.");
    const root = await rootFromInclusion(await sha256(joined([0], proof.line)), proof.index, next.size, proof.hashes);
    if (!same(root, bytes(next.root))) throw new Refused("The line is not in the log that was signed.");
    await hold(place, seen, next);
    return `Verified by this browser: entry ${proof.index} is in the checkpoint of ${next.size.toLocaleString("en")} entries${since(place, seen, remember(place, next, verifier))}.`;
  }

  function since(place, seen, remembered) {
    if (!remembered) return "; this browser may keep nothing, so that it cannot hold the log to it";
    if (!seen) return "; this browser keeps it, and holds the log to it from now on";
    const before = `the one of ${seen.size.toLocaleString("en")} that this browser saw on ${seen.at.slice(0, 10)}`;
    return place.dataset.consistency ? `, which extends ${before}` : `, signed with the key of ${before}; that it extends that one is shown to who sees all of the log`;
  }

  async function hold(place, seen, next) {
    if (seen && seen.size > next.size) throw new Refused(`The log has ${next.size} entries. This browser saw ${seen.size}.`);
    if (seen && seen.size === next.size && seen.root !== next.root) throw new Refused("The log is not the one that this browser saw.");
    if (seen && seen.size < next.size && place.dataset.consistency) {
      const proof = (await ask(`${place.dataset.consistency}?from=${seen.size}&to=${next.size}`)).split("\n").filter(Boolean).map(bytes);
      if (proof.some((hash) => hash.length !== HASH) || !await extend(seen, next, proof)) throw new Refused(`The log does not extend the one of ${seen.size} entries that this browser saw.`);
    }
  }

  function remember(place, next, verifier) {
    if (next.size < (kept(place)?.size ?? 0)) return true; // another click was faster
    return keep(place, { verifier, size: next.size, root: next.root, at: new Date().toISOString() });
  }

  document.addEventListener("toggle", (event) => {
    const button = event.target.matches?.(".audit-raw") && event.target.querySelector(".audit-prove button");
    if (button) button.hidden = false;
  }, true);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.(".audit-prove button");
    if (!button) return;
    const place = button.closest(".audit-prove"), result = place.querySelector("output");
    button.disabled = true;
    try {
      result.textContent = await verified(place, place.closest(".audit-raw").querySelector("pre").textContent);
      result.className = "audit-proved";
    } catch (error) {
      result.textContent = error instanceof Refused ? `Not verified. ${error.message}` : `This browser cannot tell. ${error.message}`;
      result.className = "audit-bad";
    }
    button.disabled = false;
  });
})();
