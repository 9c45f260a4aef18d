// A grid over a long list: it draws only the rows in sight.

import { el, settled } from "./dom.js";

const SPARE = 8;
const TALLEST = 15e6; // browsers lay out no taller element reliably
const NARROW = matchMedia("(max-width: 720px)");
const PAGE_KEYS = 12;
const MEASURED = 200;

/** An ARIA grid: one cell takes part in the tab order, arrows, j and k move it, Enter opens it. */
export class Grid {
  constructor(root, { open, sort, resize }) {
    this.onresize = resize;
    this.open = open;
    this.onsort = sort;
    this.root = root;
    this.place = { row: 0, column: 0 };
    this.head = el("div", { role: "rowgroup", class: "head" });
    this.body = el("div", { role: "rowgroup", class: "body" });
    this.table = el(
      "div",
      { role: "grid", class: "table", "aria-readonly": "true" },
      this.head,
      this.body,
    );
    root.replaceChildren(this.table);
    root.addEventListener("scroll", () => this.later(), { passive: true });
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.table.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("focusin", (event) => this.focused(event));
    new ResizeObserver(settled(60, () => this.draw(true))).observe(root);
    this.selected = null;
    this.result = { total: 0, at: () => undefined, ready: null };
    this.columns = [];
  }

  get height() {
    return NARROW.matches ? 136 : 42;
  }

  get shown() {
    return Math.min(this.result.total, Math.floor(TALLEST / this.height));
  }

  /** Shows a result from its top. */
  set(columns, result, { sort, label, id }) {
    Object.assign(this, { columns, result, id });
    this.place = { row: 0, column: Math.min(this.place.column, columns.length - 1) };
    this.table.setAttribute("aria-label", label);
    this.table.setAttribute("aria-rowcount", String(result.total + 1));
    this.table.setAttribute("aria-colcount", String(columns.length));
    this.root.style.setProperty("--columns", this.tracks().join(" "));
    this.head.replaceChildren(
      el(
        "div",
        { role: "row", class: "row", "aria-rowindex": "1" },
        columns.map((column, at) => this.header(column, at, sort)),
      ),
    );
    this.root.scrollTop = 0;
    this.draw(true);
  }

  /** A width for each column: every row is a grid of its own, so what they hold is measured here. */
  tracks() {
    const { columns, result } = this;
    const rows = Array.from({ length: Math.min(result.total, MEASURED) }, (_, place) =>
      result.at(place),
    ).filter(Boolean);
    const stacks = columns.map((column) =>
      el(
        "div",
        {},
        el("div", { class: "cell" }, `${column.label} ▲`),
        column.fit ? rows.map((row) => el("div", { class: "cell" }, column.show(row))) : null,
      ),
    );
    const measure = el("div", { class: "measure", "aria-hidden": "true" }, stacks);
    this.root.append(measure);
    const wide = stacks.map((stack) => Math.ceil(stack.getBoundingClientRect().width));
    measure.remove();
    return columns.map(({ fit, number, width }, at) => {
      if (!fit) return width;
      const most = Math.max(fit[0], Math.min(fit[1], wide[at]));
      // Words may be cut where there is no room, a number may not.
      return `minmax(${number ? most : fit[0]}px,${most}px)`;
    });
  }

  header(column, at, sort) {
    const by =
      sort.replace(/^-/, "") === column.sort
        ? sort.startsWith("-")
          ? "descending"
          : "ascending"
        : "none";
    const set = {
      role: "columnheader",
      class: column.number ? "cell right" : "cell",
      "aria-colindex": String(at + 1),
    };
    if (!column.sort) return el("div", set, el("span", {}, column.label), this.grip(column));
    const turn = () =>
      this.onsort(
        by === "none"
          ? (column.number ? "-" : "") + column.sort
          : by === "descending"
            ? column.sort
            : `-${column.sort}`,
      );
    const arrow = { none: "", ascending: "▲", descending: "▼" }[by];
    return el(
      "div",
      { ...set, "aria-sort": by },
      el(
        "button",
        { type: "button", onclick: turn },
        column.label,
        el("span", { "aria-hidden": "true", class: "arrow" }, arrow),
      ),
      this.grip(column),
    );
  }

  /** The edge of a header that is dragged to make its column wider. */
  grip(column) {
    const start = (event) => {
      const edge = event.target;
      const from = event.clientX;
      const wide = edge.parentElement.getBoundingClientRect().width;
      edge.setPointerCapture(event.pointerId);
      edge.addEventListener(
        "pointerup",
        (end) => this.onresize(column.id, wide + end.clientX - from),
        { once: true },
      );
      event.preventDefault();
    };
    // For the pointer alone: the menu of columns does the same with the keyboard.
    return el("span", { class: "grip", "aria-hidden": "true", onpointerdown: start });
  }

