-- Numbers as people read them; the same marks for bounds everywhere.
create macro bound_mark(bound) as
  case bound when 'up_to' then '≤ ' when 'at_least' then '≥ ' when 'about' then '≈ '
    when 'average' then 'avg ' else '' end;

create macro shown_end(n) as
  case when n = trunc(n) and abs(n) < 1e15 then format('{:,}', n::bigint)
    else format('{:.6g}', n) end;

create macro shown_number(low, high) as
  case when low is null then null
    when low = high then shown_end(low)
    else shown_end(low) || '–' || shown_end(high) end;

create macro shown_unit(unit) as
  case when unit = 'score' then '' when unit = '%' then '%' else ' ' || replace(unit, '_', ' ') end;

-- A number with its bound and unit; a vague one as written.
create macro shown_value(bound, v) as
  bound_mark(bound) || coalesce(shown_number(v.low, v.high) || shown_unit(v.unit), v."text");

create macro shown_ratio(bound, r) as
  bound_mark(bound) || case when r.low = r.high then format('{:.4g}×', r.low)
    else format('{:.4g}–{:.4g}×', r.low, r.high) end;

create macro shown_count(n) as
  case when n >= 1e12 then format('{:.4g}T', n / 1e12) when n >= 1e9 then format('{:.4g}B', n / 1e9)
    when n >= 1e6 then format('{:.4g}M', n / 1e6) when n >= 1e3 then format('{:.4g}K', n / 1e3)
    else n::varchar end;
