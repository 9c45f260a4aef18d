"""Unit words: the contract's list, spellings, rates and what has no canonical form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimgrid.quantities.units import canonical_units, unit_at, unit_of, unit_table

CONTRACT = [
    "x", "%", "fps", "tokens/s", "samples/s", "images/s", "requests/s", "flops", "gflops",
    "tflops", "tops", "tops/w", "gb/s", "us", "ms", "s", "min", "hours", "days", "kb", "mb", "gb",
    "tb", "mw", "w", "kw", "uj", "mj", "j", "kwh", "gpu_hours", "gpu_days", "usd", "mm2", "um2",
    "cycles", "mhz", "ghz", "db", "tokens", "steps", "params", "gpu_hours/month",
]  # fmt: skip

SPELLINGS = [
    ("%", ["%", "percent", "per cent", "percentage points", "pp", "\\%"]),
    ("x", ["x", "X", "×", "$\\times$", "times", "fold"]),
    ("fps", ["FPS", "fps", "frames per second", "frames/s", "frame/s", "frames / s"]),
    ("tokens/s", ["tokens/s", "tok/s", "tokens per second", "TPS", "output tokens per second"]),
    ("samples/s", ["samples/s", "samples per second"]),
    ("images/s", ["images/s", "img/s", "images per second", "image/sec"]),
    ("requests/s", ["requests/s", "req/s", "requests per second"]),
    ("queries/s", ["queries per second", "QPS"]),
    ("gflops", ["GFLOPs", "GFLOPS", "GFLOP", "GFLOP/s", "GFlop/s"]),
    ("tflops", ["TFLOPS", "TFLOP/s", "TFLOPs"]),
    ("tflops/gpu", ["TFLOPS/GPU", "TFLOPs per GPU"]),
    ("tops/w", ["TOPS/W"]),
    ("gb/s", ["GB/s", "GB per second"]),
    ("us", ["us", "µs", "μs", "$\\mu$s", "microseconds"]),
    ("ms", ["ms", "milliseconds", "msec"]),
    ("s", ["s", "seconds", "sec"]),
    ("min", ["min", "minutes", "mins"]),
    ("hours", ["hours", "h", "hour", "hrs"]),
    ("gpu_hours", ["GPU hours", "GPU-hours", "H100-hours", "H800 GPU hours", "gpu hours"]),
    ("gpu_days", ["GPU days", "GPU-days", "V100-days"]),
    ("gpu_hours/month", ["GPU hours per month", "GPU-hours/month", "GPU hours a month"]),
    ("usd", ["USD", "dollars", "US$", "$"]),
    ("usd/year", ["USD/yr", "dollars per year", "dollars a year"]),
    ("mm2", ["mm2", "mm^2", "mm$^2$", "mm²"]),
    ("mw", ["mW", "milliwatts"]),
    ("megawatt", ["MW", "megawatts"]),
    ("mj", ["mJ"]),
    ("j/token", ["J/token", "J per token"]),
    ("ms/token", ["ms/token", "ms per token", "milliseconds per token"]),
    ("tokens", ["tokens", "token", "generated tokens"]),
    ("params", ["params", "parameters", "parameter", "trainable parameters"]),
    ("steps", ["steps", "step"]),
    ("cycles", ["cycles", "clock cycles", "clocks"]),
    ("ns/vec", ["ns/vec"]),
    ("line", ["lines", "line", "lines of code", "Lines"]),
    ("query", ["query", "queries"]),
    ("box", ["boxes"]),
    ("class", ["class", "classes"]),
    ("message delay", ["message delays"]),
    ("images/hour", ["images per hour"]),
    ("", ["", " ", "()"]),
]


@pytest.mark.parametrize(
    ("unit", "words"), [(unit, words) for unit, every in SPELLINGS for words in every]
)
def test_spelling(unit: str, words: str) -> None:
    assert unit_of(words) == unit


@pytest.mark.parametrize("unit", CONTRACT)
def test_the_contracts_units_can_be_reached(unit: str) -> None:
    table = unit_table()
    names = {*table.symbols.values(), *table.words.values(), *table.per_second.values()}
    head, _, period = unit.partition("/")
    made = {f"{machine}_{time}" for machine in ("gpu",) for time in table.machine_time.values()}
    assert unit in names or head in names | made
    assert not period or unit in names or period in table.periods.values()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("5 GB of memory", "gb", "GB"),
        ("5-second clips", "s", "second"),
        ("5 ms per token", "ms/token", "ms per token"),
        ("5 times faster", "x", "times"),
        ("5 percentage points", "%", "percentage points"),
        ("5 H100 hours on", "gpu_hours", "H100 hours"),
        ("5 per month", "/month", " per month"),
    ],
)
def test_a_unit_stands_where_its_words_stand(text: str, name: str, words: str) -> None:
    unit = unit_at(text, 1)
    assert unit is not None
    assert (unit.name, text[unit.start : unit.end]) == (name, words)


@pytest.mark.parametrize(
    "text", ["5 layers", "5 token-level", "5 of steps", "5-$7", "5 a", "5 mm3x", "5 S-boxes"]
)
def test_what_is_no_unit_is_none(text: str) -> None:
    assert unit_at(text, 1) is None


def test_case_tells_units_apart() -> None:
    assert [unit_of(words) for words in ("mW", "MW", "mJ", "MJ")] == [
        "mw",
        "megawatt",
        "mj",
        "megajoule",
    ]


@given(st.text())
def test_any_words_have_a_unit(words: str) -> None:
    assert unit_of(words) == unit_of(words).strip()


@given(st.sampled_from(sorted({*unit_table().symbols, *unit_table().words})))
def test_canonical_units_hold_no_space_and_no_upper_case(spelling: str) -> None:
    unit = unit_of(spelling)
    assert unit == unit.lower()
    assert " " not in unit


@pytest.mark.parametrize("unit", sorted(canonical_units()))
def test_a_canonical_unit_is_its_own(unit: str) -> None:
    assert unit_of(unit) == unit
