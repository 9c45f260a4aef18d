-- Relative gains. `ratio` is the improvement factor with its bound; `written` the words.
create view speedups as
select
  run, paper_id, title, date, year, subject, ratio.low as ratio_low, ratio.high as ratio_high,
  qualifier as bound, shown as ratio, written, metric, baselines, workload, hardware, stance,
  quote, location, grounding, claim_id
from claims
where kind = 'speedup';
