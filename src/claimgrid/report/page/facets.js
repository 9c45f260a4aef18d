// The filters: a checkbox for each value, with its count.

import { el } from "./dom.js";
import { FACETS } from "./query.js";
import { BOUND, count, deviceName, plain } from "./text.js";

const FEW = 6;
const SURE = { low: "below 60%", middle: "60% to 80%", high: "80% or more" };
const label = (facet, value, name) => {
  if (facet === "bound") return BOUND[value]?.name ?? value;
  if (facet === "sure") return SURE[value] ?? value;
  if (facet === "year" && value === "none") return "no year";
  if (facet === "hardware") return deviceName(value);
  return name || (facet === "metric" || facet === "stance" ? plain(value) : value);
};

/** The filter column; `change(facet, values)` is told what is ticked. */
export class Facets {
  constructor(root, { change, close }) {
    Object.assign(this, { root, change, close });
    this.open = new Set();
    this.typed = {};
  }

  /** Draws the counts, keeping focus, what is open and what is typed. */
  draw(asked, facets, total) {
    this.last = [asked, facets, total];
    const held = document.activeElement?.closest?.("#facets") ? document.activeElement.id : null;
    const top = this.root.scrollTop;
    const done = el(
      "button",
      { type: "button", class: "quiet done", id: "filters-done", onclick: this.close },
      "Done",
    );
    this.root.replaceChildren(
      done,
      ...FACETS.map(({ id, name }) =>
        this.facet(id, name, asked[id], facets[id] ?? [], total),
      ).filter(Boolean),
    );
    this.root.scrollTop = top;
    if (held) document.getElementById(held)?.focus({ preventScroll: true });
  }

  facet(id, name, ticked, found, total) {
    const missing = ticked
      .filter((value) => !found.some((pair) => pair[0] === value))
      .map((value) => [value, 0]);
    const all = [...missing, ...found];
    const tells = all.length > 1 || all[0]?.[1] < total; // a value that every claim has tells nothing
    if (!tells && !ticked.length) return null;
    const typed = (this.typed[id] ?? "").toLowerCase();
    const fitting = all.filter(
      ([value, , title]) => !typed || label(id, value, title).toLowerCase().includes(typed),
    );
    const open = this.open.has(id);
    const few = open
      ? fitting.slice(0, 100)
      : fitting.filter((pair, at) => at < FEW || ticked.includes(pair[0]));
    const rows = few.map(([value, number, title], at) => {
      const box = el("input", {
        type: "checkbox",
        id: `f-${id}-${at}`,
        onchange: () => this.tick(id, value, ticked),
      });
      box.checked = ticked.includes(value);
      return el(
        "label",
        { class: number ? "choice" : "choice none" },
        box,
        el("span", { class: "name", title: label(id, value, title) }, label(id, value, title)),
        el("span", { class: "n" }, count(number)),
      );
    });
    const field =
      all.length > 12 && open
        ? el("input", {
            type: "search",
            id: `t-${id}`,
            class: "narrow",
            placeholder: `Find a ${name.toLowerCase()}`,
            "aria-label": `Find a ${name.toLowerCase()}`,
            value: this.typed[id] ?? "",
            oninput: (event) => {
              this.typed[id] = event.target.value;
              this.again();
            },
          })
        : null;
    const more =
      fitting.length > FEW || open
        ? el(
            "button",
            {
              type: "button",
              class: "more",
              id: `m-${id}`,
              "aria-expanded": String(open),
              onclick: () => {
                this.open[open ? "delete" : "add"](id);
                delete this.typed[id];
                this.again();
              },
            },
            open ? "Fewer" : `${count(all.length - FEW)} more`,
          )
        : null;
    return el("fieldset", {}, el("legend", {}, name), field, rows, more);
  }

  tick(id, value, ticked) {
    this.change(
      id,
      ticked.includes(value) ? ticked.filter((one) => one !== value) : [...ticked, value],
    );
  }

  again() {
    const at = document.activeElement?.selectionStart ?? null;
    this.draw(...this.last);
    const field = document.activeElement;
    if (at !== null && field?.type === "search") field.setSelectionRange(at, at);
  }
}

/** Words for an active filter. */
export const filterWords = (facet, value, facets) =>
  label(facet, value, facets?.[facet]?.find((pair) => pair[0] === value)?.[2]);
