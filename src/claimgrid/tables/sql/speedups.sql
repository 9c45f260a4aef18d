-- Relative gains. `ratio` says what is written and, where that is no factor, the factor that
-- was computed from it; `computed` says that it was. `ratio_low` and `ratio_high` are null where a
-- change of a share in percent may be points (`ambiguous`).
create view speedups as
select
  run, paper_id, title, date, dated, year, subject, ratio.low as ratio_low, ratio.high as ratio_high,
  qualifier as bound, shown as ratio, computed, ambiguous,
  written, metric, baselines, workload, hardware, stance,
  quote, location, grounding, claim_id, checked,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'speedup';
