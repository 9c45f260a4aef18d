"""Which numbers of an abstract a claim covers: by its fields' spans, however these lie."""

from __future__ import annotations

from test_pipeline import read

TEXT = "Zephyr 3 with 4 lanes is 2.5x faster at 7 nodes, 8 racks."


def listed(**item: str) -> list[str]:
    fields = {"quote": "is 2.5x faster", "value": "2.5x", "change": "up"} | item
    numbers = read(TEXT, speedups=[fields]).paper.unclaimed_numbers
    return [TEXT[number.start : number.end] for number in numbers]


def test_the_evidence_alone_covers_no_number() -> None:
    assert listed(quote=TEXT[:-1]) == ["3", "4", "7", "8"]


def test_a_field_covers_the_numbers_that_it_touches() -> None:
    assert listed(subject="Zephyr 3") == ["4", "7", "8"]
    assert listed(workload="7 nodes") == ["3", "4", "8"]


def test_a_field_within_another_hides_nothing_of_it() -> None:
    wide = "4 lanes is 2.5x faster at 7 nodes"
    assert listed(workload=wide) == ["3", "8"]
    assert listed(workload=wide, subject="Zephyr 3") == ["8"]
