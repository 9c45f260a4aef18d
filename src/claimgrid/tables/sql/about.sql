-- What each run was made by, and how many of its papers other runs have read too.
select
  r.name,
  coalesce(r.model, min(p.model)) as model,
  r.finished,
  r.caution,
  count(p.paper_id) as papers,
  count(p.paper_id) filter (
    exists (
      from raw.papers x
      where x.run <> p.run and x.paper_id = p.paper_id and x.abstract_sha256 = p.abstract_sha256
    )
  ) as shared
from raw.runs r
left join raw.papers p using (run)
group by r.run, r.name, r.model, r.finished, r.caution
order by r.run;
