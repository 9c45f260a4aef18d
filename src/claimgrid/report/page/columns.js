// The columns of each list: what stands in their cells, and which words a cell leads to.

import { el } from "./dom.js";
import {
  KIND,
  RELATION,
  count,
  day,
  deviceName,
  devices,
  params,
  plain,
  ratio,
  shortTitle,
  checkedWords,
  value,
  what,
} from "./text.js";

/** The letter and name of a kind; never its colour alone. */
export function badge(kind, long = true) {
  const { name, letter } = KIND[kind] ?? { name: plain(kind) || "unknown", letter: "?" };
  return el(
    "span",
    { class: `badge k-${kind}` },
    el("b", { "aria-hidden": "true" }, letter),
    long ? name : el("span", { class: "hidden" }, name),
  );
}

const dim = (words) => (words ? el("span", { class: "dim" }, words) : "");
const clip = (words, cls = "") => (words ? el("span", { class: `clip ${cls}` }, words) : "");

const unnamed = () =>
  el(
    "span",
    { class: "dim" },
    el("span", { "aria-hidden": "true" }, "–"),
    el("span", { class: "hidden" }, "not named"),
  );

/** A mark on what a person has decided. */
const person = (c) =>
  c.checked
    ? el("span", { class: "person", title: `checked by a person: ${checkedWords(c)}` },
      "✓", el("span", { class: "hidden" }, " checked by a person"))
    : "";

// id, label, and `fit` (the least and most pixels of a column as wide as what it holds) or `width`
// (a CSS track; one with `fr` takes what the others leave); then optional: sort key, field of the claim whose words a click shows, show(row).
const C = {
  kind: { id: "kind", label: "Kind", fit: [104, 132], sort: "kind", show: (c) => badge(c.kind) },
  subject: {
    id: "subject",
    label: "Subject",
    fit: [140, 230],
    sort: "subject",
    field: "subject",
    // Where the abstract names no system, its paper stands in.
    show: (c) =>
      clip(c.subject, "strong") || clip(c.title && `(${shortTitle(c.title)})`) || unnamed(),
  },
  value: {
    id: "value",
    label: "Value",
    fit: [84, 200],
    sort: "value",
    field: "value",
    number: true,
    show: (c) => [clip(value(c), "number"), person(c)],
  },
  what: { id: "what", label: "Claim", fit: [110, 260], show: (c) => clip(what(c)) },
  quote: {
    id: "quote",
    label: "Words",
    width: "minmax(300px,2.2fr)",
    show: (c) => clip(c.words, "quote"),
  },
  paper: {
    id: "paper",
    label: "Paper",
    fit: [110, 200],
    sort: "title",
    show: (c) => clip(c.title || c.paper_id, "dim"),
  },
  year: { id: "year", label: "Year", width: "56px", sort: "year", show: (c) => dim(c.year ?? "–") },
  metric: {
    id: "metric",
    label: "Metric",
    fit: [80, 150],
    sort: "metric",
    field: "metric",
    show: (c) => clip(plain(c.metric)),
  },
  workload: {
    id: "workload",
    label: "Workload",
    fit: [84, 190],
    sort: "workload",
    field: "workload",
    show: (c) => clip(c.workload),
  },
  baselines: {
    id: "baselines",
    label: "Against",
    fit: [84, 210],
    sort: "baselines",
    field: "baselines",
    show: (c) => clip(c.baselines.join(", ")),
  },
  hardware: {
    id: "hardware",
    label: "Hardware",
    fit: [90, 210],
    sort: "hardware",
    field: "hardware",
    show: (c) => clip(devices(c).map(deviceName).join(", ")),
  },
  sure: {
    id: "sure",
    label: "Sure",
    width: "68px",
    sort: "confidence",
    orders: [["confidence", "check first: least sure"], ["-confidence", "surest first"]],
    show: (c) => (c.confidence === null || c.confidence === undefined ? ""
      : dim(`${Math.round(c.confidence * 100)}%`)),
  },
  stance: (c) => (c.stance === "background" ? el("span", { class: "tag" }, "background") : ""),
};

