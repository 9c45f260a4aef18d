-- Devices that the work ran on, is deployed on or targets; `count` is of devices in all.
create view hardware as
select
  run, paper_id, title, date, dated, year, device, count, nodes, per_node, role, vendor, category, known,
  subject, written, stance, quote, location, grounding, confidence, claim_id, checked_by,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'hardware';
