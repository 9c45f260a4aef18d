// Draws an abstract in words that can be selected with the mouse or the arrow keys.

import { el } from "./dom.js";
import { cut, points } from "./text.js";

// Words with their inner marks ("3.5x", "state-of-the-art"), or single signs.
const WORD = /[\p{L}\p{N}]+(?:[.,'’\-–_][\p{L}\p{N}]+)*[%×]?|\s+|./gsu;

/** The words of a text as `[start, end]` in code points; spaces are no words. */
export function wordsOf(text) {
  const found = [];
  let at = 0;
  for (const [word] of text.matchAll(WORD)) {
    const length = [...word].length;
    if (word.trim()) found.push([at, at + length]);
    at += length;
  }
  return found;
}

const over = ([start, end], from, to) => start < to && from < end;

/**
 * The abstract as a paragraph.
 * @param layers `[className, spans]` pairs; every piece of text that lies in one gets its class.
 */
export function drawWords(text, layers) {
  const letters = points(text);
  const spans = layers.flatMap((layer) => layer[1]);
  const edges = new Set([0, letters.length]);
  for (const [start, end] of [...wordsOf(text), ...spans]) edges.add(start).add(end);
  const cuts = [...edges].filter((edge) => edge <= letters.length).sort((a, b) => a - b);
  return el(
    "p",
    { class: "abstract words" },
    cuts.slice(1).map((end, place) => {
      const start = cuts[place];
      const names = layers
        .filter((layer) => layer[1].some((span) => over(span, start, end)))
        .map((layer) => layer[0]);
      return el(
        "span",
        { "data-start": String(start), "data-end": String(end), class: names.join(" ") || null },
        cut(letters, start, end),
      );
    }),
  );
}

/** Marks the pieces of a drawn abstract that lie in a span, and takes the mark from the others. */
export function light(root, span, name = "picked") {
  for (const piece of root.querySelectorAll("[data-start]")) {
    const inside = span && over(span, Number(piece.dataset.start), Number(piece.dataset.end));
    piece.classList.toggle(name, Boolean(inside));
  }
}

function offsetOf(node, offset) {
  const piece = (node.nodeType === Node.TEXT_NODE ? node.parentElement : node).closest?.(
    "[data-start]",
  );
  if (!piece) return null;
  const before = node.nodeType === Node.TEXT_NODE ? node.data.slice(0, offset) : "";
  const whole = node.nodeType !== Node.TEXT_NODE && offset > 0;
  return whole ? Number(piece.dataset.end) : Number(piece.dataset.start) + [...before].length;
}

/** The words selected with the mouse in `root`, as `[start, end]`, without spaces at the ends. */
export function selectedIn(root, text) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!root.contains(range.startContainer) || !root.contains(range.endContainer)) return null;
  let start = offsetOf(range.startContainer, range.startOffset);
  let end = offsetOf(range.endContainer, range.endOffset);
  if (start === null || end === null) return null;
  const letters = [...text];
  while (start < end && !letters[start].trim()) start += 1;
  while (end > start && !letters[end - 1].trim()) end -= 1;
  return start < end ? [start, end] : null;
}

/** A word picked with the arrow keys; Shift grows the pick to several. */
export class Picker {
  constructor(text) {
    this.words = wordsOf(text);
    this.fixed = 0;
    this.free = 0;
  }

  /** Starts at the word that holds an offset. */
  start(offset) {
    const at = this.words.findIndex((word) => word[1] > offset);
    this.fixed = this.free = Math.max(0, at);
  }

  move(step, grow) {
    this.free = Math.max(0, Math.min(this.words.length - 1, this.free + step));
    if (!grow) this.fixed = this.free;
  }

  get span() {
    const [first, last] = [Math.min(this.fixed, this.free), Math.max(this.fixed, this.free)];
    return this.words.length ? [this.words[first][0], this.words[last][1]] : null;
  }
}
