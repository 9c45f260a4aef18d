-- One row a paper. A paper of several runs (same id, same abstract) is taken from the first run in
-- which it came out, unless every run was asked for. `date` is the first day of what the source
-- states (2024-03 is 2024-03-01), null where it states no year; `dated` says it as stated.
create table papers as
select
  r.name as run,
  p.* exclude (run, claims, date, "year"),
  first_day(p.date) as date,
  shown_date(p.date) as dated,
  coalesce(try_cast(p.date[1:4] as integer), p."year") as year,
  p.claims,
  coalesce(list_sum(map_values(p.claims)), 0)::integer as claim_count,
  coalesce(p.claims['benchmark'], 0) as benchmarks,
  coalesce(p.claims['speedup'], 0) as speedups,
  coalesce(p.claims['efficiency'], 0) as efficiency,
  coalesce(p.claims['hardware'], 0) as hardware_claims,
  coalesce(p.claims['model_size'], 0) as models,
  coalesce(len(p.unclaimed_numbers), 0) as unclaimed,
  coalesce(r.model, p.model) as extracted_by,
  r.finished as extracted_on,
  r.caution
from raw.papers p
join raw.runs r using (run)
-- A repeated record is a line of the run and no paper of its own.
where p.status is distinct from 'duplicate'
qualify (select every_run from raw.settings) or row_number() over (
  partition by p.paper_id, p.abstract_sha256
  order by p.status not in ('claims', 'no_claims'), p.run
) = 1
order by p.run, p.rowid;
