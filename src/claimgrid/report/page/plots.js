// Claims to the rows of the plots, and a plot to a drawing. Vega is unpacked when one is first drawn.

import { el, unpack } from "./dom.js";
import { BOUND, count, params, plain, ratio, value } from "./text.js";

const MOST_NAMES = 14;
const MOST_PANELS = 4;
const SAMPLE = 400;
const LINE = 26; // height of a name, in pixels
const AXIS = 46;
let parts = null;

async function load() {
  const [specs, vega] = await Promise.all([unpack("plots"), unpack("vega")]);
  // The policy knows the hash of exactly this script.
  document.head.append(el("script", {}, vega));
  return { specs: JSON.parse(specs), embed: window.vegaEmbed };
}

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function config(kind) {
  const colour = css(`--${kind}`);
  const text = {
    labelColor: css("--soft"),
    titleColor: css("--soft"),
    labelFont: css("--font"),
    titleFont: css("--font"),
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 400,
  };
  return {
    // One image with one name: its marks are rows of the table.
    aria: false,
    mark: { aria: false },
    view: { stroke: null },
    axis: {
      ...text,
      gridColor: css("--line"),
      domainColor: css("--line"),
      tickColor: css("--line"),
    },
    point: { color: colour, fill: colour },
    rule: { color: colour },
    circle: { color: colour },
    tick: { color: colour },
    text: { color: css("--ink"), font: css("--font") },
  };
}

/** Where the axis begins and ends; that of a speedup begins at 1, no change, or below. */
function ends(plot, rows) {
  const numbers = rows
    .flatMap((row) => [row.low, row.high, row.total, row.active])
    .filter((number) => Number.isFinite(number));
  if (!numbers.length) return {};
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (plot === "scores") {
    const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
    return { lowest: low - room, highest: high + room };
  }
  // Ticks stand at 1, 2 and 5: half and twice a lone number have some between them.
  const [first, last] =
    plot === "speedups" ? [Math.min(1, low), Math.max(1, high)] : [low / 2, high * 2];
  const room = (last / first) ** 0.05 * 1.05;
  return { lowest: first / room, highest: last * room };
}

