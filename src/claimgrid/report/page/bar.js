// What stands above a table: lists, count, filters, order and caution.

import { byId, el } from "./dom.js";
import { KIND, KINDS, count, plain, plural } from "./text.js";
import { FACETS } from "./query.js";
import { filterWords } from "./facets.js";

export const LIST_NAMES = {
  claims: "Claims",
  papers: "Papers",
  rejected: "Rejected claims",
  unclaimed: "Unclaimed numbers",
};

const ABOUT = {
  rejected: "What the model claimed and the abstract does not hold; none of it is in the tables.",
  unclaimed: "Numbers in the abstracts that no claim covers, with the reason where one is known.",
};

/** The kinds of claims, or the two lists of what was not taken. `app` is what `app.js` holds. */
export function drawTabs(app, link) {
  const { asked } = app;
  if (asked.view === "papers") return byId("kinds").replaceChildren();
  const of = Object.fromEntries(app.result.facets.kind ?? []);
  const sum = Object.values(of).reduce((a, b) => a + b, 0);
  const tabs =
    asked.view === "claims"
      ? [["", "All", sum], ...KINDS.map((kind) => [kind.id, kind.plural, of[kind.id] ?? 0])].map(
          ([kind, name, number]) => ({
            href: link({ kind, sort: "" }),
            name,
            number,
            here: asked.kind === kind,
            kind,
          }),
        )
      : ["rejected", "unclaimed"].map((view) => ({
          href: link({ view, sort: "" }),
          name: LIST_NAMES[view],
          number: app.result.totals[view],
          here: asked.view === view,
          kind: "",
        }));
  byId("kinds").replaceChildren(
    ...tabs.map((tab) =>
      el(
        "a",
        {
          href: tab.href,
          class: tab.kind ? `k-${tab.kind}` : null,
          "aria-current": tab.here ? "true" : null,
        },
        tab.kind ? el("b", { class: "dot", "aria-hidden": "true" }, KIND[tab.kind].letter) : "",
        tab.name,
        " ",
        el("span", { class: "n" }, count(tab.number)),
      ),
    ),
  );
  byId("kinds")
    .querySelector("[aria-current]")
    ?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** How many rows fit, which filters are on, the order, and what to beware of. */
export function drawBar(app, go, link) {
  const { asked, result } = app;
  const shown = app.grid.shown < result.total ? `, the first ${count(app.grid.shown)} shown` : "";
  byId("count").textContent =
    {
      claims: plural(result.total, "claim"),
      papers: plural(result.total, "paper"),
      rejected: `${count(result.total)} rejected`,
      unclaimed: plural(result.total, "number"),
    }[asked.view] + shown;
  const active =
    asked.view === "claims"
      ? FACETS.flatMap(({ id }) => asked[id].map((value) => [id, value])).filter(
          (pair) => pair.join() !== "stance,own",
        )
      : [];
  drawStance(app, link);
  byId("active").replaceChildren(
    ...active.map(([id, value]) =>
      el(
        "li",
        {},
        el(
          "button",
          {
            type: "button",
            class: "chip",
            onclick: () => go({ [id]: asked[id].filter((one) => one !== value) }),
            "aria-label": `Remove filter ${filterWords(id, value, result.facets)}`,
          },
          filterWords(id, value, result.facets),
          " ✕",
        ),
      ),
    ),
    ...(active.length > 1
      ? [
          el(
            "li",
            {},
            el(
              "button",
              {
                type: "button",
                class: "chip",
                onclick: () =>
                  go({ ...Object.fromEntries(FACETS.map(({ id }) => [id, []])), stance: ["own"] }),
              },
              "Clear all",
            ),
          ),
        ]
      : []),
  );
  byId("filters").textContent = active.length ? `Filters (${active.length})` : "Filters";
  byId("note").textContent =
    result.total || !(asked.q || active.length)
      ? (ABOUT[asked.view] ?? comparability(app))
      : "Nothing fits. Remove a filter or search for fewer words.";
  const sorts = app.columns
    .filter((column) => column.sort)
    .flatMap((column) =>
      column.orders ?? (column.number
        ? [
            [`-${column.sort}`, `${column.label}, high first`],
            [column.sort, `${column.label}, low first`],
          ]
        : [[column.sort, column.label]]),
    );
  byId("sort").replaceChildren(
    el("option", { value: "" }, "as read"),
    ...sorts.map(([value, name]) => el("option", { value }, name)),
  );
  byId("sort").value = asked.sort;
}

/** Whose claims are counted: the papers' own unless the stance is asked for, as in the overview. */
function drawStance({ asked, result }, link) {
  const own = asked.stance.join() === "own";
  const unsure = Object.fromEntries(result.facets.sure ?? []).low ?? 0;
  const first =
    unsure && asked.view === "claims" && !asked.sure.length
      ? [` · ${count(unsure)} below 60% sure, `,
          el("a", { href: link({ sure: ["low"], sort: "confidence" }) }, "check first")]
      : [];
  const left = Object.fromEntries(result.facets.stance ?? []).background ?? 0;
  const words =
    asked.view !== "claims"
      ? []
      : own
        ? [
            "of the papers’ own work",
            left
              ? [` · ${count(left)} on the background left out, `, el("a", { href: link({ stance: [] }) }, "show")]
              : "",
          ]
        : asked.stance.length === 1
          ? ["on the background alone"]
          : ["own and background"];
  words.push(...first);
  byId("stance").replaceChildren(...words.flat(2).filter(Boolean));
}

/** Which way the scores in this order are better, where they are all of one metric. */
function direction({ asked, result }) {
  if (asked.kind !== "benchmark") return "";
  const first = result.total ? result.at(0) : null;
  if (!first) return "";
  return first.way ? `${plain(first.metric)}: ${first.way} is better.` : "Which way is better is not known here.";
}

/** Says when a ranking mixes numbers that cannot be compared. */
function comparability(app) {
  const { asked, result } = app;
  if (asked.view !== "claims" || !/ratio|value/.test(asked.sort)) return "";
  const mixed = [
    ["bound", "bounds"],
    ["metric", "metrics"],
    ["benchmark", "benchmarks"],
    ["hardware", "devices"],
  ]
    .map(([id, name]) => [
      asked[id].length
        ? result.facets[id]?.filter((pair) => asked[id].includes(pair[0])).length
        : result.facets[id]?.length,
      name,
    ])
    .filter(([number]) => number > 1)
    .map(([number, name]) => `${number} ${name}`);
  if (!asked.kind) mixed.unshift("several kinds");
  const way = direction(app);
  if (!mixed.length && way) return way;
  return mixed.length
    ? `This order mixes ${mixed.join(", ")}: the numbers are not comparable as they stand. Narrow the filters to compare.`
    : "";
}