const CLAIMS = {
  "": [C.kind, C.subject, C.value, C.what, C.baselines, C.quote, C.paper, C.year],
  speedup: [
    C.subject,
    {
      id: "ratio",
      label: "Gain",
      fit: [110, 210],
      sort: "ratio",
      field: "value",
      number: true,
      show: (c) => [clip(ratio(c), "number big"), person(c)],
    },
    C.metric,
    C.baselines,
    C.workload,
    C.hardware,
    C.quote,
    C.paper,
    C.year,
  ],
  benchmark: [
    C.subject,
    {
      id: "what",
      label: "Benchmark",
      fit: [110, 230],
      sort: "benchmark",
      field: "benchmark",
      show: (c) => clip(c.benchmark),
    },
    { ...C.value, label: "Score" },
    C.metric,
    {
      id: "role",
      label: "Role",
      fit: [84, 140],
      sort: "role",
      show: (c) =>
        dim(
          c.role === "result" ? (RELATION[c.relation] ?? "") : plain(c.role),
        ),
    },
    C.baselines,
    C.quote,
    C.paper,
    C.year,
  ],
  efficiency: [C.subject, C.value, C.metric, C.workload, C.hardware, C.quote, C.paper, C.year],
  hardware: [
    {
      id: "subject",
      label: "Device",
      fit: [160, 230],
      sort: "device",
      field: "device",
      show: (c) => clip(deviceName(c.device), "strong"),
    },
    {
      id: "value",
      label: "Count",
      fit: [76, 150],
      sort: "count",
      field: "count",
      number: true,
      show: (c) => clip(value(c), "number"),
    },
    {
      id: "layout",
      label: "Nodes",
      width: "84px",
      number: true,
      field: "nodes",
      show: (c) => (c.nodes ? `${count(c.nodes)} × ${c.per_node ?? "?"}` : ""),
    },
    {
      id: "category",
      label: "Class",
      width: "76px",
      sort: "category",
      show: (c) => plain(c.category),
    },
    { id: "what", label: "Role", width: "104px", sort: "role", show: (c) => plain(c.role) },
    { ...C.subject, id: "system" },
    C.quote,
    C.paper,
    C.year,
  ],
  model_size: [
    {
      id: "subject",
      label: "Model",
      fit: [130, 260],
      sort: "model",
      field: "model",
      show: (c) => clip(c.model, "strong") || unnamed(),
    },
    {
      id: "value",
      label: "Total",
      width: "84px",
      sort: "params",
      field: "total",
      number: true,
      show: (c) => clip(params(c.params), "number"),
    },
    {
      id: "active",
      label: "Active",
      width: "84px",
      sort: "active_params",
      field: "active",
      number: true,
      show: (c) => clip(params(c.active_params), "number"),
    },
    {
      id: "context",
      label: "Context",
      width: "84px",
      number: true,
      show: (c) => params(c.context_tokens),
    },
    C.quote,
    C.paper,
    C.year,
  ],
};

const tallies = (row) =>
  el(
    "span",
    { class: "tallies" },
    Object.keys(KIND)
      .filter((kind) => row.own[kind])
      .map((kind) =>
        el(
          "span",
          { class: `tally k-${kind}`, title: KIND[kind].plural },
          el("b", { "aria-hidden": "true" }, KIND[kind].letter),
          el("span", { class: "hidden" }, ` ${KIND[kind].plural}: `),
          String(row.own[kind]),
        ),
      ),
  );
const FAILED = new Set(["refused", "truncated", "invalid", "error"]);
export const failed = (status) => FAILED.has(status);

const OTHERS = {
  papers: [
    {
      id: "subject",
      label: "Title",
      width: "minmax(220px,3fr)",
      sort: "title",
      show: (p) => clip(p.title || p.paper_id, "strong"),
    },
    { id: "year", label: "Date", width: "92px", sort: "year", show: (p) => dim(day(p.date) ?? "–") },
    { id: "what", label: "Own claims", width: "176px", sort: "own", show: tallies },
    {
      id: "value",
      label: "Status",
      width: "104px",
      sort: "status",
      show: (p) => el("span", { class: failed(p.status) ? "tag bad" : "dim" }, plain(p.status)),
    },
    {
      id: "open",
      label: "Unclaimed",
      width: "104px",
      sort: "unclaimed",
      number: true,
      show: (p) => String(p.unclaimed_numbers.length),
    },
    {
      id: "quote",
      label: "Authors",
      width: "minmax(140px,1.4fr)",
      show: (p) => clip((p.authors ?? []).join(", "), "dim"),
    },
  ],
  rejected: [
    { id: "kind", label: "Kind", fit: [104, 132], sort: "kind", show: (r) => badge(r.kind) },
    {
      id: "subject",
      label: "Reason",
      fit: [120, 230],
      sort: "reason",
      show: (r) => clip(plain(r.reason), "strong"),
    },
    {
      id: "value",
      label: "Left out",
      fit: [100, 180],
      show: (r) => (r.field ? `field ${plain(r.field)}` : "whole claim"),
    },
    { id: "quote", label: "Why", width: "minmax(200px,1.6fr)", show: (r) => clip(r.detail) },
    {
      id: "what",
      label: "The model's words",
      width: "minmax(140px,1fr)",
      show: (r) => clip(r.words ?? r.item?.quote ?? "", "quote"),
    },
    C.paper,
  ],
  unclaimed: [
    {
      id: "value",
      label: "Number",
      width: "132px",
      sort: "text",
      show: (n) => clip(n.text, "number"),
    },
    {
      id: "subject",
      label: "Why it is no claim",
      width: "minmax(130px,.6fr)",
      sort: "reason",
      show: (n) => (n.reason ? plain(n.reason) : el("span", { class: "tag" }, "not known")),
    },
    {
      id: "quote",
      label: "Around it",
      width: "minmax(240px,2.4fr)",
      show: (n) =>
        el(
          "span",
          { class: "clip quote" },
          `…${n.around[0]}`,
          el("b", {}, n.around[1]),
          `${n.around[2]}…`,
        ),
    },
    C.paper,
  ],
};

const inRuns = {
  id: "runs",
  label: "In runs",
  fit: [96, 190],
  show: (c) =>
    c.differences?.length
      ? clip(`≠ ${c.differences.map((one) => plain(one.field)).join(", ")}`)
      : clip(c.runs.replace(" in all", ""), "dim"),
};

/** The columns of a list, by the kind that it is narrowed to; `several` runs have one more, and so
 * have claims with a confidence. */
export function columns(list, kind, several = false, sure = false) {
  if (list !== "claims") return OTHERS[list];
  const own = CLAIMS[kind] ?? CLAIMS[""];
  const found = sure ? [...own, C.sure] : own;
  return several ? [...found.slice(0, 3), inRuns, ...found.slice(3)] : found;
}
export const stanceTag = C.stance;
