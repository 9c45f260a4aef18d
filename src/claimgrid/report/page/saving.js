// Sends decisions to the server of a review. A decision is kept in the browser until it is saved.

const TOKEN = "X-Claimgrid-Token";

/** The token that this page was sent with; empty where the page has no review. */
export const token = () =>
  document.querySelector('meta[name="claimgrid-review"]')?.getAttribute("content") ?? "";

/** Why a decision was not taken: `kind` is `stale`, `refused` or `unsaved`. */
export class NotTaken extends Error {
  constructor(kind, message, field = null) {
    super(message);
    Object.assign(this, { kind, field });
  }
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(`api/review${path}`, options);
  } catch {
    throw new NotTaken("unsaved", "The server does not answer.");
  }
  const body = await answer.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : `The server answered ${answer.status}.`;
  if (answer.status === 409) throw new NotTaken("stale", detail);
  if (answer.status === 422) throw new NotTaken("refused", detail, body.field);
  if (!answer.ok) throw new NotTaken("unsaved", detail);
  return body;
}

export const readOverview = () => ask("");
export const readPaper = (id) => ask(`/papers/${encodeURIComponent(id)}`);

const post = (decision) =>
  ask("/decisions", {
    method: "POST",
    headers: { "Content-Type": "application/json", [TOKEN]: token() },
    body: JSON.stringify(decision),
  });

/** What a decision would make of the claim; nothing is saved. */
export const tryOut = (decision) => post({ ...decision, only_try: true });

/** Decisions that are not saved yet, kept under the name of the run's file of corrections. */
export class Saver {
  constructor(file) {
    this.name = `claimgrid-review:${file}`;
    this.kept = [];
    try {
      this.kept = JSON.parse(localStorage.getItem(this.name) ?? "[]");
    } catch {
      // No storage, or not ours: decisions are then kept as long as the page.
    }
  }

  get waiting() {
    return this.kept;
  }

  keep(kept) {
    this.kept = kept;
    try {
      localStorage.setItem(this.name, JSON.stringify(kept));
    } catch {
      // As above.
    }
  }

  drop(id) {
    this.keep(this.kept.filter((one) => one.id !== id));
  }

  /** Saves a decision. One that the server could not take in stays among the waiting ones. */
  async save(decision) {
    this.keep([...this.kept.filter((one) => one.id !== decision.id), decision]);
    try {
      const answer = await post(decision);
      this.drop(decision.id);
      return answer;
    } catch (error) {
      if (error.kind !== "unsaved") this.drop(decision.id);
      throw error;
    }
  }
}
