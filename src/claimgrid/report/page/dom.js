// Makes elements. Every string becomes text: nothing here parses markup.

export const byId = (id) => document.getElementById(id);

/** An element; `set` holds attributes, `on…` listeners and `class`; children are nodes or text. */
export function el(tag, set = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(set)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(
    ...children.flat(3).filter((child) => child !== null && child !== undefined && child !== ""),
  );
  return made;
}

/** The packed text of a script block, or null where it is empty. */
export async function unpack(id) {
  const packed = byId(id).textContent.trim();
  if (!packed) return null;
  const bytes = Uint8Array.fromBase64
    ? Uint8Array.fromBase64(packed)
    : Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

/** An address to link to, or null: what a source calls a URL may be a script. */
export function safeLink(address) {
  return typeof address === "string" && /^https?:\/\/[^\s]+$/i.test(address) ? address : null;
}

/** Waits until calls stop coming for `ms`. */
export function settled(ms, act) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...given), ms);
  };
}
