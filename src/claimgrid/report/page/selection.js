// Takes the rows on the screen out of the page: as CSV, Markdown, LaTeX, BibTeX or a link.

import { filterWords } from "./facets.js";
import { byId, el } from "./dom.js";
import { BOUND, checkedWords, computed, factor, plain, plural, ratio, value } from "./text.js";
import { FACETS } from "./query.js";

const MOST = 5000;

const written = (claim) => (claim.kind === "speedup" ? ratio(claim) : value(claim));
const FIELDS_OUT = [
  ["kind", (c) => plain(c.kind)],
  ["subject", (c) => c.subject ?? c.model ?? c.device ?? ""],
  ["benchmark", (c) => c.benchmark ?? ""],
  ["metric", (c) => plain(c.metric)],
  ["value", written],
  ["written", (c) => c.value?.text ?? ""],
  ["computed", (c) => (c.kind === "speedup" && computed(c) ? factor(c) : "")],
  ["bound", (c) => BOUND[c.qualifier].name],
  ["against", (c) => c.baselines.join("; ")],
  ["hardware", (c) => (c.kind === "hardware" ? c.device : c.hardware.join("; "))],
  ["words", (c) => c.words],
  ["paper", (c) => c.title || c.paper_id],
  ["date", (c) => c.date ?? ""],
  ["checked", checkedWords],
  ["paper_id", (c) => c.paper_id],
  ["claim_id", (c) => c.claim_id],
];
const SHORT = new Set(["kind", "subject", "benchmark", "metric", "value", "against", "paper", "date"]);

/** What the filters of the address let through, in words. */
export function filterText(asked) {
  const parts = [asked.kind && plain(asked.kind), asked.q && `“${asked.q}”`];
  for (const { id, name } of FACETS) {
    const own = id === "stance" && asked.stance.join() === "own";
    if (asked[id].length && !own) parts.push(`${name.toLowerCase()} ${asked[id].map((value) => filterWords(id, value)).join(" or ")}`);
  }
  return parts.filter(Boolean).join(", ");
}

async function rowsOfResult(result) {
  const until = Math.min(result.total, MOST);
  await result.ready?.(0, until);
  return Array.from({ length: until }, (_, place) => result.at(place)).filter(Boolean);
}

