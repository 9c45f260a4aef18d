// The reader pane: an abstract with its claims marked, and what was not taken.

import { el, safeLink } from "./dom.js";
import { badge, failed, stanceTag } from "./columns.js";
import { homes } from "./selection.js";
import {
  KIND,
  KINDS,
  count,
  cut,
  day,
  fields,
  plain,
  plural,
  points,
  sentence,
  segments,
} from "./text.js";

const STRONG = new Set(["value", "device", "count", "total", "active", "benchmark"]);

/** The abstract in segments, each a link to its first claim; words of no claim stay words. */
export function abstract(paper, claims, link) {
  const text = points(paper.abstract);
  const open = paper.unclaimed_numbers;
  // Unclaimed numbers lie outside fields, though perhaps within evidence: a span of their own there.
  const edges = open.flatMap((number) => [number.start, number.end]);
  const told = new Set();
  const made = segments(text.length, claims)
    .flatMap((segment) => split(segment, edges))
    .map((segment) => {
      const words = cut(text, segment.start, segment.end);
      const number = open.find((one) => one.start <= segment.start && segment.end <= one.end);
      const shown = number
        ? el(
            "span",
            {
              class: "open",
              title: `no claim covers this number${number.reason ? ` (${plain(number.reason)})` : ""}`,
            },
            words,
          )
        : words;
      const at = { "data-start": String(segment.start), "data-end": String(segment.end) };
      if (!segment.claims.length) return el("span", at, shown);
      const strong = segment.fields.some((one) => STRONG.has(one.split(" ")[1]));
      const sure = segment.claims.filter(
        (claim) => claim.evidence.start < segment.end && segment.start < claim.evidence.end,
      );
      if (!sure.length) return el("span", at, shown); // a subject named elsewhere is no evidence
      const kinds = [...new Set(sure.map((claim) => claim.kind))];
      const ids = sure.map((claim) => claim.claim_id).join(" ");
      const set = { ...at, class: `mark k-${kinds[0]}${strong ? " key" : ""}`, "data-claims": ids };
      // Words of the same claims are one stop for Tab; a space between two marks is none.
      const mark = words.trim()
        ? el("a", { ...set, href: link(sure[0]), tabindex: told.has(ids) ? "-1" : null }, shown)
        : el("span", set, shown);
      if (words.trim()) told.add(ids);
      kinds
        .slice(0, 3)
        .forEach((kind, place) => mark.style.setProperty(`--line${place + 1}`, `var(--${kind})`));
      return mark;
    });
  return el("p", { class: "abstract" }, made);
}

function split(segment, edges) {
  const inner = [...new Set(edges)]
    .filter((edge) => segment.start < edge && edge < segment.end)
    .sort((a, b) => a - b);
  const ends = [...inner, segment.end];
  return ends.map((end, place) => ({
    ...segment,
    start: place ? ends[place - 1] : segment.start,
    end,
  }));
}

