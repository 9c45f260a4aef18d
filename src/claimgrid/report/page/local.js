// Answers from the columns embedded in the page: filtered, counted and sorted in memory.

import { FACETS, words } from "./query.js";
import { cut, devices, points, readable, sentence, year } from "./text.js";

const MISSING = "";
const FIELDS = [
  "role",
  "benchmark",
  "metric",
  "relation",
  "workload",
  "device",
  "vendor",
  "category",
  "count",
  "nodes",
  "per_node",
  "model",
  "params",
  "active_params",
  "context_tokens",
  "ambiguous",
  "confidence",
  "confidence_source",
  "checked",
  "plain",
  "way",
  "runs",
  "differences",
];
const LONGEST_FACET = 500;

/** A source of answers over a run's columns; `remote.js` gives the same answers from a server. */
export class Local {
  constructor(payload) {
    this.run = payload.run;
    this.runs = payload.runs ?? null;
    this.data = payload;
    this.sizes = Object.fromEntries(
      ["papers", "claims", "rejected"].map((list) => [list, length(payload[list])]),
    );
    this.of = Array.from({ length: this.sizes.papers }, () => []);
    (payload.claims.paper ?? []).forEach((paper, place) => this.of[paper]?.push(place));
    this.unclaimed = (payload.papers.unclaimed_numbers ?? []).flatMap((numbers, paper) =>
      numbers.map((number) => ({ ...number, paper })),
    );
    this.sizes.unclaimed = this.unclaimed.length;
    this.texts = {};
    this.codes = null;
  }

  /** Row `place` of a list, shaped as the JSON lines of a run are. */
  row(list, place) {
    if (list === "claims") return this.claimAt(place);
    if (list === "papers") return this.paperAt(place);
    const item = list === "unclaimed" ? this.unclaimed[place] : pick(this.data.rejected, place);
    const papers = this.data.papers;
    const abstract = points(papers.abstract[item.paper] ?? "");
    return {
      ...item,
      paper_id: papers.paper_id[item.paper] ?? item.paper_id,
      title: papers.title[item.paper] ?? "",
      around: list === "unclaimed" ? around(abstract, item) : null,
    };
  }

  claimAt(place) {
    const at = (name) => this.data.claims[name]?.[place] ?? null;
    const paper = at("paper");
    const papers = this.data.papers;
    const quote = cut(points(papers.abstract[paper]), at("start"), at("end"));
    const claim = {
      paper_id: papers.paper_id[paper],
      title: papers.title[paper],
      date: papers.date[paper],
      year: year(papers.date[paper]),
      evidence: { quote, start: at("start"), end: at("end") },
      value:
        at("text") === null
          ? null
          : { text: at("text"), low: at("low"), high: at("high"), unit: at("unit") },
      ratio: at("ratio_low") === null ? null : { low: at("ratio_low"), high: at("ratio_high") },
      baselines: at("baselines") ?? [],
      hardware: at("hardware") ?? [],
      candidates: at("candidates") ?? [],
    };
    for (const name of ["claim_id", "kind", "subject", "qualifier", "stance", "grounding", "spans"])
      claim[name] = at(name);
    for (const name of FIELDS) claim[name] = at(name);
    return readable(claim);
  }

  paperAt(place) {
    const own = {};
    for (const claim of this.ownOf(place)) {
      const kind = this.data.claims.kind[claim];
      own[kind] = (own[kind] ?? 0) + 1;
    }
    const paper = pick(this.data.papers, place);
    return { ...paper, year: year(paper.date), own };
  }

  ownOf(place) {
    return this.of[place].filter((claim) => this.data.claims.stance[claim] === "own");
  }

  /** A paper with its claims and rejected items, or null. */
  async paper(id) {
    const place = this.data.papers.paper_id.indexOf(id);
    if (place < 0) return null;
    const rejected = (this.data.rejected.paper ?? []).flatMap((paper, at) =>
      paper === place ? [pick(this.data.rejected, at)] : [],
    );
    return {
      paper: this.paperAt(place),
      claims: this.of[place].map((at) => this.claimAt(at)),
      rejected,
    };
  }

