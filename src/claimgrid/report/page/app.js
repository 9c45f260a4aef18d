// Shows what the address asks for; keys and clicks change the address.

import { byId, el, settled, unpack } from "./dom.js";
import { FACETS, format, parse } from "./query.js";
import { Local } from "./local.js";
import { Remote } from "./remote.js";
import { columns } from "./columns.js";
import { LIST_NAMES, drawBar, drawTabs } from "./bar.js";
import { Grid } from "./grid.js";
import { Facets } from "./facets.js";
import { flash, hint, read, spansOf } from "./reader.js";
import { caution, overview, totalsOf } from "./overview.js";
import { drawExport, filterText } from "./selection.js";
import { drawColumns, laidOut, widen } from "./layout.js";
import { nameDevices } from "./text.js";
import { printed } from "./print.js";
import { theme } from "./theme.js";
import { token } from "./saving.js";
import { Review } from "./review.js";

const app = {
  asked: parse(location.hash),
  drawn: {},
  result: null,
  reading: null,
  drawings: [],
  turn: 0,
};

const link = (change) =>
  format({ ...app.asked, claim: "", paper: "", field: "", at: "", ...change });

/** Goes to a changed address; a replaced one is no step for Back. */
function go(change, replace = false) {
  const hash = format({ ...app.asked, ...change });
  history[replace ? "replaceState" : "pushState"](
    null,
    "",
    hash === "#" ? location.pathname + location.search : hash,
  );
  show();
}

const closed = { claim: "", paper: "", field: "", at: "" };

