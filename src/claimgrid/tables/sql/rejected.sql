-- What the model claimed and the abstract does not hold.
create table rejected as
select r.name as run, j.* exclude (run), p.title
from raw.rejected j
join raw.runs r using (run)
left join papers p on p.run = r.name and p.paper_id = j.paper_id
where p.paper_id is not null
  or not exists (from raw.papers x where x.run = j.run and x.paper_id = j.paper_id)
order by j.run, j.rowid;