/** Draws `rows` into `root`; a mark that knows its claim opens it. */
export async function draw(root, { plot, kind, rows, label, open, tip }) {
  const { specs, embed } = await (parts ??= load());
  const spec = structuredClone(specs[plot]);
  spec.datasets = { rows };
  spec.params = Object.entries(ends(plot, rows)).map(([name, value]) => ({ name, value }));
  spec.height = new Set(rows.map((row) => row.name)).size * LINE + AXIS;
  const made = await embed(root, spec, {
    mode: "vega-lite",
    ast: true,
    actions: false,
    renderer: "svg",
    logLevel: 1,
    defaultStyle: false,
    hover: false,
    config: config(kind),
    tooltip: (_, event, item) => tip(event, item?.datum?.claim_id ? item.datum : null),
    loader: { load: () => Promise.reject(new Error("a plot loads nothing")) },
  });
  root.setAttribute("role", "img");
  root.setAttribute("aria-label", label);
  made.view.addEventListener(
    "click",
    (_, item) => item?.datum?.claim_id && open(item.datum.claim_id),
  );
  return made;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/** Keeps the names with the best ranks; all rows of a kept name stay. Equal ranks go by name, so
 * that the file and the server, whose rows come in different orders, keep and draw the same. */
function top(found) {
  const rows = [...found].sort((a, b) => a.rank - b.rank || compare(a.name, b.name));
  const names = [...new Set(rows.map((row) => row.name))];
  const kept = new Set(names.slice(0, MOST_NAMES));
  return { rows: rows.filter((row) => kept.has(row.name)), names: names.length };
}

const cutTo = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const named = (claim) => cutTo(claim.subject || claim.title || claim.paper_id, 34);

async function rowsOf(source, asked) {
  const found = await source.find("claims", asked);
  const until = Math.min(found.total, SAMPLE);
  await found.ready?.(0, until);
  const claims = Array.from({ length: until }, (_, place) => found.at(place)).filter(Boolean);
  return { claims, total: found.total };
}

function panel(plot, kind, title, rows, filter) {
  const kept = top(rows);
  const bounds = [...new Set(kept.rows.map((row) => row.bound).filter(Boolean))];
  return { plot, kind, title, ...kept, bounds, filter };
}

/** Speedups, a panel a metric: numbers of different metrics share no axis. */
async function speedups(source, asked) {
  const base = { ...asked, kind: "speedup", sort: "-ratio" };
  const metrics = (await source.find("claims", base)).facets.metric ?? [];
  const panels = await Promise.all(
    metrics.slice(0, MOST_PANELS).map(async ([metric]) => {
      const filter = { ...base, metric: [metric] };
      const { claims, total } = await rowsOf(source, filter);
      const rows = claims
        .filter((claim) => claim.ratio?.low > 0)
        .map((claim) => ({
          name: named(claim),
          low: claim.ratio.low,
          high: claim.ratio.high,
          rank: -claim.ratio.high,
          bound: claim.qualifier,
          claim_id: claim.claim_id,
          paper_id: claim.paper_id,
          words: [
            claim.subject,
            ratio(claim),
            claim.workload,
            claim.baselines.length && `over ${claim.baselines.join(", ")}`,
          ]
            .filter(Boolean)
            .join(" · "),
        }));
      return {
        ...panel("speedups", "speedup", `Speedups: ${plain(metric)}`, rows, filter),
        most: `the ${MOST_NAMES} highest of ${count(total)} claims`,
      };
    }),
  );
  return { panels, left: Math.max(0, metrics.length - MOST_PANELS), of: "metrics" };
}

async function sizes(source, asked) {
  const filter = { ...asked, kind: "model_size", sort: "-params" };
  const { claims, total } = await rowsOf(source, filter);
  const rows = claims.map((claim) => ({
    name: cutTo(claim.model || named(claim), 34),
    total: claim.params,
    active: claim.active_params,
    rank: -claim.params,
    claim_id: claim.claim_id,
    paper_id: claim.paper_id,
    words: `${claim.model ?? claim.subject ?? "model"} · ${params(claim.params)} parameters${claim.active_params ? `, ${params(claim.active_params)} active` : ""}`,
  }));
  return {
    panels: [
      {
        ...panel("sizes", "model_size", "Model sizes", rows, filter),
        legend: "● total  ○ active per token",
        most: `the ${MOST_NAMES} largest of ${count(total)} claims`,
      },
    ],
  };
}

async function hardware(source, asked) {
  const filter = { ...asked, kind: "hardware", sort: "" };
  const found = await source.timeline(filter);
  const sums = {};
  for (const one of found) sums[one.device] = (sums[one.device] ?? 0) + one.papers;
  const rows = found.map((one) => ({
    name: one.device,
    year: one.year,
    papers: one.papers,
    rank: -sums[one.device],
  }));
  return {
    panels: [
      {
        ...panel("hardware", "hardware", "Hardware over time", rows, filter),
        legend: "papers that name a device, by year",
        most: `the ${MOST_NAMES} named most`,
      },
    ],
  };
}

/** Scores, a row a benchmark and metric, a panel a unit. A score relative to a baseline is no score. */
async function scores(source, asked) {
  const filter = { ...asked, kind: "benchmark", sort: "" };
  const benchmarks = (await source.find("claims", filter)).facets.benchmark ?? [];
  const found = await Promise.all(
    benchmarks
      .slice(0, MOST_NAMES)
      .map(([name]) => rowsOf(source, { ...filter, benchmark: [name] })),
  );
  const claims = found.flatMap((one) => one.claims);
  const rows = claims
    .filter((claim) => claim.relation === "absolute" && claim.value?.low !== null)
    .map((claim) => ({
      name: cutTo([claim.benchmark, claim.metric].filter(Boolean).join(" · "), 34),
      low: claim.value.low,
      high: claim.value.high,
      rank: -claim.value.high,
      bound: claim.qualifier,
      unit: claim.value.unit,
      claim_id: claim.claim_id,
      paper_id: claim.paper_id,
      words: [claim.subject, claim.benchmark, value(claim)].filter(Boolean).join(" · "),
    }));
  const units = [...new Set(rows.map((row) => row.unit))];
  const size = (unit) => rows.filter((row) => row.unit === unit).length;
  units.sort((a, b) => size(b) - size(a));
  const panels = units.slice(0, MOST_PANELS).map((unit) => ({
    ...panel(
      "scores",
      "benchmark",
      `Scores per benchmark${unit === "score" ? "" : ` (${unit})`}`,
      rows.filter((row) => row.unit === unit),
      filter,
    ),
    most: `the ${MOST_NAMES} benchmarks named most`,
    left: benchmarks.length > MOST_NAMES,
  }));
  return { panels, left: Math.max(0, units.length - MOST_PANELS), of: "units" };
}

/** Every plot that has something to show. */
export async function panels(source, asked) {
  const groups = await Promise.all(
    [speedups, sizes, scores, hardware].map((make) => make(source, asked)),
  );
  return groups
    .map((group) => ({ ...group, panels: group.panels.filter((one) => one.rows.length) }))
    .filter((group) => group.panels.length);
}

/** The caption under a plot: what its marks mean, and what it leaves out. */
export function caption(one) {
  const marks = one.bounds.map((bound) => `${BOUND[bound].glyph} ${BOUND[bound].name}`).join("   ");
  const most = one.names > MOST_NAMES || one.left ? one.most : "";
  return [one.legend || marks, most].filter(Boolean).join("   ·   ");
}