async function show() {
  app.asked = parse(location.hash);
  const { view } = app.asked;
  for (const item of document.querySelectorAll(".views a")) {
    const own = item.dataset.view;
    const here = own === view || (own === "rejected" && view === "unclaimed");
    const kept = own === "overview" ? { ...parse(""), q: app.asked.q } : {};
    item.setAttribute("href", link({ ...kept, view: own, kind: "", sort: "" }));
    if (here) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  if (document.activeElement !== byId("search")) byId("search").value = app.asked.q;
  byId("overview").hidden = view !== "overview";
  byId("browse").hidden = view === "overview" || view === "review";
  byId("review").hidden = view !== "review";
  byId("tip").hidden = true;
  if (view === "review" && !app.review) return go({ ...parse(""), view: "overview" }, true);
  if (view === "review") await app.review.show(app.asked);
  else if (view === "overview") await showOverview();
  else {
    await Promise.all([showList(), showReader()]);
    await reveal();
  }
}

/** Scrolls the list to the row that the address names, where it is among its rows. */
async function reveal() {
  const { asked, result, grid } = app;
  const id = asked.claim || asked.paper;
  const list = asked.claim ? "claims" : "papers";
  if (!id || asked.view !== list || grid.sees(id)) return;
  const place = await result.placeOf(id);
  if (place < 0) return;
  await result.ready?.(place, place + 1);
  if (app.asked === asked && app.result === result) grid.reveal(place);
}

/** A bare link to a claim on the background shows the list that holds it. */
async function wider() {
  const { claim, stance } = parse(location.hash);
  if (!claim || new URLSearchParams(location.hash.slice(1)).has("stance")) return;
  const found = await app.source.claim(claim);
  if (found && !stance.includes(found.stance)) {
    history.replaceState(null, "", format({ ...parse(location.hash), stance: [] }));
  }
}

async function showOverview(anew = false) {
  const key = app.asked.q;
  if (app.drawn.overview === key && !anew) return;
  app.drawn.overview = key;
  const turn = (app.turn += 1);
  for (const drawing of app.drawings) drawing.finalize();
  app.drawings = await overview(byId("overview"), app.source, app.asked, {
    link: (change) => format({ ...parse(""), q: app.asked.q, ...change }),
    tip: plotTip,
    open: (claim) => go({ ...parse(""), q: app.asked.q, view: "claims", claim }),
    alive: () => turn === app.turn,
  });
}

/** Whether claims have a confidence: the filters do not hide what a list is sorted by. */
const hasConfidence = (asked, result) =>
  Boolean(result.facets.sure?.length || asked.sure.length || /confidence/.test(asked.sort));

async function showList() {
  const { asked } = app;
  const { view } = asked;
  const key = JSON.stringify([
    view,
    asked.kind,
    asked.q,
    asked.sort,
    FACETS.map(({ id }) => asked[id]),
  ]);
  if (app.drawn.list !== key) {
    app.drawn.list = key;
    const [result, totals] = await Promise.all([
      app.source.find(view, asked),
      view === "rejected" || view === "unclaimed" ? totalsOf(app.source, asked.q) : null,
    ]);
    if (app.drawn.list !== key) return;
    app.result = { ...result, totals };
    app.every = columns(view, asked.kind, Boolean(app.source.runs), hasConfidence(asked, result));
    app.columns = laidOut(app.every, asked);
    byId("browse").classList.toggle("with-facets", view === "claims");
    byId("browse-title").textContent = LIST_NAMES[view];
    app.grid.set(app.columns, app.result, {
      sort: asked.sort,
      label: LIST_NAMES[view],
      id: (row) => row.claim_id ?? row.paper_id,
    });
    if (view === "claims") app.facets.draw(asked, result.facets, result.total);
    drawBar(app, go, link);
    byId("said").replaceChildren();
    drawExport(app, Object.values(app.source.runs ?? [app.source.run]).map(caution).join(" "));
    drawColumns(app.every, asked, (id) => app.grid.widthOf(id), relay);
    const filters = view === "claims" ? filterText(asked) : "";
    document.title = [filters, LIST_NAMES[view], byId("run-name").textContent].filter(Boolean).join(" · ");
  }
  drawTabs(app, link);
  app.grid.select(asked.claim || asked.paper || null);
}

/** Draws the list anew with the columns that were chosen, where it was. */
function relay() {
  const { asked, result } = app;
  const top = byId("grid").scrollTop;
  app.columns = laidOut(app.every, asked);
  app.grid.set(app.columns, result, {
    sort: asked.sort,
    label: LIST_NAMES[asked.view],
    id: (row) => row.claim_id ?? row.paper_id,
  });
  byId("grid").scrollTop = top;
  const held = document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id;
  drawColumns(app.every, asked, (id) => app.grid.widthOf(id), relay);
  if (held) document.querySelector(`#columns [aria-label="${held}"], #columns [id="${held}"]`)?.focus();
}

async function showReader() {
  const { asked } = app;
  const pane = byId("reader");
  const wanted =
    asked.paper || (asked.claim ? ((await app.source.claim(asked.claim))?.paper_id ?? null) : "");
  if (wanted === "") {
    const had = !pane.hidden;
    pane.hidden = true;
    app.reading = null;
    byId("browse").classList.remove("reading");
    if (had) app.grid.move(app.grid.place.row, app.grid.place.column);
    return;
  }
  const found = wanted === null ? null : await app.source.paper(wanted);
  if (app.asked !== asked) return;
  const claimLink = (claim) => format({ ...asked, ...closed, claim: claim.claim_id });
  app.reading = found;
  pane.replaceChildren(
    ...(found
      ? read(found, { link: claimLink, current: asked.claim, close: () => go(closed) })
      : [
          el("p", { class: "empty" }, "This run has no such claim or paper. "),
          el("button", { type: "button", class: "quiet", onclick: () => go(closed) }, "Close"),
        ]),
  );
  const opened = pane.hidden;
  pane.hidden = false;
  byId("browse").classList.add("reading");
  const claim = found?.claims.find((one) => one.claim_id === asked.claim);
  if (claim) {
    flash(pane, spansOf(claim, asked.field));
    byId(`claim-${claim.claim_id}`).scrollIntoView({ block: "start" });
  }
  else if (asked.at) flash(pane, [asked.at.split("-").map(Number)]);
  if (opened) (byId("reader-title") ?? pane).focus({ preventScroll: true });
}

function openRow(row, column, replace) {
  const { view } = app.asked;
  const change =
    view === "claims"
      ? { claim: row.claim_id, field: column.field && row.spans[column.field] ? column.field : "" }
      : { paper: row.paper_id, at: view === "unclaimed" ? `${row.start}-${row.end}` : "" };
  go({ ...closed, ...change }, replace);
}

function tip(content, x, y) {
  const box = byId("tip");
  box.hidden = !content;
  if (!content) return;
  box.replaceChildren(content);
  const { width, height } = box.getBoundingClientRect();
  box.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  box.style.top = `${y + height + 12 > innerHeight ? Math.max(8, y - height - 28) : y}px`;
}

function plotTip(event, datum) {
  // Vega takes a tip away without an event when a drawing is finished.
  if (!event) return tip(null);
  tip(datum ? el("span", {}, datum.words) : null, event.clientX + 12, event.clientY + 14);
}

function markTip(event) {
  const mark = event.target.closest?.(".mark");
  if (!mark || !app.reading) return tip(null);
  const ids = mark.dataset.claims.split(" ");
  const box = mark.getClientRects()[0];
  mark.setAttribute("aria-describedby", "tip");
  tip(
    hint(app.reading.claims.filter((claim) => ids.includes(claim.claim_id))),
    box.left,
    box.bottom + 6,
  );
}

function keys(event) {
  const typing = event.target.closest?.("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (app.asked.view === "review" && app.review.pressed(event)) return event.preventDefault();
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.firstElementChild.focus();
    } else if (byId("browse").classList.contains("filtering")) toggleFilters(false);
    else if (!byId("tip").hidden) byId("tip").hidden = true;
    else if (typing) typing.blur();
    else if (app.asked.claim || app.asked.paper) go(closed);
  } else if (typing) return;
  else if (event.key === "/") byId("search").focus();
  else if ((event.key === "j" || event.key === "k") && LIST_NAMES[app.asked.view]) {
    const reading = Boolean(app.asked.claim || app.asked.paper);
    app.grid.move(
      app.grid.place.row +
        (!reading && !byId("grid").contains(document.activeElement)
          ? 0
          : event.key === "j"
            ? 1
            : -1),
      app.grid.place.column,
      !reading,
    );
    if (reading) app.grid.enter(true);
  } else return;
  event.preventDefault();
}

