// The review: what to decide on, the abstract to select words in, the claim and its buttons.

import { el } from "./dom.js";
import { badge } from "./columns.js";
import { Saver, NotTaken, readOverview, readPaper, tryOut } from "./saving.js";
import { Picker, drawWords, light, selectedIn } from "./selecting.js";
import { KINDS, cut, day, fields, plain, plural, points, readable, sentence } from "./text.js";

const WHY = {
  changed: "says something else than the claim that was rejected",
  reviewers_differ: "reviewers differ",
  ungrounded_field: "a field was not found in the text",
  ambiguous: "ambiguous",
  low_confidence: "low confidence",
  conflict: "two numbers for one thing",
  unclaimed: "no claim covers this number",
  refused: "the run refused it",
};
const STATES = {
  open: "open", accepted: "accepted", edited: "edited", added: "added", rejected: "rejected",
  dismissed: "no claim",
};
const NO_CLAIMS = new Set(["number", "refused"]); // entries that are none yet
const SAID = { dismiss: "no claim" };
const MANY_WORDS = new Set(["baselines", "hardware"]);
const FIELD_NAMES = { quote: "evidence", value: "number", total: "parameters", baselines: "against" };
const fieldName = (field) => FIELD_NAMES[field] ?? plain(field);
const KEYS = {
  a: "accept", r: "reject", e: "edit", z: "undo", c: "note", f: "next", d: "previous", w: "add",
};
const BUTTONS = [
  ["accept", "Accept", "A"],
  ["reject", "Reject", "R"],
  ["edit", "Edit", "E"],
  ["undo", "Undo", "Z"],
  ["add", "Add a claim", "W"],
  ["note", "Note", "C"],
  ["previous", "Previous", "D"],
  ["next", "Next", "F"],
];

const filled = (claim) =>
  claim && readable({ baselines: [], hardware: [], candidates: [], ...claim });

/** The view of a review. `go(change)` changes the address. */
export class Review {
  constructor(root, { go }) {
    Object.assign(this, { root, go, filter: "open", draft: null, message: null, note: "" });
    root.addEventListener("mouseup", () => setTimeout(() => this.mouse(), 0));
  }

  /** Shows the entry that the address names, or the first one. */
  async show(asked) {
    this.overview = await readOverview();
    this.saver ??= new Saver(this.overview.file);
    await this.open(asked.claim);
  }

  get entries() {
    const fits = { open: (one) => one.state === "open", decided: (one) => one.state !== "open" };
    return this.overview.entries.filter(fits[this.filter] ?? (() => true));
  }

  get entry() {
    return this.overview.entries.find((one) => one.key === this.key) ?? null;
  }

  get claim() {
    const found = this.paper?.claims.find((one) => one.claim_id === this.entry?.claim_id);
    return filled(found) ?? null;
  }

  get text() {
    return this.paper?.paper.abstract ?? "";
  }

  /** The claim as it would be with what was selected so far. */
  get shown() {
    return filled(this.draft?.made) ?? this.claim;
  }

  async open(key) {
    const wanted = this.overview.entries.find((one) => one.key === key) ?? this.entries[0];
    if (this.key !== wanted?.key) Object.assign(this, { draft: null, note: "", noting: false });
    this.key = wanted?.key ?? null;
    this.paper = wanted ? await readPaper(wanted.paper_id) : null;
    this.picker = new Picker(this.text);
    this.draw();
  }

