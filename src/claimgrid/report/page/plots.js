// Makes the rows of the plots from claims and draws them. Vega is unpacked when a plot is first drawn.

import { el, unpack } from "./dom.js";
import { BOUND, count, deviceName, params, plain, ratio, value } from "./text.js";

const MOST_NAMES = 14;
const MOST_PANELS = 4;
const SAMPLE = 400;
const LINE = 26; // height of a name, in pixels
const AXIS = 46;
const TALL = 260; // height of a plot over time
const FEWEST = 2; // marks that make a panel: one number alone shows nothing
const BOARD = 3; // dated scores that make a leaderboard
const MOST_TICKS = 8;
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
    line: { color: css("--soft") },
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
  if (plot === "scores" || plot === "board") {
    const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 1;
    return { lowest: low - room, highest: high + room };
  }
  // Ticks stand at 1, 2 and 5: half and twice a lone number have some between them.
  const [first, last] =
    plot === "speedups" || plot === "gains" ? [Math.min(1, low), Math.max(1, high)] : [low / 2, high * 2];
  const room = (last / first) ** 0.05 * 1.05;
  return { lowest: first / room, highest: last * room };
}

/** Ticks of a log axis: 1, 2 and 5 of each power of ten, the powers alone where those crowd, and
 * even steps where fewer than three stand on a short axis. */
function ticks({ lowest, highest }) {
  if (!(lowest > 0)) return [];
  const among = (digits) => {
    const found = [];
    for (let power = Math.floor(Math.log10(lowest)); 10 ** power <= highest; power += 1)
      for (const digit of digits) {
        const tick = Number(`${digit}e${power}`);
        if (tick >= lowest && tick <= highest) found.push(tick);
      }
    return found;
  };
  const [all, powers] = [among([1, 2, 5]), among([1])];
  if (all.length < 3) return evenly(lowest, highest);
  return all.length > MOST_TICKS && powers.length > 1 ? powers : all;
}

/** Some four round numbers between two. */
function evenly(lowest, highest) {
  const least = (highest - lowest) / 5;
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * [1, 2, 5, 10].find((digit) => digit * power >= least);
  const found = [];
  for (let at = Math.ceil(lowest / step); at * step <= highest; at += 1)
    found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** Where the axis of dates begins and ends: whole years. */
function dates(rows) {
  const found = rows.map((row) => row.when).filter((when) => Number.isFinite(when));
  if (!found.length) return {};
  const [earliest, latest] = [Math.floor(Math.min(...found)), Math.ceil(Math.max(...found) + 0.01)];
  return {
    earliest,
    latest,
    dates: Array.from({ length: latest - earliest + 1 }, (_, place) => earliest + place),
  };
}

/** Every year between the first and the last, so that equal steps are equal times. */
function years(rows) {
  const all = [...new Set(rows.map((row) => row.year))];
  const known = all.filter((one) => /^\d{4}$/.test(one)).map(Number);
  if (!known.length) return all;
  const [first, last] = [Math.min(...known), Math.max(...known)];
  const run = Array.from({ length: last - first + 1 }, (_, place) => String(first + place));
  return [...run, ...all.filter((one) => !/^\d{4}$/.test(one))];
}

/** Draws `rows` into `root`; a mark that knows its claim opens it. */
export async function draw(root, { plot, kind, rows, label, open, tip }) {
  const { specs, embed } = await (parts ??= load());
  const spec = structuredClone(specs[plot]);
  spec.datasets = { rows };
  const bounds = ends(plot, rows);
  const set = { ...bounds, ...dates(rows), ticks: ticks(bounds) };
  spec.params = Object.entries(set).map(([name, value]) => ({ name, value }));
  const timed = plot === "board" || plot === "gains";
  spec.height = timed ? TALL : new Set(rows.map((row) => row.name)).size * LINE + AXIS;
  if (plot === "hardware")
    for (const layer of spec.layer) layer.encoding.x.scale = { domain: years(rows) };
  const made = await embed(root, spec, {
    mode: "vega-lite",
    ast: true,
    actions: false,
    renderer: "svg",
    logLevel: 1,
    defaultStyle: false,
    hover: false,
    config: config(kind),
    tooltip: (_, event, item, shown) => tip(event, shown && item?.datum?.words ? item.datum : null),
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

/** A date as a number of years; null where no year is stated. */
function moment(claim) {
  const [, of, month = "1", date = "1"] = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?/.exec(claim.date ?? "") ?? [];
  return of ? Number(of) + (Number(month) - 1) / 12 + (Number(date) - 1) / 372 : null;
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
      const fit = claims.filter((claim) => claim.ratio?.low > 0);
      const usual = commonBaseline(fit);
      const rows = fit.map((claim) => ({
          name: `${named(claim)}${usual && !claim.baselines.includes(usual) ? " ≠" : ""}`,
          when: moment(claim),
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
            claim.baselines.length ? `over ${claim.baselines.join(", ")}` : "baseline not named",
            claim.year,
          ]
            .filter(Boolean)
            .join(" · "),
        }));
      return {
        ...panel("speedups", "speedup", `Speedups: ${plain(metric)}`, rows, filter),
        unlike: unlike(fit, usual),
        all: rows,
        most: `the ${MOST_NAMES} highest of ${count(total)} claims`,
      };
    }),
  );
  return { panels, left: Math.max(0, metrics.length - MOST_PANELS), of: "metrics" };
}

