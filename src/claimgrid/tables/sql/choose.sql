-- Which rows of several runs are left out, as `papers.sql` and `claims.sql` say it of all their rows.
create temp table shown as
select paper_id, abstract_sha256, arg_min(run, (coalesce(failed, true), run)) as run
from choice.papers
where not aside
group by paper_id, abstract_sha256;

-- Papers that another run stands for.
create table choice.left_out as
select p.run, p.paper_id, p.abstract_sha256
from choice.papers p
anti join shown s
  on s.run = p.run and s.paper_id = p.paper_id
  and s.abstract_sha256 is not distinct from p.abstract_sha256
where not p.aside;

-- Ids of which a run shows no paper: nor does it show their claims.
create table choice.left_out_ids as
select distinct p.run, p.paper_id
from choice.papers p
anti join shown s on s.run = p.run and s.paper_id = p.paper_id;

-- One claim is in several runs only where they show one id, or where its paper has no line in one.
create table choice.of_several as
select paper_id from shown group by paper_id having count(distinct run) > 1;

create table choice.suspects (run integer, claim_id varchar);

create view choice.repeated as
select s.run, s.claim_id
from choice.suspects s
join (select claim_id, min(run) as first from choice.suspects group by all) f using (claim_id)
where s.run > f.first;