  move(step) {
    const list = this.entries;
    const at = list.findIndex((one) => one.key === this.key);
    const to = list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + step))];
    this.message = null;
    if (to) this.go({ view: "review", claim: to.key });
  }

  // Drawing

  draw() {
    const held = document.activeElement?.dataset?.hold;
    const list = this.root.querySelector(".r-entries")?.scrollTop ?? 0;
    this.root.replaceChildren(this.list(), this.words(), this.side(), this.bar());
    this.root.querySelector(".r-entries").scrollTop = list;
    this.root.querySelector(".r-entries [aria-current]")?.scrollIntoView({ block: "nearest" });
    if (held) this.root.querySelector(`[data-hold="${held}"]`)?.focus({ preventScroll: true });
    if (this.draft) light(this.root, this.draft.pick);
    const inSight = [".picked", ".r-active", ".r-number", ".r-evidence"]
      .map((name) => this.root.querySelector(`.words ${name}`))
      .find(Boolean);
    inSight?.scrollIntoView({ block: "center" });
  }

  list() {
    const { total, decided, by } = this.overview;
    const tab = (id, name) =>
      el("button", {
        type: "button", class: "chip", "data-hold": `tab-${id}`,
        "aria-pressed": String(this.filter === id),
        onclick: () => { this.filter = id; this.draw(); },
      }, name);
    const row = (one) =>
      el("li", {},
        el("button", {
          type: "button", class: `r-entry k-${one.kind}`,
          "aria-current": one.key === this.key ? "true" : null,
          onclick: () => this.go({ view: "review", claim: one.key }),
        },
          el("span", { class: "r-what" },
            NO_CLAIMS.has(one.kind) ? el("span", { class: "tag" }, one.kind) : badge(one.kind),
            el("b", { class: "clip" }, one.words),
            one.state === "open" ? "" : el("span", { class: "tag" }, STATES[one.state])),
          one.reasons.length
            ? el("span", { class: "r-why" }, one.reasons.map((why) => WHY[why]).join(" · "))
            : "",
          el("span", { class: "clip dim small" }, one.title)));
    return el("nav", { class: "r-list", "aria-label": "What to decide on" },
      el("h1", { class: "r-title" }, "Review"),
      el("p", { class: "dim small", role: "status" },
        `${decided} of ${plural(total, "entry").replace("entrys", "entries")} decided · you are ${by}`),
      this.waiting(),
      this.notices(),
      el("div", { class: "r-tabs", role: "group", "aria-label": "Which entries" },
        tab("open", "Open"), tab("decided", "Decided"), tab("all", "All")),
      el("ol", { class: "r-entries", tabindex: "0", "aria-label": "Entries" }, this.entries.map(row)),
      this.entries.length ? "" : el("p", { class: "empty" }, "Nothing here."));
  }

  waiting() {
    const kept = this.saver?.waiting ?? [];
    if (!kept.length) return "";
    return el("div", { class: "r-notice bad" },
      el("p", {}, `${plural(kept.length, "decision")} not saved yet:`),
      el("ul", {}, kept.map((one) => el("li", {}, `${one.action}: ${one.paper_id} `,
        el("button", { type: "button", class: "quiet", "data-hold": `send-${one.id}`,
          onclick: () => this.send(one) }, "Send again"),
        " ",
        el("button", { type: "button", class: "quiet", "data-hold": `drop-${one.id}`,
          onclick: () => { this.saver.drop(one.id); this.draw(); } }, "Drop")))));
  }

  notices() {
    const { stale, broken } = this.overview;
    if (!stale.length && !broken.length) return "";
    const line = (one) =>
      el("li", {}, `${one.action} by ${one.by}, ${one.at.slice(0, 10)}: `,
        (one.before ?? one.claim)?.evidence.quote ?? one.number?.text ?? one.paper_id);
    return el("details", { class: "r-notice" },
      el("summary", {}, [
        stale.length && `${plural(stale.length, "decision")} on other abstracts`,
        broken.length && `${plural(broken.length, "broken line")}`,
      ].filter(Boolean).join(", ")),
      stale.length ? el("p", { class: "small" },
        "These abstracts are not in the run, or have changed; the decisions are kept and apply to nothing.") : "",
      el("ul", { class: "small" }, stale.map(line),
        broken.map((one) => el("li", {}, `${one.file} line ${one.line}: ${one.why}`))));
  }

  words() {
    const part = (inside) => el("section", { class: "r-words", tabindex: "0", "aria-label": "Abstract" }, inside);
    if (!this.paper) return part(el("p", { class: "empty" }, "Nothing to decide on."));
    const { paper } = this.paper;
    const claim = this.shown;
    const number = this.entry?.number;
    const refused = Object.values(this.entry?.item?.spans ?? {}).flat();
    const taken = this.entry?.state === "rejected" ? this.rejection()?.before : null;
    const of = claim ?? taken;
    const spans = of ? Object.entries(of.spans) : [];
    const layers = [
      ["r-evidence", of ? [[of.evidence.start, of.evidence.end]] : []],
      ["r-field", spans.flatMap((pair) => pair[1])],
      ["r-number", number ? [[number.start, number.end]] : refused],
      ["r-active", this.draft ? (of?.spans[this.draft.field] ?? []) : []],
    ];
    return part([
      el("h2", {}, paper.title || paper.paper_id),
      el("p", { class: "byline" }, [paper.authors.join(", "), day(paper.date)].filter(Boolean).join(" · ")),
      drawWords(paper.abstract, layers),
      this.draft
        ? el("p", { class: "dim small" },
          `Select the words of “${fieldName(this.draft.field)}”: drag the mouse, or ← → with Shift, then Enter. ↑ ↓ change the field, Delete clears it, Esc leaves.`)
        : "",
      el("p", { class: "hidden", role: "status" }, this.draft?.pick ? `picked: ${this.cut(this.draft.pick)}` : ""),
    ]);
  }

  side() {
    const part = (...inside) =>
      el("section", { class: "r-claim", tabindex: "0", "aria-label": "Claim" },
        this.message ? el("p", { class: `r-message ${this.message.bad ? "bad" : ""}`, role: this.message.bad ? "alert" : "status" }, this.message.text) : "",
        ...inside);
    const { entry } = this;
    if (!entry) return part();
    const head = [
      entry.reasons.length
        ? el("p", { class: "r-why" }, `Check: ${entry.reasons.map((why) => WHY[why]).join("; ")}.`) : "",
    ];
    if (this.draft) return part(head, this.form(), this.noteField());
    const history = this.history();
    if (entry.kind === "number") {
      return part(head, el("h2", {}, `The number ${entry.words}`),
        el("p", { class: "dim" }, entry.number.reason ? plain(entry.number.reason) : "No claim covers it, and no reason is known."),
        entry.state === "open"
          ? el("p", {}, "If the abstract claims it, press W to add the claim. If it is no claim, press R.")
          : el("p", { class: "tag" }, STATES[entry.state]),
        this.noteField(), history);
    }
    if (entry.kind === "refused") return part(head, this.refused(entry), this.noteField(), history);
    const claim = this.claim ?? filled(this.rejection()?.before);
    if (!claim) return part(el("p", {}, "This claim is no longer in the run."), history);
    return part(head,
      el("h2", { class: `k-${claim.kind}` }, badge(claim.kind), " ", sentence(claim) || claim.evidence.quote),
      entry.state === "rejected" ? el("p", { class: "tag bad" }, "rejected") : "",
      el("blockquote", {}, claim.evidence.quote),
      el("dl", {}, fields(claim).flatMap(([name, words]) => [el("dt", {}, name), el("dd", {}, words)])),
      this.lost(claim), this.noteField(), history);
  }

  /** An item that the run refused: what the model gave, and why it became no claim. */
  refused({ item, state }) {
    const words = (value) => (typeof value === "string" ? value : JSON.stringify(value));
    return [
      el("h2", {}, item.kind ? [badge(item.kind), " "] : "", "Refused by the run"),
      state === "open" ? "" : el("p", { class: "tag" }, STATES[state]),
      el("p", {}, `${plain(item.reason)}: ${item.detail}`),
      el("dl", {}, Object.entries(item.raw).filter(([name]) => name !== "spans").flatMap(
        ([name, value]) => [el("dt", {}, fieldName(name)), el("dd", {}, words(value?.quote ?? value))])),
      state === "open"
        ? el("p", {}, "If it is no claim, press R. If it is one, press W and select its words.") : "",
    ];
  }

  lost(claim) {
    const items = this.paper.rejected.filter(
      (one) => one.field && one.kind === claim.kind && one.item?.quote && claim.evidence.quote.includes(one.item.quote));
    return items.length
      ? el("ul", { class: "r-why" }, items.map((one) => el("li", {}, `${fieldName(one.field)}: ${one.detail}`))) : "";
  }

  noteField() {
    if (!this.noting && !this.note) return "";
    return el("label", { class: "r-note" }, "Note",
      el("textarea", { rows: "2", maxlength: "2000", "data-hold": "note",
        oninput: (event) => { this.note = event.target.value; } }, this.note));
  }

  history() {
    const mine = this.decisions();
    return mine.length
      ? el("div", { class: "r-history" }, el("h3", {}, "Decisions"),
        el("ul", {}, mine.map((one) => el("li", {},
          `${one.action} by ${one.by}, ${one.at.slice(0, 16).replace("T", " ")} UTC${one.note ? `: ${one.note}` : ""}`)))) : "";
  }

  /** The standing decisions that led to the claim shown, the last one last. */
  decisions() {
    if (NO_CLAIMS.has(this.entry?.kind)) return this.dismissals();
    const wanted = new Set([this.entry?.claim_id]);
    const found = [];
    for (const one of [...(this.paper?.decisions ?? [])].reverse()) {
      const left = one.claim?.claim_id ?? one.claim_id;
      if (!wanted.has(left) && !wanted.has(one.claim_id)) continue;
      wanted.add(one.claim_id);
      found.unshift(one);
    }
    return found;
  }

  /** The standing decisions on a number or a refused item. */
  dismissals() {
    const { number, item } = this.entry;
    return (this.paper?.decisions ?? []).filter((one) =>
      item ? one.item === item.key
        : one.number && one.number.start < number.end && number.start < one.number.end);
  }

  rejection() {
    return this.decisions().filter((one) => one.action === "reject").at(-1) ?? null;
  }

  form() {
    const { draft } = this;
    const { labels } = this.overview;
    const made = this.shown;
    const current = { ...(made ?? {}), better: "", change: "" };
    const spans = draft.action === "add" ? draft.spans : { ...(this.claim?.spans ?? {}), ...draft.spans };
    const row = (field) => {
      const words = field === "quote"
        ? (draft.spans.quote ?? (made ? [[made.evidence.start, made.evidence.end]] : []))
        : (spans[field] ?? []);
      return el("li", {},
        el("button", { type: "button", class: "r-pick", "data-hold": `field-${field}`,
          "aria-pressed": String(draft.field === field),
          onclick: () => this.activate(field) },
        el("span", { class: "dim" }, fieldName(field)),
        el("b", {}, words.length ? words.map((span) => this.cut(span)).join(", ") : "–")),
        words.length && field !== "quote"
          ? el("button", { type: "button", class: "quiet", "data-hold": `clear-${field}`,
            "aria-label": `Clear ${fieldName(field)}`, onclick: () => this.take(field, []) }, "✕") : "");
    };
    const choice = (name, values) => {
      const select = el("select", { "data-hold": `label-${name}`, onchange: (event) => this.choose(name, event.target.value) },
        draft.labels[name] || current[name] ? "" : el("option", { value: "" }, "as it is"),
        values.map((value) => el("option", { value }, plain(value))));
      select.value = draft.labels[name] ?? current[name] ?? "";
      return el("label", {}, el("span", { class: "dim" }, plain(name)), select);
    };
    const kinds = el("label", {}, el("span", { class: "dim" }, "kind"),
      el("select", { "data-hold": "kind", onchange: (event) => this.begin("add", event.target.value) },
        KINDS.map((kind) => el("option", { value: kind.id, selected: kind.id === draft.kind }, kind.name))));
    return el("form", { class: "r-form", onsubmit: (event) => { event.preventDefault(); this.saveDraft(); } },
      el("h2", {}, draft.action === "add" ? "A claim that was missed" : "Edit the claim"),
      draft.action === "add" ? kinds : "",
      el("ul", { class: "r-fields" }, [...this.overview.fields[draft.kind], "quote"].map(row)),
      el("div", { class: "r-labels" }, Object.entries(labels[draft.kind]).map(([name, values]) => choice(name, values))),
      draft.refused ? el("p", { class: "r-message bad", role: "alert" }, draft.refused) : "",
      draft.made ? el("p", { class: "r-made", role: "status" }, "It will read: ", el("b", {}, sentence(filled(draft.made)))) : "",
      el("p", { class: "r-save" },
        el("button", { type: "submit", class: "quiet strong", "data-hold": "save", disabled: !draft.made }, "Save (S)"),
        " ",
        el("button", { type: "button", class: "quiet", "data-hold": "cancel", onclick: () => this.leave() }, "Cancel (Esc)")));
  }

  bar() {
    const open = NO_CLAIMS.has(this.entry?.kind) && this.entry.state === "open";
    const off = {
      accept: !this.claim, reject: !this.claim && !open, edit: !this.claim,
      undo: !this.decisions().length, add: !this.paper,
    };
    return el("div", { class: "r-bar", role: "toolbar", "aria-label": "Decisions" },
      BUTTONS.map(([name, label, key]) =>
        el("button", { type: "button", class: "quiet", "data-hold": `do-${name}`, disabled: Boolean(off[name]),
          "aria-keyshortcuts": key, onclick: () => this.act(name) },
        name === "reject" && open ? "No claim" : label, " ", el("kbd", { "aria-hidden": "true" }, key))));
  }

  cut([start, end]) {
    return cut(points(this.text), start, end);
  }

  // Deciding

  act(name) {
    this.message = null;
    if (name === "next") return this.move(1);
    if (name === "previous") return this.move(-1);
    if (name === "edit") return this.claim ? this.begin("edit", this.claim.kind) : null;
    if (name === "add") {
      const kind = this.draft?.kind ?? this.entry?.item?.kind ?? "speedup";
      return this.paper ? this.begin("add", kind) : null;
    }
    if (name === "note") return this.writeNote();
    if (name === "undo") return this.undo();
    if (name === "reject" && NO_CLAIMS.has(this.entry?.kind)) return this.dismiss();
    return this.claim ? this.decide({ action: name }) : null;
  }

  dismiss() {
    const { number, item, state } = this.entry;
    if (state !== "open") return null;
    return this.decide({ action: "dismiss", item: item?.key ?? null,
      number: number ? [number.start, number.end] : null });
  }

  writeNote() {
    if (this.noting && this.note.trim() && this.claim) return this.decide({ action: "note" });
    this.noting = true;
    this.draw();
    this.root.querySelector("textarea")?.focus();
    return null;
  }

  undo() {
    const last = this.decisions().filter((one) => one.action !== "note").at(-1) ?? this.decisions().at(-1);
    return last ? this.decide({ action: "undo", undoes: last.id, claim_id: last.claim_id }) : null;
  }

  decide(given) {
    const { paper } = this.paper;
    return this.send({
      id: crypto.randomUUID?.() ?? String(Math.random()).slice(2).padEnd(12, "0"),
      paper_id: paper.paper_id,
      abstract_sha256: paper.abstract_sha256,
      claim_id: this.claim?.claim_id ?? null,
      seen: this.claim?.version ?? null,
      note: this.note.trim(),
      ...given,
    });
  }

  async send(decision) {
    if (this.busy) return;
    this.busy = true;
    const list = this.entries;
    const at = list.findIndex((one) => one.key === this.key);
    try {
      const answer = await this.saver.save(decision);
      Object.assign(this, { draft: null, note: "", noting: false });
      this.message = { text: `Saved: ${SAID[decision.action] ?? decision.action}.` };
      this.overview = await readOverview();
      // After a decision the next entry is due; after an edit or an undo one wants to see it.
      const stays = ["edit", "add", "undo", "note"].includes(decision.action);
      const next = list.slice(at + 1).find((one) => this.entries.some((other) => other.key === one.key));
      const key = stays ? (answer.claim_id ?? this.key) : (next?.key ?? this.entries[0]?.key ?? answer.claim_id);
      const kept = this.message;
      this.go({ view: "review", claim: key ?? "" }, true);
      this.message = kept;
    } catch (error) {
      await this.failed(error);
    } finally {
      this.busy = false;
    }
  }

  async failed(error) {
    if (!(error instanceof NotTaken)) throw error;
    if (error.kind === "refused" && this.draft) {
      Object.assign(this.draft, { refused: error.message, made: null });
      return this.draw();
    }
    const tail = { unsaved: " The decision is kept in this browser.", stale: "", refused: "" }[error.kind];
    this.message = { text: `Not saved: ${error.message}${tail}`, bad: true };
    if (error.kind === "stale") {
      // What was typed stays; the claim is shown as it is now.
      this.draft = null;
      this.overview = await readOverview();
      this.paper = this.entry ? await readPaper(this.entry.paper_id) : this.paper;
    }
    this.draw();
    return null;
  }

  // Selecting words

  begin(action, kind) {
    const number = action === "add" ? this.entry?.number : null;
    const anchor = this.overview.fields[kind][0];
    const item = action === "add" && this.entry?.item?.kind === kind ? this.entry.item : null;
    const spans = number ? { [anchor]: [[number.start, number.end]] } : { ...item?.spans };
    this.draft = { action, kind, field: anchor, spans, labels: { ...item?.labels }, pick: null,
      made: null, refused: null };
    const at = action === "edit" ? this.claim.spans[anchor]?.[0] : spans[anchor]?.[0];
    this.picker.start(...(at ?? [this.claim?.evidence.start ?? 0]));
    this.draft.pick = this.picker.span;
    this.draw();
    this.root.querySelector(".r-words").focus({ preventScroll: true });
    if (Object.keys(spans).length) this.preview();
  }

  activate(field) {
    this.draft.field = field;
    const at = this.shown?.spans[field]?.[0];
    if (at) this.picker.start(...at);
    this.draft.pick = this.picker.span;
    this.draw();
  }

  leave() {
    this.draft = null;
    this.draw();
  }

  mouse() {
    if (!this.draft) return;
    const drawn = this.root.querySelector(".words");
    const span = drawn && selectedIn(drawn, this.text);
    if (!span) return;
    getSelection().removeAllRanges();
    this.take(this.draft.field, [span]);
  }

  /** Gives words to a field; a field that holds a list takes them besides what it has. */
  take(field, spans) {
    const had = this.draft.spans[field] ?? (this.draft.action === "edit" ? this.claim.spans[field] : null) ?? [];
    const more = MANY_WORDS.has(field) && spans.length;
    this.draft.spans[field] = more ? [...had.filter((one) => String(one) !== String(spans[0])), ...spans] : spans;
    this.draft.pick = spans[0] ?? null;
    this.preview();
  }

  choose(name, value) {
    if (value) this.draft.labels[name] = value;
    else delete this.draft.labels[name];
    this.preview();
  }

  drafted() {
    const { action, kind, spans, labels } = this.draft;
    return { action, kind: action === "add" ? kind : null, spans, labels,
      ...(action === "add" ? { claim_id: null, seen: null, item: this.entry?.item?.key ?? null } : {}) };
  }

  async preview() {
    const draft = this.draft;
    const { paper } = this.paper;
    try {
      const answer = await tryOut({ id: "only-trying", paper_id: paper.paper_id,
        abstract_sha256: paper.abstract_sha256, claim_id: this.claim?.claim_id ?? null,
        seen: this.claim?.version ?? null, ...this.drafted() });
      Object.assign(draft, { made: answer.claim, refused: answer.refused ?? null });
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error;
      Object.assign(draft, { made: null, refused: error.message });
    }
    if (this.draft === draft) this.draw();
  }

  saveDraft() {
    if (this.draft?.made) this.decide(this.drafted());
  }

  // Keys

  /** Whether a key was one of the review's. */
  pressed(event) {
    const typing = event.target.closest?.("input, select, textarea");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return event.key === "Escape";
    }
    if (this.draft) return this.editing(event);
    const button = event.target.closest?.("button, a, summary");
    if (event.key === "Enter" || (event.key === " " && button)) return false;
    const name = KEYS[event.key] ?? { " ": "next", j: "next", k: "previous" }[event.key];
    if (!name) return false;
    if (!this.root.querySelector(`[data-hold="do-${name}"]`)?.disabled) this.act(name);
    return true;
  }

  editing(event) {
    const { draft } = this;
    const list = [...this.overview.fields[draft.kind], "quote"];
    const onWords = !event.target.closest?.("button, a, summary");
    const turn = (step) =>
      this.activate(list[(list.indexOf(draft.field) + step + list.length) % list.length]);
    if (event.key === "Escape") this.leave();
    else if (event.key === "s") this.saveDraft();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      this.picker.move(event.key === "ArrowLeft" ? -1 : 1, event.shiftKey);
      draft.pick = this.picker.span;
      light(this.root, draft.pick);
    } else if (event.key === "ArrowUp") turn(-1);
    else if (event.key === "ArrowDown") turn(1);
    else if (event.key === "Enter" && onWords && draft.pick) this.take(draft.field, [draft.pick]);
    else if (event.key === "Delete" || event.key === "Backspace") this.take(draft.field, []);
    else if (/^[1-5]$/.test(event.key) && draft.action === "add") this.begin("add", KINDS[event.key - 1].id);
    else return false;
    return true;
  }
}