  /** The width of a column as it is drawn, in pixels. */
  widthOf(id) {
    const at = this.columns.findIndex((column) => column.id === id);
    return at < 0 ? null : this.head.firstChild.children[at].getBoundingClientRect().width;
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw(false);
    });
  }

  /** Draws the rows in sight, asking for those that have not come yet. */
  draw(anew) {
    const { height, shown } = this;
    this.body.style.height = `${shown * height}px`;
    const from = Math.max(0, Math.floor(this.root.scrollTop / height) - SPARE);
    const to = Math.min(
      shown,
      Math.ceil((this.root.scrollTop + this.root.clientHeight) / height) + SPARE,
    );
    if (!anew && this.from === from && this.to === to) return;
    Object.assign(this, { from, to });
    const held = this.body.contains(document.activeElement);
    // The row that holds the tab stop is drawn even when it is out of sight, so that Tab finds it.
    const places = new Set([Math.min(this.place.row, Math.max(shown - 1, 0))]);
    for (let place = from; place < to; place += 1) places.add(place);
    this.body.replaceChildren(
      ...[...places]
        .filter((place) => place < shown)
        .sort((a, b) => a - b)
        .map((place) => this.row(place)),
    );
    if (held) this.cell()?.focus({ preventScroll: true });
    const result = this.result;
    result.ready?.(from, to)?.then(() => result === this.result && this.draw(true));
  }

  row(place) {
    const row = this.result.at(place);
    const set = {
      role: "row",
      class: "row",
      "aria-rowindex": String(place + 2),
      "data-place": String(place),
    };
    const made = el(
      "div",
      set,
      this.columns.map((column, at) => {
        const tab = place === this.place.row && at === this.place.column ? "0" : "-1";
        const cell = {
          role: "gridcell",
          class: `cell c-${column.id}${column.number ? " right" : ""}`,
          "aria-colindex": String(at + 1),
          tabindex: tab,
        };
        return el("div", cell, row ? column.show(row) : "");
      }),
    );
    made.style.transform = `translateY(${place * this.height}px)`;
    if (row && this.selected !== null && this.id(row) === this.selected)
      made.setAttribute("aria-selected", "true");
    if (!row) made.setAttribute("aria-busy", "true");
    return made;
  }

  cell() {
    return this.body.querySelector(
      `[data-place="${this.place.row}"] > :nth-child(${this.place.column + 1})`,
    );
  }

  /** Marks the row with this id, and the rows around it as unmarked. */
  select(id) {
    this.selected = id;
    this.draw(true);
  }

  /** Whether the row with this id is drawn, and within what is scrolled to. */
  sees(id) {
    const row = [...this.body.children].find(
      (one) => this.id(this.result.at(Number(one.dataset.place)) ?? {}) === id,
    );
    if (!row) return false;
    const top = Number(row.dataset.place) * this.height;
    const room = this.root.clientHeight - this.head.offsetHeight;
    return top >= this.root.scrollTop && top + this.height <= this.root.scrollTop + room;
  }

  /** Scrolls a row to the middle and gives it the tab stop, leaving the focus where it is. */
  reveal(row) {
    this.root.scrollTop = row * this.height - (this.root.clientHeight - this.height) / 2;
    this.move(row, this.place.column, false);
  }

  /** Moves the tab stop, scrolling it into sight; `focus` moves the focus with it. */
  move(row, column, focus = true) {
    this.place = {
      row: Math.max(0, Math.min(row, this.shown - 1)),
      column: Math.max(0, Math.min(column, this.columns.length - 1)),
    };
    const top = this.place.row * this.height;
    const headed = this.head.offsetHeight;
    if (top < this.root.scrollTop) this.root.scrollTop = top;
    else if (top + this.height + headed > this.root.scrollTop + this.root.clientHeight) {
      this.root.scrollTop = top + this.height + headed - this.root.clientHeight;
    }
    this.draw(true);
    if (focus) this.cell()?.focus({ preventScroll: true });
  }

  /** Opens the row of the tab stop. */
  enter(replace = false) {
    const row = this.result.at(this.place.row);
    if (row) this.open(row, this.columns[this.place.column], replace);
  }

  clicked(event) {
    // Between the cells of a card, on a phone, the card itself is tapped.
    const cell = event.target.closest(".cell") ?? event.target.closest(".row")?.firstElementChild;
    // Selecting words to copy them is no click.
    if (!cell || !getSelection().isCollapsed) return;
    this.place = {
      row: Number(cell.parentElement.dataset.place),
      column: [...cell.parentElement.children].indexOf(cell),
    };
    this.draw(true);
    this.cell()?.focus({ preventScroll: true });
    this.enter();
  }

  focused(event) {
    const cell = event.target.closest(".cell");
    const row = Number(cell.parentElement.dataset.place);
    const column = [...cell.parentElement.children].indexOf(cell);
    if (row === this.place.row && column === this.place.column) return;
    this.cell()?.setAttribute("tabindex", "-1");
    this.place = { row, column };
    cell.setAttribute("tabindex", "0");
  }

  key(event) {
    if (event.ctrlKey && !["Home", "End"].includes(event.key)) return;
    if (event.metaKey || event.altKey || !this.body.contains(event.target)) return;
    const { row, column } = this.place;
    const moves = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      j: [row + 1, column],
      k: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + PAGE_KEYS, column],
      PageUp: [row - PAGE_KEYS, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0],
      End: event.ctrlKey ? [this.shown, this.columns.length] : [row, this.columns.length],
    };
    if (event.key === "Enter" || event.key === " ") this.enter();
    else if (moves[event.key]) this.move(...moves[event.key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
