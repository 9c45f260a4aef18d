// Says claims and offsets in words.

export const KINDS = [
  { id: "speedup", name: "Speedup", plural: "Speedups", letter: "S" },
  { id: "benchmark", name: "Benchmark", plural: "Benchmarks", letter: "B" },
  { id: "efficiency", name: "Efficiency", plural: "Efficiency", letter: "E" },
  { id: "hardware", name: "Hardware", plural: "Hardware", letter: "H" },
  { id: "model_size", name: "Model size", plural: "Model sizes", letter: "M" },
];
export const KIND = Object.fromEntries(KINDS.map((kind) => [kind.id, kind]));
export const BOUND = {
  exact: { sign: "", name: "exact", glyph: "●" },
  up_to: { sign: "≤ ", name: "up to", glyph: "◁" },
  at_least: { sign: "≥ ", name: "at least", glyph: "▷" },
  about: { sign: "≈ ", name: "about", glyph: "□" },
  average: { sign: "avg ", name: "average", glyph: "◆" },
  range: { sign: "", name: "range", glyph: "━" },
};

/** What a number on a benchmark is where it is no score. */
export const RELATION = { delta: "difference", ratio: "share of baseline" };

export const plain = (word) => (word ?? "").replaceAll("_", " ");
const LONGEST_NAME = 20; // of a baseline beside a number; "Against" has a longer one
const MONTHS = "January February March April May June July August September October November December";

/** A date as people write it where its year is missing: `--05-02` is `2 May`. */
export function day(date) {
  const [, month, of] = /^--(\d\d)(?:-(\d\d))?$/.exec(date ?? "") ?? [];
  const name = MONTHS.split(" ")[month - 1];
  return name ? [of && Number(of), name].filter(Boolean).join(" ") : date;
}

export const year = (date) => (/^\d{4}/.test(date ?? "") ? date.slice(0, 4) : null);
export const count = (number) => number.toLocaleString("en");
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** What a paper is called in a few words: its title up to the colon. */
export const shortTitle = (title) => title.split(":")[0].trim() || title;

let deviceNames = {};

/** Tells the page what the devices of its claims are called: `nvidia-a100` is NVIDIA A100. */
export const nameDevices = (found) => {
  deviceNames = found ?? {};
};
export const deviceName = (slug) => deviceNames[slug] ?? slug;

/** Offsets count code points; JavaScript's strings count UTF-16 units. */
export function points(text) {
  return /[\ud800-\udfff]/.test(text) ? [...text] : text;
}

/** Code points `start` to `end` of what `points` made. */
export function cut(from, start, end) {
  const part = from.slice(start, end);
  return typeof part === "string" ? part : part.join("");
}

function short(number) {
  if (number === null || number === undefined) return "";
  for (const [size, letter] of [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "K"],
  ]) {
    if (number >= size) return `${Number((number / size).toPrecision(4))}${letter}`;
  }
  return String(number);
}

/** A claim with its words as people read them: the server and the file give them without markup. */
export function readable(claim) {
  const { text, quote, ...plainFields } = claim.plain ?? {};
  return {
    ...claim,
    ...plainFields,
    value: text && claim.value ? { ...claim.value, text } : claim.value,
    words: quote ?? claim.evidence.quote,
  };
}

const digits = (number) =>
  Number(number.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 6 });

/** The claim's number with its bound: `≤ 3.04×`, `1.27–7.57×`, `200B (20B active)`. A difference
 * to a baseline has `Δ` before it, a share of one says so: neither can be read as a score. */
export function value(claim) {
  if (claim.kind === "hardware")
    return claim.count === null ? (claim.value?.text ?? "") : count(claim.count);
  if (claim.kind === "model_size") {
    return (
      short(claim.params) + (claim.active_params ? ` (${short(claim.active_params)} active)` : "")
    );
  }
  if (!claim.value) return "";
  const { text, low, high, unit } = claim.value;
  if (low === null) return related(claim, text);
  return related(claim, BOUND[claim.qualifier].sign + withUnit(claim, writtenEnds(text, low, high), unit));
}