  /** A claim, or null. */
  async claim(id) {
    const place = (this.data.claims.claim_id ?? []).indexOf(id);
    return place < 0 ? null : this.claimAt(place);
  }

  /** The rows of a list that pass the filters, in order, and how often each filter value occurs. */
  async find(list, asked) {
    const { places, facets } =
      list === "claims" ? this.filter(asked) : { places: this.search(list, asked.q), facets: {} };
    this.sort(list, places, asked.sort);
    return {
      total: places.length,
      facets,
      at: (place) => this.row(list, places[place]),
      ready: null,
      placeOf: async (id) => {
        const ids = this.data[list][list === "claims" ? "claim_id" : "paper_id"] ?? [];
        return places.findIndex((place) => ids[place] === id);
      },
    };
  }

  search(list, q, keep = null) {
    const wanted = words(q);
    const places = [];
    const texts = wanted.length ? this.haystack(list) : null;
    for (let place = 0; place < this.sizes[list]; place += 1) {
      if ((!keep || keep(place)) && (!texts || wanted.every((word) => texts[place].includes(word))))
        places.push(place);
    }
    return places;
  }

  /** Prepares a list for searching. */
  warm(view) {
    this.haystack(view === "overview" ? "claims" : view);
  }

  haystack(list) {
    this.texts[list] ??= Array.from({ length: this.sizes[list] }, (_, place) => {
      const row = this.row(list, place);
      const own = {
        claims: () => [sentence(row), row.value?.text, row.evidence.quote, devices(row).join(" ")],
        papers: () => [row.abstract, ...(row.authors ?? []), ...(row.organizations ?? [])],
        rejected: () => [row.reason, row.detail, row.words],
        unclaimed: () => [row.text, row.reason, row.around.join("")],
      }[list]();
      return [row.title, row.paper_id, ...own].join("\n").toLowerCase();
    });
    return this.texts[list];
  }

  /** Rows that pass all facets, and per facet the counts among rows that pass the other ones. */
  filter(asked) {
    const codes = (this.codes ??= this.encode());
    const wanted = FILTERS.map((id) => {
      const values = id === "kind" ? [asked.kind].filter(Boolean) : asked[id];
      return values.length
        ? new Set(values.map((value) => codes[id].index.get(value) ?? -1))
        : null;
    });
    const tallies = FILTERS.map((id) => new Int32Array(codes[id].values.length));
    const places = [];
    for (const place of this.search("claims", asked.q)) {
      let missed = -1;
      let misses = 0;
      for (let f = 0; f < FILTERS.length && misses < 2; f += 1) {
        if (wanted[f] && !codes[FILTERS[f]].rows[place].some((code) => wanted[f].has(code))) {
          missed = f;
          misses += 1;
        }
      }
      if (misses === 0) places.push(place);
      if (misses < 2) {
        for (let f = 0; f < FILTERS.length; f += 1) {
          if (misses === 0 || f === missed)
            for (const code of codes[FILTERS[f]].rows[place]) tallies[f][code] += 1;
        }
      }
    }
    const facets = Object.fromEntries(
      FILTERS.map((id, f) => [id, ranked(codes[id].values, tallies[f])]),
    );
    const title = (id) => this.data.papers.title[codes.from.papers.get(id)];
    facets.from = facets.from.map(([id, number]) => [id, number, title(id)]);
    return { places, facets };
  }

