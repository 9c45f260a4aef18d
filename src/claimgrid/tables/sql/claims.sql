-- One row a claim: the fields of claims.jsonl, what its paper is called and where it is found, and
-- the number and evidence in flat columns. Claims of a paper that another run stands for are left
-- out, unless every run was asked for. `ratio` is as computed; in `number_low` and `number_high` it
-- is rounded to the digits of the number that it was computed from.
create table claims as
select
  r.name as run,
  c.* exclude (run),
  p.title,
  p.citation_key,
  p.date,
  p.dated,
  p.year,
  c.value."text" as written,
  c.qualifier as bound,
  -- The number in the terms of its kind: a ratio, parameters, or as written in `unit`.
  coalesce(rounded_ratio(c.ratio, c.value).low, c.params, c.value.low) as number_low,
  coalesce(rounded_ratio(c.ratio, c.value).high, c.params, c.value.high) as number_high,
  c.value.unit as unit,
  case c.kind
    when 'speedup' then shown_ratio(c.qualifier, c.ratio, c.value, c.ambiguous)
    when 'hardware' then c.count::varchar
    when 'model_size' then
      shown_count(c.params) || coalesce(' (' || shown_count(c.active_params) || ' active)', '')
    else case when c.relation = 'delta' then 'Δ ' else '' end || shown_value(c.qualifier, c.value)
      || of_baseline(c.relation, c.value.unit)
  end as shown,
  is_computed(c.ratio, c.value) as computed,
  c.evidence."quote" as quote,
  c.paper_id || ':' || c.evidence."start" || '-' || c.evidence."end" as location,
  c.checked.decision || ' by ' || c.checked."by" as checked_by,
  coalesce(r.model, p.model) as extracted_by,
  r.finished as extracted_on,
  r.caution,
  p.doi,
  p.arxiv_id,
  p.venue,
  p.url
from raw.claims c
join raw.runs r using (run)
left join papers p on p.run = r.name and p.paper_id = c.paper_id
where p.paper_id is not null
  or not exists (from raw.papers x where x.run = c.run and x.paper_id = c.paper_id)
qualify (select every_run from raw.settings)
  or c.run = min(c.run) over (partition by c.claim_id)
order by c.run, c.rowid;