function byline(paper) {
  const address = safeLink(paper.url ?? paper.extra?.url ?? paper.extra?.link);
  const parts = [
    (paper.authors ?? []).join(", "),
    (paper.organizations ?? []).join(", "),
    day(paper.date),
    (paper.categories ?? []).join(" "),
  ];
  return el(
    "p",
    { class: "byline" },
    parts.filter(Boolean).join(" · "),
    homes(paper).map(([name, home]) => [
      " · ",
      el("a", { href: home, rel: "noopener noreferrer", target: "_blank" }, name),
    ]),
    address
      ? [" · ", el("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, "source")]
      : "",
  );
}

function card(claim, link, current) {
  const set = {
    href: link(claim),
    class: "card-link",
    "aria-current": claim.claim_id === current ? "true" : null,
  };
  return el(
    "li",
    { class: `claim k-${claim.kind}`, id: `claim-${claim.claim_id}` },
    el(
      "div",
      { class: "claim-head" },
      badge(claim.kind),
      stanceTag(claim),
      el("a", set, sentence(claim) || claim.evidence.quote),
    ),
    el("blockquote", {}, claim.evidence.quote),
    claim.claim_id === current
      ? el(
          "dl",
          {},
          fields(claim).flatMap(([name, words]) => [el("dt", {}, name), el("dd", {}, words)]),
        )
      : null,
  );
}

function rejection(item) {
  return el(
    "li",
    {},
    badge(item.kind),
    " ",
    el("b", {}, plain(item.reason)),
    item.field ? ` (field ${plain(item.field)})` : "",
    el("div", { class: "dim" }, item.detail),
    el(
      "details",
      {},
      el("summary", {}, "What the model answered"),
      el("pre", {}, JSON.stringify(item.item, null, 1)),
    ),
  );
}

function number(item, text) {
  const before = cut(text, Math.max(0, item.start - 40), item.start);
  return el(
    "li",
    {},
    el("b", {}, item.text),
    " ",
    el("span", { class: "dim" }, item.reason ? plain(item.reason) : "reason not known"),
    el(
      "div",
      { class: "quote" },
      `…${before}`,
      el("b", {}, item.text),
      `${cut(text, item.end, item.end + 40)}…`,
    ),
  );
}

/** What the reader pane shows; `link(claim)` is the address of a claim. */
export function read({ paper, claims, rejected }, { link, current, close }) {
  const kinds = KINDS.filter((kind) => claims.some((claim) => claim.kind === kind.id));
  const open = paper.unclaimed_numbers;
  const text = points(paper.abstract);
  const background = claims.filter((claim) => claim.stance === "background").length;
  const bar = [
    el(
      "div",
      { class: "reader-bar" },
      el("span", { class: "clip code dim" }, paper.paper_id),
      el(
        "button",
        {
          type: "button",
          class: "quiet close",
          onclick: close,
          "aria-label": "Close the abstract",
        },
        "✕",
      ),
    ),
  ];
  const words = [
    el("h2", { tabindex: "-1", id: "reader-title" }, paper.title || paper.paper_id),
    byline(paper),
    failed(paper.status)
      ? el("p", { class: "trouble" }, `${plain(paper.status)} at ${paper.stage}: ${paper.reason}`)
      : null,
    paper.warnings?.length ? el("p", { class: "dim" }, paper.warnings.join("; ")) : null,
    abstract(paper, claims, link),
    kinds.length
      ? el(
          "p",
          { class: "legend" },
          kinds.map((kind) => badge(kind.id)),
          open.length
            ? el("span", {}, el("span", { class: "open" }, "12"), " unclaimed number")
            : null,
        )
      : null,
  ];
  const found = [
    el(
      "h3",
      {},
      plural(claims.length, "claim"),
      background ? `, ${count(background)} of them on the background` : "",
    ),
    el(
      "ol",
      { class: "claims" },
      [...claims]
        .sort((a, b) => a.evidence.start - b.evidence.start)
        .map((claim) => card(claim, link, current)),
    ),
    rejected.length
      ? [
          el("h3", { id: "reader-rejected" }, `${rejected.length} rejected`),
          el("ul", { class: "plain-list" }, rejected.map(rejection)),
        ]
      : null,
    open.length
      ? [
          el("h3", {}, plural(open.length, "unclaimed number")),
          el(
            "ul",
            { class: "plain-list" },
            open.map((one) => number(one, text)),
          ),
        ]
      : null,
  ];
  // Two parts that scroll apart: a claim's words and its card are in sight together.
  const part = (name, label, inside) =>
    el("div", { class: name, tabindex: "0", role: "group", "aria-label": label }, ...inside);
  return [
    ...bar,
    part("reader-words", "Title and abstract", words),
    part("reader-claims", "Claims of this paper", found.flat()),
  ];
}

/** Scrolls the words of a claim's field (or of its evidence) into sight and lights them up. */
export function flash(root, spans) {
  for (const lit of root.querySelectorAll(".flash")) lit.classList.remove("flash");
  const words = [...root.querySelectorAll(".abstract [data-start]")].filter((node) =>
    spans.some(
      ([start, end]) => Number(node.dataset.start) < end && start < Number(node.dataset.end),
    ),
  );
  for (const node of words) node.classList.add("flash");
  words[0]?.scrollIntoView({ block: "center" });
  return words.length;
}

/** The spans that a cell stands for: those of its field, else the claim's evidence. */
export function spansOf(claim, field) {
  const found = field ? claim.spans[field] : null;
  return found?.length ? found : [[claim.evidence.start, claim.evidence.end]];
}

/** What hovering or focusing marked words tells: every claim that they are part of. */
export function hint(claims) {
  return el(
    "ul",
    {},
    claims.map((claim) =>
      el("li", {}, badge(claim.kind), " ", sentence(claim) || KIND[claim.kind].name),
    ),
  );
}
