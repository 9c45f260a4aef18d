-- Stated parameter counts; `active_params` is per token of a mixture of experts.
create view models as
select
  run, paper_id, title, date, dated, year, model, params, active_params, context_tokens,
  qualifier as bound, bound_mark(qualifier) || shown as size, written, subject, stance, quote,
  location, grounding, confidence, claim_id, checked_by,
  citation_key, extracted_by, extracted_on, caution, doi, arxiv_id, url
from claims
where kind = 'model_size';