/** The baseline that at least two claims, and half of them, are measured against. */
function commonBaseline(claims) {
  const seen = {};
  for (const claim of claims) for (const name of claim.baselines) seen[name] = (seen[name] ?? 0) + 1;
  const [name, times] = Object.entries(seen).sort((a, b) => b[1] - a[1])[0] ?? ["", 0];
  return times >= 2 && times * 2 >= claims.length ? name : "";
}

function unlike(claims, usual) {
  const kinds = new Set(claims.map((claim) => claim.baselines.join(", ")));
  if (kinds.size < 2) return "";
  return usual
    ? `≠ not measured against ${usual}`
    : `${kinds.size} different baselines: not comparable as they stand`;
}

/** Speedups by date, all metrics that have a panel of their own. */
function gainsOverTime(group) {
  const panels = group.panels
    .map((one) => ({
      ...one,
      plot: "gains",
      title: `${one.title} over time`,
      rows: (one.all ?? []).filter((row) => row.when !== null && Number.isFinite(row.high)),
      unlike: one.unlike,
    }))
    .filter((one) => new Set(one.rows.map((row) => row.when)).size >= BOARD);
  return { panels: panels.slice(0, 2), left: Math.max(0, panels.length - 2), of: "metrics" };
}

/** One board a benchmark, metric and unit: scores by date and the best so far. */
async function boards(source, asked) {
  const filter = { ...asked, kind: "benchmark", sort: "" };
  const names = (await source.find("claims", filter)).facets.benchmark ?? [];
  const found = await Promise.all(
    names.slice(0, MOST_NAMES).map(([name]) => rowsOf(source, { ...filter, benchmark: [name] })),
  );
  const groups = new Map();
  for (const claim of found.flatMap((one) => one.claims)) {
    if (claim.relation !== "absolute" || claim.value?.low === null || moment(claim) === null) continue;
    const key = JSON.stringify([claim.benchmark, claim.metric, claim.value.unit]);
    groups.set(key, [...(groups.get(key) ?? []), claim]);
  }
  const panels = [...groups.values()]
    .filter((group) => new Set(group.map(moment)).size >= BOARD)
    .sort((a, b) => b.length - a.length)
    .map((group) => board(group, filter));
  return {
    panels: panels.slice(0, MOST_PANELS),
    left: Math.max(0, panels.length - MOST_PANELS),
    of: "boards",
  };
}

function board(group, filter) {
  const [{ benchmark, metric, way, value: { unit } }] = group;
  const better = { higher: Math.max, lower: Math.min }[way];
  let best = null;
  const rows = [...group]
    .sort((a, b) => moment(a) - moment(b))
    .map((claim) => {
      const high = way === "lower" ? claim.value.low : claim.value.high;
      if (better) best = best === null ? high : better(best, high);
      return {
        name: named(claim),
        when: moment(claim),
        low: high,
        high,
        best,
        rank: 0,
        bound: claim.qualifier === "range" ? "exact" : claim.qualifier,
        claim_id: claim.claim_id,
        words: [named(claim), value(claim), claim.year].join(" · "),
      };
    });
  const bounds = [...new Set(rows.map((row) => row.bound))];
  const said = [benchmark, metric].filter(Boolean).join(" · ");
  return {
    plot: "board",
    kind: "benchmark",
    title: `${said}${unit === "score" ? "" : ` (${unit})`} over time`,
    rows,
    names: 0,
    bounds,
    unlike: better
      ? `line: best so far, ${way} is better`
      : "which way is better is not known, so nothing is ranked",
    filter: { ...filter, benchmark: [benchmark], metric: metric ? [metric] : [] },
  };
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
    name: deviceName(one.device),
    year: one.year,
    papers: one.papers,
    rank: -sums[one.device],
    words: `${deviceName(one.device)} · ${one.year} · ${one.papers} ${one.papers === 1 ? "paper" : "papers"}`,
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
      // The best first; where it is not known which way that is, by name.
      rank: { higher: -claim.value.high, lower: claim.value.low }[claim.way] ?? 0,
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

/** Every plot that has something to show; a number alone in its panel stands in the table. */
export async function panels(source, asked) {
  const [gains, ...others] = await Promise.all(
    [speedups, sizes, scores, boards, hardware].map((make) => make(source, asked)),
  );
  return [gains, gainsOverTime(gains), ...others]
    .map((group) => {
      const drawn = group.panels.filter((one) => one.rows.length >= FEWEST);
      const alone = group.panels.filter((one) => one.rows.length && one.rows.length < FEWEST).length;
      return { ...group, panels: drawn, alone };
    })
    .filter((group) => group.panels.length);
}

/** The caption under a plot: what its marks mean, and what it leaves out. */
export function caption(one) {
  const marks = one.bounds.map((bound) => `${BOUND[bound].glyph} ${BOUND[bound].name}`).join("   ");
  const most = one.names > MOST_NAMES || one.left ? one.most : "";
  return [one.legend || marks, one.unlike, most].filter(Boolean).join("   ·   ");
}
