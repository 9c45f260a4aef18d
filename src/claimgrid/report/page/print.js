// What is printed: the whole table, not only its rows in sight, and the abstracts.

import { el } from "./dom.js";
import { abstract } from "./reader.js";
import { count, sentence } from "./text.js";

const MOST_ROWS = 2000;
const MOST_PAPERS = 100;

/** The list as a plain table, then the abstracts of its papers with their claims. */
export function printed({ columns, result, title, source }) {
  const rows = Array.from({ length: Math.min(result.total, MOST_ROWS) }, (_, place) =>
    result.at(place),
  ).filter(Boolean);
  const table = el(
    "table",
    {},
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        columns.map((column) => el("th", {}, column.label)),
      ),
    ),
    el(
      "tbody",
      {},
      rows.map((row) =>
        el(
          "tr",
          {},
          columns.map((column) => el("td", {}, column.show(row))),
        ),
      ),
    ),
  );
  const left = result.total - rows.length;
  const papers = [...new Set(rows.map((row) => row.paper_id))].slice(0, MOST_PAPERS);
  return [
    el("h1", {}, title),
    table,
    left ? el("p", {}, `${count(left)} more rows are not printed; narrow the filters.`) : null,
    ...(source.of ? papers.map((id) => sheet(source, id)) : []),
  ].filter(Boolean);
}

function sheet(source, id) {
  const place = source.data.papers.paper_id.indexOf(id);
  const paper = source.paperAt(place);
  const claims = source.of[place].map((at) => source.claimAt(at));
  return el(
    "article",
    {},
    el("h2", {}, paper.title || id),
    abstract(paper, claims, () => "#"),
    el(
      "ul",
      {},
      claims.map((claim) => el("li", {}, sentence(claim))),
    ),
  );
}
