-- Absolute speeds, costs and shares, in the unit that the abstract uses.
create view efficiency as
select
  run, paper_id, title, date, dated, year, subject, value.low as value_low, value.high as value_high,
  value.unit as unit, qualifier as bound, shown as value, written, metric, workload, hardware,
  stance, quote, location, grounding, confidence, claim_id, checked_by,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'efficiency';
