// The first view: what a run holds, in counts and plots.

import { el } from "./dom.js";
import { caption, draw, panels } from "./plots.js";
import { parse } from "./query.js";
import { KINDS, count, plural } from "./text.js";

const kindLabel = (kind) =>
  el(
    "span",
    { class: `badge k-${kind.id}` },
    el("b", { "aria-hidden": "true" }, kind.letter),
    kind.plural,
  );

function tile(href, number, label) {
  return el(
    "a",
    { href, class: "tile" },
    el("span", { class: "big" }, count(number)),
    el("span", { class: "small" }, label),
  );
}

/** Who read the claims, when, and how good that reader is known to be. */
export function caution({ model, finished, caution: told }) {
  const when = finished ? ` on ${finished.slice(0, 10)}` : "";
  const by = `Read by ${model ?? "a model that the run does not name"}${when}. `;
  return `${by}${told ? `${told.replace(/\.$/, "")}.` : "How good it is on these papers was not measured: check a claim against its words before you use it."}`;
}

const cautions = ({ run, runs }) =>
  runs
    ? Object.entries(runs).map(([name, one]) => el("span", { class: "of-run" }, `${name}: ${caution(one)} `))
    : caution(run);

/** How many claims the runs share, and how many are of one alone; each leads to its list. */
function compared(counts, link) {
  return el("ul", { class: "compared", "aria-label": "The runs compared" },
    counts.map(([name, number]) =>
      el("li", {}, el("a", { href: link({ view: "claims", runs: [name] }) }, `${count(number)} ${name}`))));
}

function about(run) {
  const made = [
    ["Source", run.source],
    ["Model", run.model],
    ["Prompt", run.prompt],
    ["Finished", (run.finished ?? "").split("; ").map((at) => at.slice(0, 10)).join("; ")],
    ["claimgrid", run.claimgrid],
    ["Keys", "/ search · j k or arrows move · Enter opens · Esc closes"],
  ];
  return el(
    "dl",
    { class: "about" },
    made
      .filter((row) => row[1])
      .map(([name, words]) => el("div", {}, el("dt", {}, name), el("dd", {}, words))),
  );
}

/** How many of what was not taken fit a search. */
export async function totalsOf(source, q) {
  const lists = ["rejected", "unclaimed"];
  if (!q) return source.sizes;
  const found = await Promise.all(lists.map((list) => source.find(list, { q, sort: "" })));
  return Object.fromEntries(lists.map((list, at) => [list, found[at].total]));
}

/** Builds the overview. `context` gives link(change), open(claim_id), tip(event, datum), alive(). */
export async function overview(root, source, asked, context) {
  const { link, alive } = context;
  // The search narrows the overview; filters of the lists, and background claims, do not enter it.
  const everything = { ...parse(""), q: asked.q };
  const [found, totals] = await Promise.all([
    source.find("claims", everything),
    totalsOf(source, asked.q),
  ]);
  if (!alive()) return [];
  const of = Object.fromEntries(found.facets.kind ?? []);
  const background = Object.fromEntries(found.facets.stance ?? []).background ?? 0;
  const plots = el("div", { class: "plots", "aria-busy": "true" });
  root.replaceChildren(
    el(
      "div",
      { class: "intro" },
      el(
        "h1",
        { id: "overview-title" },
        asked.q ? `Claims about “${asked.q}”` : "What these papers claim",
      ),
      el(
        "p",
        { class: "dim" },
        `${plural(found.total, "claim")} of the papers’ own work`,
        asked.q ? "" : ` in ${plural(source.sizes.papers, "paper")}`,
        background ? ` (${count(background)} more on the background, not counted here)` : "",
        ". Each claim leads to the words that it was read from.",
      ),
      el("p", { class: "caution", role: "note" }, cautions(source)),
      source.runs ? compared(found.facets.runs ?? [], link) : "",
    ),
    el(
      "div",
      { class: "tiles" },
      KINDS.map((kind) =>
        tile(link({ view: "claims", kind: kind.id }), of[kind.id] ?? 0, kindLabel(kind)),
      ),
      tile(link({ view: "rejected" }), totals.rejected, "rejected"),
      tile(link({ view: "unclaimed" }), totals.unclaimed, "unclaimed numbers"),
    ),
    plots,
    about(source.run),
  );
  const groups = await panels(source, everything);
  if (!alive()) return [];
  const drawings = groups.flatMap((group) =>
    group.panels.map((one, place) => ({
      one,
      left: place === group.panels.length - 1 ? (group.left ?? 0) + group.alone : 0,
      of: group.of ?? "panels",
    })),
  );
  if (!drawings.length)
    plots.append(el("p", { class: "empty" }, "Nothing to plot: no two numbers of one kind."));
  const made = [];
  for (const { one, left, of: things } of drawings) {
    const view = el("div", { class: "plot" });
    plots.append(
      el(
        "figure",
        {},
        el(
          "figcaption",
          {},
          el("h2", {}, one.title),
          el(
            "a",
            {
              href: link({ ...one.filter, view: "claims" }),
              "aria-label": `${one.title} as a table`,
            },
            "Table",
          ),
        ),
        view,
        el(
          "p",
          { class: "dim small" },
          caption(one),
          left ? `   ·   ${left} more ${left === 1 ? things.replace(/s$/, "") : things} in the table` : "",
        ),
      ),
    );
    const label = `${one.title}: ${one.rows.length} marks; the same numbers stand in the table`;
    made.push(
      await draw(view, {
        plot: one.plot,
        kind: one.kind,
        rows: one.rows,
        label,
        open: context.open,
        tip: context.tip,
      }),
    );
    if (!alive()) break;
  }
  plots.removeAttribute("aria-busy");
  return made;
}
