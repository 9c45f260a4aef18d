// Answers from `extract serve`, in the same shape as those of `local.js`.

import { FACETS } from "./query.js";
import { readable } from "./text.js";

const PAGE = 200;

async function get(path, given) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(given ?? {})) {
    for (const one of [value].flat()) if (one !== "" && one !== null) asked.append(name, one);
  }
  const answer = await fetch(`api/${path}?${asked}`);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the server answered ${answer.status} for ${path}`);
  return answer.json();
}

/** A claim of the API has the fields of its kind alone; a row of the page has the lists of all. */
const whole = (row) => (row?.claim_id ? readable({ baselines: [], hardware: [], ...row }) : row);

function filters(asked) {
  const names = ["kind", ...FACETS.map((facet) => facet.id)];
  // A server shows one run: it has no filter by runs.
  const { from: paper, runs: _, ...rest } = Object.fromEntries(names.map((name) => [name, asked[name]]));
  return { ...rest, paper, q: asked.q };
}

const asking = (list, asked) => ({
  ...(list === "claims" ? filters(asked) : { q: asked.q }),
  sort: asked.sort,
});

/** A source of answers from the server that sent the page. */
export class Remote {
  static async open() {
    const made = new Remote();
    const about = await get("run");
    made.run = about.run;
    made.sizes = about.sizes;
    return made;
  }

  async paper(id) {
    const found = await get(`papers/${encodeURIComponent(id)}`);
    return found && { ...found, claims: found.claims.map(whole) };
  }

  async claim(id) {
    return whole(await get(`claims/${encodeURIComponent(id)}`));
  }

  async timeline(asked) {
    return (await get("timeline", filters(asked))).counts;
  }

  /** As `Local.find`; `at` gives undefined for a row that `ready(from, to)` has yet to bring. */
  async find(list, asked) {
    const given = asking(list, asked);
    const pages = new Map();
    const load = (page) => {
      if (!pages.has(page)) {
        const coming = get(list, { ...given, limit: PAGE, offset: page * PAGE });
        pages.set(page, {
          coming: coming.then((answer) => {
            pages.get(page).rows = answer.rows.map(whole);
            return answer;
          }),
          rows: [],
        });
      }
      return pages.get(page).coming;
    };
    const [first, counted] = await Promise.all([
      load(0),
      list === "claims" ? get("facets", filters(asked)) : null,
    ]);
    return {
      total: first.total,
      facets: counted ? { ...counted.facets, from: counted.facets.paper } : {},
      at: (place) => pages.get(Math.floor(place / PAGE))?.rows[place % PAGE],
      placeOf: async (id) =>
        (await get(`places/${list}`, { ...asking(list, asked), id })).place ?? -1,
      ready: (from, to) => {
        const wanted = [];
        for (let page = Math.floor(from / PAGE); page * PAGE < to; page += 1) {
          if (!pages.get(page)?.rows.length) wanted.push(load(page));
        }
        return wanted.length ? Promise.all(wanted) : null;
      },
    };
  }
}
