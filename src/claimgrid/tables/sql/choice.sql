-- The papers of several runs by their ids; `aside` are lines that are no papers of the views.
create schema choice;

create table choice.papers (
  run integer,
  paper_id varchar,
  abstract_sha256 varchar,
  failed boolean,
  aside boolean
);

-- How many papers of each run other runs have read too.
create view choice.shared as
select run, count(*)
from choice.papers
semi join (
  select paper_id, abstract_sha256
  from choice.papers
  group by all
  having count(distinct run) > 1
) using (paper_id, abstract_sha256)
group by run;