// A cell that begins like a formula would be run by a spreadsheet.
const csvCell = (text) => {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const asCsv = (rows) =>
  [FIELDS_OUT.map(([name]) => name), ...rows.map((row) => FIELDS_OUT.map(([, show]) => show(row)))]
    .map((cells) => cells.map((cell) => csvCell(String(cell))).join(","))
    .join("\r\n") + "\r\n";

const shortOnes = () => FIELDS_OUT.filter(([name]) => SHORT.has(name));

function asMarkdown(rows, head) {
  const cell = (text) => String(text).replace(/[\\|<>`*_[\]]/g, "\\$&").replace(/\s+/g, " ");
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const names = shortOnes().map(([name]) => name);
  return [
    ...head.map(cell),
    "",
    line(names),
    line(names.map(() => "---")),
    ...rows.map((row) => line(shortOnes().map(([, show]) => cell(show(row))))),
    "",
  ].join("\n");
}

const TEX = {
  "\\": "\\textbackslash{}", "&": "\\&", "%": "\\%", $: "\\$", "#": "\\#", _: "\\_", "{": "\\{", "}": "\\}",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "×": "$\\times$", "≤": "$\\le$", "≥": "$\\ge$",
  "≈": "$\\approx$", "≙": "$\\triangleq$", "Δ": "$\\Delta$", "–": "--", "µ": "$\\mu$", "±": "$\\pm$",
  "<": "$<$", ">": "$>$",
};
const tex = (text) => String(text).replace(/[\\&%$#_{}~^×≤≥≈≙Δ–µ±<>]/g, (sign) => TEX[sign]);

function asLatex(rows, head) {
  const columns = shortOnes();
  const line = (cells) => `${cells.join(" & ")} \\\\`;
  return [
    ...head.map((text) => `% ${text}`),
    "% needs booktabs and amssymb",
    `\\begin{tabular}{${columns.map(([name]) => (name === "value" ? "r" : "l")).join("")}}`,
    "\\toprule",
    line(columns.map(([name]) => tex(name))),
    "\\midrule",
    ...rows.map((row) => line(columns.map(([, show]) => tex(show(row))))),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

/** The address of a paper at arXiv, at its publisher or where its source says; null if unknown. */
export function homes(paper) {
  const { arxiv_id: arxiv, doi } = paper;
  return [
    arxiv && /^[\w.\-/]+$/.test(arxiv) && ["arXiv", `https://arxiv.org/abs/${arxiv}`],
    doi && /^10\.[^\s]+$/.test(doi) && ["DOI", `https://doi.org/${encodeURI(doi)}`],
  ].filter(Boolean);
}

function bibEntry(paper) {
  const key = paper.citation_key ?? paper.paper_id.replace(/[^A-Za-z0-9:._/-]/g, "");
  const [year] = /^\d{4}/.exec(paper.date ?? "") ?? [paper.year];
  const fields = [
    ["title", `{${tex(paper.title)}}`],
    ["author", (paper.authors ?? []).map(tex).join(" and ")],
    ["year", year],
    ["journal", paper.venue && tex(paper.venue)],
    ["doi", paper.doi],
    ["eprint", paper.arxiv_id],
    ["archiveprefix", paper.arxiv_id && "arXiv"],
    ["url", paper.url ?? (paper.extra?.url && /^https?:/.test(paper.extra.url) ? paper.extra.url : null)],
  ];
  const lines = fields.filter((field) => field[1]).map(([name, text]) => `  ${name} = {${text}},`);
  return [`@${paper.venue ? "article" : "misc"}{${key},`, ...lines, "}", ""].join("\n");
}

async function asBibtex(rows, source) {
  const ids = [...new Set(rows.map((row) => row.paper_id))];
  const papers = await Promise.all(ids.map((id) => source.paper(id)));
  return papers.filter(Boolean).map((found) => bibEntry(found.paper)).join("\n");
}

function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = el("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const FORMATS = {
  CSV: ["claims.csv", "text/csv", (rows) => asCsv(rows)],
  Markdown: ["claims.md", "text/markdown", asMarkdown],
  LaTeX: ["claims.tex", "text/x-tex", asLatex],
  BibTeX: ["papers.bib", "text/x-bibtex", (rows, _, source) => asBibtex(rows, source)],
};

/** The menu that saves what the filters let through. `app` is what `app.js` holds. */
export function drawExport(app, caution) {
  const root = byId("export");
  root.hidden = app.asked.view !== "claims";
  if (root.hidden) return;
  const say = (text) => {
    byId("said").replaceChildren(text);
  };
  const button = (name) =>
    el("button", { type: "button", class: "quiet", onclick: async () => {
      const [file, type, make] = FORMATS[name];
      const rows = await rowsOfResult(app.result);
      const filters = filterText(app.asked);
      const head = [
        `${plural(rows.length, "claim")}${filters ? `: ${filters}` : ""}`,
        caution,
        location.href,
      ];
      save(file, await make(rows, head, app.source), type);
      const cut = app.result.total > rows.length ? ` of ${app.result.total}` : "";
      say(`Saved ${plural(rows.length, "claim")}${cut} as ${file}.`);
    } }, name);
  const link = el("button", { type: "button", class: "quiet", onclick: async () => {
    const filters = filterText(app.asked);
    const what = `${plural(app.result.total, "claim")}${filters ? `: ${filters}` : ", no filter"}`;
    try {
      await navigator.clipboard.writeText(location.href);
      say(`Link copied. It opens ${what}.`);
    } catch {
      // Without leave to write to the clipboard the link is shown to be copied by hand.
      say(el("label", {}, `Link to ${what} `, el("input", { readonly: true, value: location.href })));
    }
  } }, "Link");
  root.querySelector("div").replaceChildren(...Object.keys(FORMATS).map(button), link);
}