  encode() {
    const { claims, papers } = this.data;
    const years = papers.date?.map((date) => year(date) ?? "none") ?? [];
    const of = {
      kind: (place) => [claims.kind[place]],
      stance: (place) => [claims.stance[place]],
      bound: (place) => [claims.qualifier[place]],
      metric: (place) => [claims.metric?.[place] ?? MISSING],
      hardware: (place) => [
        ...new Set([...(claims.hardware?.[place] ?? []), claims.device?.[place] ?? MISSING]),
      ],
      benchmark: (place) => [claims.benchmark?.[place] ?? MISSING],
      sure: (place) => [sureness(claims.confidence?.[place] ?? null)],
      year: (place) => [years[claims.paper[place]]],
      runs: (place) => [claims.runs?.[place] ?? MISSING],
      from: (place) => [papers.paper_id[claims.paper[place]]],
    };
    const made = Object.fromEntries(
      FILTERS.map((id) => {
        const index = new Map();
        const rows = Array.from({ length: this.sizes.claims }, (_, place) =>
          of[id](place)
            .filter((found) => found !== MISSING)
            .map((found) => {
              if (!index.has(found)) index.set(found, index.size);
              return index.get(found);
            }),
        );
        return [id, { index, rows, values: [...index.keys()] }];
      }),
    );
    made.from.papers = new Map((papers.paper_id ?? []).map((id, place) => [id, place]));
    return made;
  }

  sort(list, places, by) {
    if (!by) return;
    const name = by.replace(/^-/, "");
    const down = by.startsWith("-");
    const key = sortKey(this, list, name);
    const keys = new Map(places.map((place) => [place, key(place)]));
    const order = (a, b) => {
      const [x, y] = [keys.get(a), keys.get(b)];
      // What has no value stands last, whichever way the rest is turned.
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      const sign = typeof x === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0;
      return (down ? -sign : sign) || a - b;
    };
    places.sort(order);
  }

  /** How many papers name each device in each year, by the filters; undated ones under "no year". */
  async timeline(asked) {
    const seen = new Map();
    for (const place of this.filter(asked).places) {
      const claim = {
        paper: this.data.claims.paper[place],
        device: this.data.claims.device?.[place],
      };
      if (!claim.device) continue;
      const key = JSON.stringify([
        claim.device,
        year(this.data.papers.date[claim.paper]) ?? "no year",
      ]);
      if (!seen.has(key)) seen.set(key, new Set());
      seen.get(key).add(claim.paper);
    }
    return [...seen].map(([key, papers]) => {
      const [device, when] = JSON.parse(key);
      return { device, year: when, papers: papers.size };
    });
  }
}

const FILTERS = ["kind", ...FACETS.map((facet) => facet.id)];

function length(columns) {
  return Object.values(columns)[0]?.length ?? 0;
}

/** The range of a confidence that the filter names, as `answers.py` has it. */
function sureness(confidence) {
  if (confidence === null) return MISSING;
  return confidence < 0.6 ? "low" : confidence < 0.8 ? "middle" : "high";
}

function pick(columns, place) {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => [name, column[place] ?? null]),
  );
}

function around(abstract, number) {
  const before = cut(abstract, Math.max(0, number.start - 60), number.start);
  return [
    before,
    cut(abstract, number.start, number.end),
    cut(abstract, number.end, number.end + 60),
  ];
}

function ranked(values, tally) {
  return values
    .map((value, code) => [value, tally[code]])
    .filter((pair) => pair[1] > 0)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, LONGEST_FACET);
}

function sortKey(source, list, name) {
  const { claims, papers } = source.data;
  const lower = (text) => text?.toLowerCase() || null;
  if (list === "papers") {
    if (name === "title") return (place) => lower(papers.title[place]);
    if (name === "year") return (place) => year(papers.date[place]) && papers.date[place];
    if (name === "own") return (place) => source.ownOf(place).length;
    if (name === "unclaimed") return (place) => papers.unclaimed_numbers[place].length;
    return (place) => lower(papers[name]?.[place]);
  }
  if (list !== "claims") return (place) => lower(source.row(list, place)[name]);
  const numbers = {
    ratio: "ratio_high",
    value: "high",
    count: "count",
    params: "params",
    active_params: "active_params",
    confidence: "confidence",
  };
  if (numbers[name]) return (place) => claims[numbers[name]]?.[place] ?? null;
  if (name === "title") return (place) => lower(papers.title[claims.paper[place]]);
  if (name === "year")
    return (place) => year(papers.date[claims.paper[place]]) && papers.date[claims.paper[place]];
  if (name === "hardware" || name === "baselines")
    return (place) => lower((claims[name]?.[place] ?? []).join(", "));
  return (place) => lower(claims[name]?.[place]);
}