/** A number's ends with the decimals that the text writes: 55.0 is not 55. */
function writtenEnds(text, low, high, shown = digits) {
  const found = (text ?? "").match(/\d[\d,]*(?:\.\d+)?/g) ?? [];
  const end = (number, said) =>
    said?.includes(".") && Number(said.replaceAll(",", "")) === number ? said : shown(number);
  return low === high
    ? end(low, found[0])
    : `${end(low, found[0])}–${end(high, found.at(-1))}`;
}

function withUnit(claim, number, unit) {
  const words = claim.unit_words ?? unit;
  if (/^usd(\/|$)/.test(unit)) return `$${number}${words.slice(3)}`;
  const close = { x: "×", "%": "%", score: "" }[unit];
  return number + (close ?? ` ${words}`);
}

function related(claim, number) {
  if (claim.relation === "delta") return `Δ ${number}`;
  if (claim.relation !== "ratio") return number;
  const of = claim.baselines[0] ?? "";
  return `${number} of ${of && of.length <= LONGEST_NAME ? of : "baseline"}`;
}

const near = (a, b) => Math.abs(a - b) <= 1e-6 * Math.abs(b);
const significant = (number, places) => (number ? Number(number.toPrecision(places)) : 0);

/** How many digits the text gives, two at most: the second promises more than most say. */
function digitsOf(text) {
  const [found] = /\d[\d,]*(?:\.\d+)?/.exec(text ?? "") ?? [""];
  return Math.min(2, Math.max(1, found.replace(/\D/g, "").replace(/^0+/, "").length));
}

/** A gain has as many digits as the text: 73.1% less is 3.7 times, 5% more is 1.05 times. */
const rounded = (factor, text) =>
  factor >= 0.5 && factor <= 10
    ? Number((1 + significant(factor - 1, digitsOf(text))).toFixed(9))
    : significant(factor, 2);

/** Whether a speedup's factor is not the number that stands in the text. */
export const computed = ({ ratio: found, value: given }) =>
  Boolean(found) &&
  !(given?.unit === "x" && near(given.low, found.low) && near(given.high, found.high));

/** Whether P percent more or less was meant, told by the factor that was made of it. */
function moreOrLess({ low, high }, percent) {
  const is = (factor) => near(low, factor) || near(high, factor);
  if (is(1 + percent / 100) || is(1 / (1 + percent / 100))) return " more";
  if (percent < 100 && (is(1 / (1 - percent / 100)) || is(1 - percent / 100))) return " less";
  return is(100 / percent) || is(percent / 100) ? " of the baseline" : "";
}

const factorOf = (claim, { low, high }, text = null) =>
  `${writtenEnds(text, low, high, (number) => Number(number.toPrecision(4)).toLocaleString("en"))}×`;

/** The factor of a speedup alone, rounded to the digits of the text where it is computed. */
export function factor(claim) {
  if (!claim.ratio) return "";
  if (!computed(claim)) return factorOf(claim, claim.ratio, claim.value?.text);
  const { low, high } = claim.ratio;
  const text = claim.value?.text;
  return `≙ ${factorOf(claim, { low: rounded(low, text), high: rounded(high, text) })}`;
}

/** A speedup as it is written, then its factor where that is computed: `73.1% less (≙ 3.7×)`. */
export function ratio(claim) {
  const { sign } = BOUND[claim.qualifier];
  const text = claim.value?.text ?? "";
  if (!claim.ratio) return text && `${sign}${text}${claim.ambiguous ? " (points or percent?)" : ""}`;
  if (!computed(claim)) return sign + factor(claim);
  const { unit, low, high } = claim.value ?? {};
  const percent = unit === "%" && low !== null;
  const written = percent
    ? `${writtenEnds(text, Math.abs(low), Math.abs(high))}%${moreOrLess(claim.ratio, Math.abs(high))}`
    : text;
  return `${sign}${written} (${factor(claim)})`;
}

/** What is claimed, in few words: the metric, the benchmark, the device. */
export function what(claim) {
  switch (claim.kind) {
    case "benchmark": {
      const role = claim.role === "result" ? "" : plain(claim.role);
      return [role, claim.benchmark, claim.metric].filter(Boolean).join(" ");
    }
    case "hardware":
      return [deviceName(claim.device), plain(claim.role)].join(" · ");
    case "model_size":
      return [claim.model, claim.context_tokens && `${short(claim.context_tokens)} context`]
        .filter(Boolean)
        .join(" · ");
    default:
      return [plain(claim.metric), claim.workload].filter(Boolean).join(" · ");
  }
}