function toggleFilters(on) {
  byId("browse").classList.toggle("filtering", on);
  byId("filters").setAttribute("aria-expanded", String(on));
  (on ? byId("facets").querySelector("input") : byId("filters"))?.focus();
}

/** Plots have colours of their own: those on the screen, or the next ones, are drawn anew. */
function recolour() {
  if (app.asked.view === "overview") showOverview(true);
  else app.drawn.overview = null;
}

async function start() {
  theme(recolour);
  const data = await unpack("data");
  app.source = data ? new Local(JSON.parse(data)) : await Remote.open();
  nameDevices(app.source.run.devices);
  app.grid = new Grid(byId("grid"), { open: openRow, sort: (sort) => go({ sort }),
    resize: (id, width) => {
      widen(app.asked, id, width);
      relay();
    },
  });
  if (token()) {
    app.review = new Review(byId("review"), { go: (change, replace) => go({ ...closed, ...change }, replace) });
    byId("to-review").hidden = false;
  }
  app.facets = new Facets(byId("facets"), {
    change: (id, values) => go({ [id]: values }),
    close: () => toggleFilters(false),
  });
  const searched = () => {
    const q = byId("search").value.trim();
    if (q !== app.asked.q) go({ q }, true);
  };
  byId("search").addEventListener("input", settled(60, searched));
  // Who types and clicks a link at once leaves the field first: the link takes the search along.
  byId("search").addEventListener("change", searched);
  // The first search of a large run reads all of it: that begins when the field is entered.
  byId("search").addEventListener(
    "focus",
    () => setTimeout(() => app.source.warm?.(app.asked.view), 0),
    { once: true },
  );
  byId("search-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!LIST_NAMES[app.asked.view]) return go({ ...closed, view: "claims" });
    app.grid.move(0, 0);
  });
  byId("sort").addEventListener("change", (event) => go({ sort: event.target.value }));
  byId("filters").addEventListener("click", () =>
    toggleFilters(!byId("browse").classList.contains("filtering")),
  );
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  for (const name of ["mouseover", "focusin"]) byId("reader").addEventListener(name, markTip);
  byId("reader").addEventListener("mouseleave", () => tip(null));
  document.addEventListener("keydown", keys);
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!event.composedPath().includes(menu)) menu.open = false;
  });
  addEventListener("popstate", () => wider().then(show));
  addEventListener("beforeprint", () => {
    if (LIST_NAMES[app.asked.view])
      byId("paper-print").replaceChildren(
        ...printed({
          columns: app.columns,
          result: app.result,
          title: `${LIST_NAMES[app.asked.view]} of ${byId("run-name").textContent}`,
          source: app.source,
        }),
      );
  });
  addEventListener("afterprint", () => byId("paper-print").replaceChildren());
  await wider();
  await show();
  document.documentElement.dataset.ready = "true";
}

start().catch((error) => {
  byId("main").prepend(
    el(
      "p",
      { class: "plain", role: "alert" },
      `This page could not show its data: ${error.message}`,
    ),
  );
  throw error;
});
