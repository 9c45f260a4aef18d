// Reads from the address's hash what is asked for, and writes it back.

export const LISTS = ["claims", "papers", "rejected", "unclaimed"];
export const FACETS = [
  { id: "runs", name: "In runs" },
  { id: "stance", name: "Stance" },
  { id: "bound", name: "Bound" },
  { id: "metric", name: "Metric" },
  { id: "hardware", name: "Hardware" },
  { id: "benchmark", name: "Benchmark" },
  { id: "sure", name: "Confidence" },
  { id: "year", name: "Year" },
  { id: "from", name: "Paper" },
];
const SINGLE = ["view", "kind", "q", "sort", "claim", "paper", "field", "at"];
const OWN = "own";

/** What the hash asks for. Without a word on the stance, the papers' claims of their own work. */
export function parse(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const asked = Object.fromEntries(SINGLE.map((name) => [name, given.get(name) ?? ""]));
  for (const { id } of FACETS) asked[id] = given.getAll(id);
  if (!given.has("stance")) asked.stance = [OWN];
  if (given.get("stance") === "any") asked.stance = [];
  if (!["overview", "review", ...LISTS].includes(asked.view)) {
    asked.view = [...given.keys()].length ? (asked.paper ? "papers" : "claims") : "overview";
  }
  return asked;
}

/** The shortest hash that `parse` reads as `asked`. */
export function format(asked) {
  const made = new URLSearchParams();
  for (const name of SINGLE) if (asked[name] && name !== "view") made.set(name, asked[name]);
  for (const { id } of FACETS) {
    if (id === "stance") continue;
    for (const value of asked[id]) made.append(id, value);
  }
  const stance = asked.stance.length ? asked.stance : ["any"];
  if (stance.join() !== OWN) for (const value of stance) made.append("stance", value);
  if (asked.view !== parse(made.toString()).view || asked.claim) made.set("view", asked.view);
  const text = made.toString();
  return text ? `#${text}` : "#";
}

/** The words of a search, lower case; all of them must occur. */
export const words = (q) => q.toLowerCase().split(/\s+/).filter(Boolean);
