-- Relative gains. `ratio` says what is written and, where that is no factor, the factor that
-- was computed from it; `computed` says that it was. `ratio_low` and `ratio_high` are null where a
-- change of a share in percent may be points (`ambiguous`).
create view speedups as
select
  run, paper_id, title, date, dated, year, subject,
  case when ratio is not null then number_low end as ratio_low,
  case when ratio is not null then number_high end as ratio_high,
  qualifier as bound, shown as ratio, computed, ambiguous,
  written, metric, baselines, workload, hardware, stance,
  quote, location, grounding, confidence, claim_id, checked_by,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'speedup';