export const devices = (claim) =>
  claim.kind === "hardware" ? [claim.device] : (claim.hardware ?? []);
export const params = short;

/** Which person decided on a claim, and when; empty where nobody has. */
export const checkedWords = ({ checked }) =>
  checked ? `${checked.decision} by ${checked.by}, ${checked.at.slice(0, 10)}` : "";

/** Name and words of every normalized field that a claim has. */
export function fields(claim) {
  const layout =
    claim.kind === "hardware" && claim.nodes
      ? `${count(claim.nodes)} nodes × ${claim.per_node ?? "?"}`
      : "";
  const rows = [
    ["Subject", claim.subject],
    ["Model", claim.model],
    ["Device", claim.kind === "hardware" && `${deviceName(claim.device)} (${plain(claim.category)})`],
    ["Written", claim.value?.text],
    ["Value", claim.kind === "speedup" ? "" : value(claim)],
    ["Factor", claim.kind === "speedup" && claim.ratio && `${factor(claim)}${computed(claim) ? ", computed" : ""}`],
    ["Ambiguous", claim.ambiguous && "percentage points or percent: no factor is computed"],
    ["Bound", BOUND[claim.qualifier].name],
    ["Benchmark", claim.benchmark],
    ["Metric", plain(claim.metric)],
    ["Relation", RELATION[claim.relation]],
    ["Role", plain(claim.role)],
    ["Against", (claim.baselines ?? []).join(", ")],
    ["Workload", claim.workload],
    ["Hardware", (claim.hardware ?? []).map(deviceName).join(", ")],
    ["Layout", layout],
    ["Context", short(claim.context_tokens)],
    ["Grounding", claim.grounding === "exact" ? "" : claim.grounding],
    ["Stance", claim.stance === "own" ? "" : claim.stance],
    ["Confidence", sure(claim)],
    ["Checked", checkedWords(claim)],
    ["In runs", claim.runs],
    ...(claim.differences ?? []).map(({ field, said }) => [
      `≠ ${plain(field)}`,
      Object.entries(said).map(([run, words]) => `${run}: ${words}`).join(" · "),
    ]),
  ];
  return rows.filter((row) => row[1]);
}

/** How sure a claim is, and what says so. */
function sure({ confidence, confidence_source: source }) {
  if (confidence === null || confidence === undefined) return "";
  const by = { support: " of the runs make it", model: ", says the model" }[source] ?? "";
  return `${Math.round(confidence * 100)}%${by}`;
}

/** One line for a tooltip or a screen reader. */
export function sentence(claim) {
  const against = claim.baselines?.length ? `over ${claim.baselines.join(", ")}` : "";
  const on = claim.hardware?.length ? `on ${claim.hardware.map(deviceName).join(", ")}` : "";
  // No line ends between a number and its marks.
  const number = (claim.kind === "speedup" ? ratio(claim) : value(claim)).replaceAll(" ", "\u00a0");
  return [claim.subject, what(claim), number, against, on].filter(Boolean).join(" · ");
}

/**
 * Cuts an abstract at every end of a highlight, so that overlapping ones never nest.
 * @returns segments `{start, end, claims, fields}`: the claims whose evidence or field it lies in.
 */
export function segments(length, claims) {
  const ranges = claims.flatMap((claim) => [
    [claim.evidence.start, claim.evidence.end, claim, null],
    ...Object.entries(claim.spans).flatMap(([field, spans]) =>
      spans.map(([start, end]) => [start, end, claim, field]),
    ),
  ]);
  const edges = [...new Set([0, length, ...ranges.flatMap((range) => [range[0], range[1]])])]
    .filter((edge) => edge >= 0 && edge <= length)
    .sort((a, b) => a - b);
  return edges.slice(1).map((end, place) => {
    const start = edges[place];
    const over = ranges.filter((range) => range[0] < end && start < range[1]);
    return {
      start,
      end,
      claims: [...new Set(over.map((range) => range[2]))],
      fields: over.filter((range) => range[3]).map((range) => `${range[2].claim_id} ${range[3]}`),
    };
  });
}
