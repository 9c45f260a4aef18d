-- One row a claim: the fields of claims.jsonl, the paper's title and date, and the number and
-- evidence in flat columns. Claims of a paper that another run stands for are left out.
create table claims as
select
  r.name as run,
  c.* exclude (run),
  p.title,
  p.date,
  p.year,
  c.value."text" as written,
  c.qualifier as bound,
  -- The number in the terms of its kind: a ratio, parameters, or as written in `unit`.
  coalesce(c.ratio.low, c.params, c.value.low) as number_low,
  coalesce(c.ratio.high, c.params, c.value.high) as number_high,
  c.value.unit as unit,
  case c.kind
    when 'speedup' then shown_ratio(c.qualifier, c.ratio)
    when 'hardware' then c.count::varchar
    when 'model_size' then
      shown_count(c.params) || coalesce(' (' || shown_count(c.active_params) || ' active)', '')
    else case when c.relation = 'delta' then 'Δ ' else '' end || shown_value(c.qualifier, c.value)
  end as shown,
  c.evidence."quote" as quote,
  c.paper_id || ':' || c.evidence."start" || '-' || c.evidence."end" as location
from raw.claims c
join raw.runs r using (run)
left join papers p on p.run = r.name and p.paper_id = c.paper_id
where p.paper_id is not null
  or not exists (from raw.papers x where x.run = c.run and x.paper_id = c.paper_id)
qualify c.run = min(c.run) over (partition by c.claim_id)
order by c.run, c.rowid;
