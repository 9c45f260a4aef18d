-- Results on benchmarks, and benchmarks that are named without one (`role`, no `score`).
create view benchmarks as
select
  run, paper_id, title, date, dated, year, subject, benchmark, role, value.low as score_low,
  value.high as score_high, value.unit as unit, qualifier as bound, shown as score, written,
  metric, relation, baselines, stance, quote, location, grounding, confidence, claim_id, checked_by,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'benchmark';
