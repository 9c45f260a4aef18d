// Which columns a list shows and how wide they are: the reader's choice, kept in the browser.

import { byId, el } from "./dom.js";

const NAME = "claimgrid-columns";
const STEP = 40;
const [LEAST, MOST_WIDE] = [60, 900];

function layoutKept() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "{}");
  } catch {
    return {};
  }
}

const chosen = layoutKept();

function change(list, id, set) {
  chosen[list] = { ...chosen[list], [id]: { ...chosen[list]?.[id], ...set } };
  try {
    localStorage.setItem(NAME, JSON.stringify(chosen));
  } catch {
    // A page opened from disk may have no storage: the choice then lasts as long as the page.
  }
}

const nameOf = ({ view, kind }) => `${view}:${kind}`;

/** The columns that are shown, with the widths that were set. */
export function laidOut(columns, asked) {
  const of = chosen[nameOf(asked)] ?? {};
  const shown = columns.filter((column) => !of[column.id]?.hidden);
  return (shown.length ? shown : columns.slice(0, 1)).map((column) => {
    const width = of[column.id]?.width;
    return width ? { ...column, fit: null, width: `${width}px` } : column;
  });
}

/** Sets the width of a column in pixels. */
export function widen(asked, id, width) {
  change(nameOf(asked), id, { width: Math.round(Math.max(LEAST, Math.min(MOST_WIDE, width))) });
}

/** The menu of columns: shown or not, wider and narrower. `redraw` is called after a change. */
export function drawColumns(columns, asked, widthOf, redraw) {
  const list = nameOf(asked);
  const of = chosen[list] ?? {};
  const act = (set, id) => () => {
    change(list, id, set());
    redraw();
  };
  const size = (id, step) => () => ({
    width: Math.max(LEAST, Math.min(MOST_WIDE, (widthOf(id) ?? 120) + step)),
  });
  byId("columns").querySelector("div").replaceChildren(
    ...columns.map(({ id, label }) => {
      const box = el("input", { type: "checkbox", id: `col-${id}`, onchange: act(() => ({ hidden: !of[id]?.hidden }), id) });
      box.checked = !of[id]?.hidden;
      return el("p", {},
        el("label", { class: "choice" }, box, el("span", { class: "name" }, label)),
        el("button", { type: "button", class: "quiet", "aria-label": `${label} narrower`, onclick: act(size(id, -STEP), id) }, "−"),
        el("button", { type: "button", class: "quiet", "aria-label": `${label} wider`, onclick: act(size(id, STEP), id) }, "+"));
    }),
    el("button", { type: "button", class: "more", onclick: () => {
      for (const { id } of columns) change(list, id, { hidden: false, width: null });
      redraw();
    } }, "As at first"),
  );
}
