// A run's counts and plots to the first view.

import { el } from "./dom.js";
import { caption, draw, panels } from "./plots.js";
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

function about(run) {
  const made = [
    ["Source", run.source],
    ["Model", run.model],
    ["Prompt", run.prompt],
    ["Finished", (run.finished ?? "").slice(0, 10)],
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

/** Builds the overview. `context` gives link(change), open(claim_id), tip(event, datum), alive(). */
export async function overview(root, source, asked, context) {
  const { link, alive } = context;
  const everything = { ...asked, kind: "", sort: "" };
  const found = await source.find("claims", everything);
  if (!alive()) return [];
  const of = Object.fromEntries(found.facets.kind ?? []);
  const background = source.sizes.claims - found.total;
  const filtered = Boolean(asked.q);
  const plots = el("div", { class: "plots", "aria-busy": "true" });
  root.replaceChildren(
    el(
      "div",
      { class: "intro" },
      el(
        "h1",
        { id: "overview-title" },
        filtered ? `Claims about “${asked.q}”` : "What these papers claim",
      ),
      el(
        "p",
        { class: "dim" },
        `${plural(found.total, "claim")} of their own work in ${plural(source.sizes.papers, "paper")}`,
        background && !filtered ? `, and ${count(background)} on the background` : "",
        ". Every number leads to the words that say it.",
      ),
    ),
    el(
      "div",
      { class: "tiles" },
      KINDS.map((kind) =>
        tile(link({ view: "claims", kind: kind.id }), of[kind.id] ?? 0, kindLabel(kind)),
      ),
      tile(link({ view: "rejected" }), source.sizes.rejected, "rejected"),
      tile(link({ view: "unclaimed" }), source.sizes.unclaimed, "unclaimed numbers"),
    ),
    plots,
    about(source.run),
  );
  const groups = await panels(source, everything);
  if (!alive()) return [];
  const drawings = groups.flatMap((group) =>
    group.panels.map((one, place) => ({
      one,
      left: place === group.panels.length - 1 ? group.left : 0,
      of: group.of,
    })),
  );
  if (!drawings.length)
    plots.append(el("p", { class: "empty" }, "Nothing to plot: no claim with a number."));
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
              href: link({ view: "claims", ...one.filter }),
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
          left ? `   ·   ${left} more ${things} in the table` : "",
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
