-- The lines of the runs as they stand in the files; `run` numbers the runs in the order given.
create schema raw;

create table raw.runs (run integer, name varchar, model varchar, finished varchar, caution varchar);

-- Whether a paper of several runs is shown from each of them.
create table raw.settings (every_run boolean);

create table raw.claims (
  run integer,
  claim_id varchar,
  paper_id varchar,
  kind varchar,
  subject varchar,
  value struct("text" varchar, low double, high double, unit varchar),
  qualifier varchar,
  stance varchar,
  evidence struct("quote" varchar, "start" integer, "end" integer),
  spans map(varchar, integer[][]),
  grounding varchar,
  candidates integer[][],
  role varchar,
  benchmark varchar,
  metric varchar,
  relation varchar,
  baselines varchar[],
  ratio struct(low double, high double),
  workload varchar,
  hardware varchar[],
  device varchar,
  vendor varchar,
  category varchar,
  known boolean,
  count bigint,
  nodes bigint,
  per_node bigint,
  model varchar,
  params bigint,
  active_params bigint,
  context_tokens bigint,
  ambiguous varchar,
  confidence double,
  confidence_source varchar,
  support double,
  checked struct(decision varchar, "by" varchar, "at" varchar)
);

create table raw.papers (
  run integer,
  paper_id varchar,
  title varchar,
  authors varchar[],
  organizations varchar[],
  categories varchar[],
  date varchar,
  citation_key varchar,
  doi varchar,
  arxiv_id varchar,
  arxiv_version integer,
  venue varchar,
  "year" integer,
  url varchar,
  extra json,
  source varchar,
  abstract varchar,
  abstract_sha256 varchar,
  status varchar,
  stage varchar,
  reason varchar,
  model varchar,
  claims map(varchar, integer),
  rejected integer,
  unclaimed_numbers struct("text" varchar, "start" integer, "end" integer, reason varchar)[],
  warnings varchar[]
);

create table raw.rejected (
  run integer,
  paper_id varchar,
  kind varchar,
  reason varchar,
  detail varchar,
  field varchar,
  words varchar,
  item json
);
