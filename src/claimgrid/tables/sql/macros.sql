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

-- The numbers of a text, and one of them with the decimals that are written: 55.0 is not 55.
create macro numbers_of(t) as regexp_extract_all(t, '[0-9][0-9,]*(?:[.][0-9]+)?');

create macro same_digits(n, t) as
  coalesce(contains(t, '.') and try_cast(replace(t, ',', '') as double) = n, false);

create macro written_end(n, t) as case when same_digits(n, t) then t else shown_end(n) end;

create macro written_number(v) as
  case when v.low is null then null
    when v.low = v.high then written_end(v.low, numbers_of(v."text")[1])
    else written_end(v.low, numbers_of(v."text")[1]) || '–'
      || written_end(v.high, numbers_of(v."text")[-1]) end;

-- The spellings come from data/units.toml.
create macro unit_words(unit) as
  array_to_string(list_transform(regexp_extract_all(unit, '[^/_]+|[/_]'),
    lambda part: coalesce(map {'_': ' '/*spellings*/}[part], part)), '');

create macro with_unit(number, unit) as
  case when unit = 'usd' or starts_with(unit, 'usd/') then '$' || number || unit_words(unit[4:])
    when unit = 'score' then number when unit = '%' then number || '%'
    when unit = 'x' then number || '×' else number || ' ' || unit_words(unit) end;

-- A number with its bound and unit; a vague one as written.
create macro shown_value(bound, v) as
  bound_mark(bound) || coalesce(with_unit(written_number(v), v.unit), v."text");

-- A share of a baseline's score, or a multiple of it, says so: it is no score.
create macro of_baseline(relation, unit) as
  case when relation is distinct from 'ratio' then ''
    when unit = 'x' then ' the baseline' else ' of the baseline' end;

-- Whether the factor is not the number that stands in the text.
create macro is_computed(r, v) as
  case when r is null then null
    else not coalesce(v.unit = 'x' and abs(v.low - r.low) <= 1e-9 * r.low
      and abs(v.high - r.high) <= 1e-9 * r.high, false) end;

create macro significant(x, n) as
  case when x = 0 then x::double else round(x, (n - 1 - floor(log10(abs(x))))::integer) end;

-- How many digits the text gives, two at most: the second already promises more than most say.
create macro digits_of(t) as
  least(2, greatest(1, length(ltrim(regexp_replace(
    regexp_extract(coalesce(t, ''), '[0-9][0-9,]*(?:[.][0-9]+)?'), '[^0-9]', '', 'g'), '0'))));

-- A gain has as many digits as the text: 73.1% less is 3.7 times, 5% more is 1.05 times.
create macro rounded_factor(f, t) as
  case when f between 0.5 and 10 then round(1 + significant(f - 1, digits_of(t)), 9)
    else significant(f, 2) end;

create macro rounded_ratio(r, v) as
  case when r is null or not is_computed(r, v) then r
    else {'low': rounded_factor(r.low, v."text"), 'high': rounded_factor(r.high, v."text")} end;

create macro shown_factor(r) as
  case when r.low = r.high then format('{:.4g}×', r.low)
    else format('{:.4g}–{:.4g}×', r.low, r.high) end;

-- A factor that the text states, with its decimals.
create macro factor_end(n, t) as
  case when same_digits(n, t) then t else format('{:.4g}', n) end;

create macro stated_factor(r, v) as
  case when r.low = r.high then factor_end(r.low, numbers_of(v."text")[1]) || '×'
    else factor_end(r.low, numbers_of(v."text")[1]) || '–'
      || factor_end(r.high, numbers_of(v."text")[-1]) || '×' end;

create macro near(a, b) as abs(a - b) <= 1e-6 * abs(b);

-- Whether P percent more or less was meant, told by the factor that was made of it.
create macro percent_word(r, p) as
  case when near(r.low, 1 + p / 100) or near(r.high, 1 + p / 100)
      or near(r.low, 1 / (1 + p / 100)) or near(r.high, 1 / (1 + p / 100)) then ' more'
    when p < 100 and (near(r.low, 1 / (1 - p / 100)) or near(r.high, 1 / (1 - p / 100))
      or near(r.low, 1 - p / 100) or near(r.high, 1 - p / 100)) then ' less'
    when near(r.low, 100 / p) or near(r.high, 100 / p) or near(r.low, p / 100)
      or near(r.high, p / 100) then ' of the baseline'
    else '' end;

create macro written_change(r, v) as
  case when v.unit = '%' and v.low is not null
      then coalesce(ltrim(written_number({'low': abs(v.low), 'high': abs(v.high), 'text': v."text"}), '-'),
        '') || '%' || percent_word(r, abs(v.high))
    else v."text" end;

-- What is written first, then the factor where it is computed.
create macro shown_ratio(bound, r, v, doubt) as
  bound_mark(bound) || case
    when r is null then coalesce(v."text", '') || case when doubt is null then ''
      else ' (ambiguous: ' || replace(doubt, '_', ' ') || ')' end
    when is_computed(r, v) and v."text" is not null
      then written_change(r, v) || ' (≙ ' || shown_factor(rounded_ratio(r, v)) || ')'
    else stated_factor(r, v) end;

create macro shown_count(n) as
  case when n >= 1e12 then format('{:.4g}T', n / 1e12) when n >= 1e9 then format('{:.4g}B', n / 1e9)
    when n >= 1e6 then format('{:.4g}M', n / 1e6) when n >= 1e3 then format('{:.4g}K', n / 1e3)
    else n::varchar end;

-- A date as precise as it is stated: where the year is missing, day and month in words.
create macro first_day(d) as
  case when regexp_full_match(d, '[0-9]{4}') then d || '-01-01'
    when regexp_full_match(d, '[0-9]{4}-[0-9]{2}') then d || '-01'
    when regexp_full_match(d, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then d end;

create macro shown_date(d) as
  case when regexp_full_match(d, '--[0-9]{2}-[0-9]{2}')
      then coalesce(strftime(try_cast('2000-' || d[3:] as date), '%-d %B'), d[3:])
    when regexp_full_match(d, '--[0-9]{2}')
      then coalesce(strftime(try_cast('2000-' || d[3:] || '-01' as date), '%B'), d[3:])
    else d end;
