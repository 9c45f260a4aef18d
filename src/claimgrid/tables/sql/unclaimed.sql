-- Numbers of the abstracts that no claim covers; `reason` is null where none is known.
create view unclaimed as
select run, paper_id, title, unnest(unclaimed_numbers, recursive := true)
from papers
where len(unclaimed_numbers) > 0;
