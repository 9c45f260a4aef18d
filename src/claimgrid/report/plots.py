"""The Vega-Lite specifications of the page's plots, made with Altair: their shape without data.

The data source of each is named `rows` and left empty: the page fills it with what its filters let
through, so that a plot always shows what the table beside it shows. A point's shape is how its
number is bounded (`BOUNDS`, drawn in the page's legend too); one drawing holds one metric or unit.
"""

from __future__ import annotations

from typing import Any

import altair as alt

BOUNDS = {
    "exact": "circle",
    "up_to": "triangle-left",
    "at_least": "triangle-right",
    "about": "square",
    "average": "diamond",
}
_OPEN = ["up_to", "at_least", "about"]
# Numbers as people write them: no `2e+1`, and big ones with a letter.
_NUMBERS = "datum.value >= 10000 ? format(datum.value, '~s') : format(datum.value, ',~f')"
_SHOWN = alt.TooltipContent("data")  # without it Vega calls no tooltip handler


def specifications() -> dict[str, dict[str, Any]]:
    """Every plot of the page by name."""
    return {
        "speedups": _dots("improvement factor (log scale)", log=True),
        "scores": _dots(None, log=False),
        "sizes": _sizes(),
        "hardware": _hardware(),
        "gains": _over_time("improvement factor (log scale)", log=True),
        "board": _over_time(None, log=False),
    }


def _scale(*, log: bool) -> alt.Scale:
    # The page sets both ends: one number alone would leave a log axis without any.
    return alt.Scale(
        type="log" if log else "linear",
        zero=alt.Undefined if log else False,
        nice=False,
        domainMin=alt.ExprRef("lowest"),
        domainMax=alt.ExprRef("highest"),
    )


def _axis(title: str | None, *, log: bool) -> alt.Axis:
    # The page says where a log axis has its ticks: as many as there is room for.
    ticks: dict[str, Any] = {"values": alt.ExprRef("ticks")} if log else {"tickCount": 6}
    return alt.Axis(title=title, labelExpr=_NUMBERS, labelOverlap="greedy", **ticks)


def _names() -> alt.Y:
    order = alt.EncodingSortField(field="rank", op="min", order="ascending")
    axis = alt.Axis(title=None, labelLimit=190, domain=False, ticks=False, labelPadding=8)
    return alt.Y("name:N", sort=order, axis=axis)


def _finish(chart: alt.LayerChart | alt.FacetChart) -> dict[str, Any]:
    made: dict[str, Any] = chart.properties(
        width="container",
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        background="transparent",
    ).to_dict()
    del made["$schema"]  # an address, and the page loads none
    return made


def _dots(title: str | None, *, log: bool) -> dict[str, Any]:
    """Numbers by name: a mark whose shape says how the number is bounded, a line for a range."""
    scale = _scale(log=log)
    base = alt.Chart(alt.NamedData("rows")).encode(y=_names())
    axis = _axis(title, log=log)
    x = alt.X("high:Q", scale=scale, axis=axis)
    span = base.mark_rule(strokeWidth=3, opacity=0.55, tooltip=_SHOWN).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    shape, inside = _bounds()
    single = base.transform_filter(alt.datum.bound != "range")
    marks = single.mark_point(size=90, strokeWidth=1.8, filled=False, tooltip=_SHOWN).encode(
        x=x, shape=shape, fillOpacity=inside
    )
    ranges = base.transform_filter(alt.datum.bound == "range")
    ends = [
        ranges.mark_tick(size=11, thickness=2).encode(x=alt.X(end, scale=scale, axis=axis))
        for end in ("low:Q", "high:Q")
    ]
    return _finish(alt.layer(span, marks, *ends))


def _bounds() -> tuple[alt.Shape, alt.FillOpacity]:
    """The shape of a mark and whether it is filled, by how its number is bounded."""
    shape = alt.Shape(
        "bound:N",
        scale=alt.Scale(domain=list(BOUNDS), range=list(BOUNDS.values())),
        legend=None,
    )
    inside = alt.FillOpacity(
        condition={"test": alt.FieldOneOfPredicate(field="bound", oneOf=_OPEN), "value": 0},
        value=0.9,
    )
    return shape, inside


def _over_time(title: str | None, *, log: bool) -> dict[str, Any]:
    """Numbers by date, and a step line through the best so far where the page computes one."""
    base = alt.Chart(alt.NamedData("rows"))
    years = alt.Axis(title=None, format="d", values=alt.ExprRef("dates"), labelOverlap="greedy")
    span = alt.Scale(
        zero=False,
        nice=False,
        domainMin=alt.ExprRef("earliest"),
        domainMax=alt.ExprRef("latest"),
    )
    x = alt.X("when:Q", axis=years, scale=span)
    scale, axis = _scale(log=log), _axis(title, log=log)
    shape, inside = _bounds()
    line = (
        base.transform_filter(alt.FieldValidPredicate(field="best", valid=True))
        .mark_line(interpolate="step-after", strokeWidth=1.5, opacity=0.6)
        .encode(x=x, y=alt.Y("best:Q", scale=scale, axis=axis), order="when:Q")
    )
    marks = base.mark_point(size=80, strokeWidth=1.8, filled=False, tooltip=_SHOWN).encode(
        x=x, y=alt.Y("high:Q", scale=scale, axis=axis), shape=shape, fillOpacity=inside
    )
    return _finish(alt.layer(line, marks))


def _sizes() -> dict[str, Any]:
    """Parameters of each model: filled for the total, open for what is active per token."""
    letters = "replace(format(datum.value, '~s'), 'G', 'B')"
    axis = alt.Axis(
        title="parameters (log scale)",
        labelExpr=letters,
        labelOverlap="greedy",
        values=alt.ExprRef("ticks"),
    )
    scale = _scale(log=True)
    base = alt.Chart(alt.NamedData("rows")).encode(y=_names())
    active = base.transform_filter(alt.FieldValidPredicate(field="active", valid=True))
    span = active.mark_rule(strokeWidth=2, opacity=0.55).encode(
        x=alt.X("active:Q", scale=scale, axis=axis), x2="total:Q"
    )
    part = active.mark_point(size=90, strokeWidth=1.8, fillOpacity=0, tooltip=_SHOWN).encode(
        x=alt.X("active:Q", scale=scale, axis=axis)
    )
    total = base.mark_point(size=90, strokeWidth=1.8, fillOpacity=0.9, tooltip=_SHOWN).encode(
        x=alt.X("total:Q", scale=scale, axis=axis)
    )
    return _finish(alt.layer(span, part, total))


def _hardware() -> dict[str, Any]:
    """Papers that name a device, by year; papers without a year stand in a column of their own."""
    axis = alt.Axis(
        title=None, labelAngle=0, labelOverlap="greedy", orient="top", domain=False, ticks=False
    )
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("year:O", axis=axis, sort="ascending"), y=_names()
    )
    area = alt.Scale(rangeMin=130, rangeMax=420, zero=False)
    dots = base.mark_circle(opacity=0.3, tooltip=_SHOWN).encode(
        size=alt.Size("papers:Q", legend=None, scale=area)
    )
    counts = base.mark_text(fontSize=11, tooltip=_SHOWN).encode(text="papers:Q")
    return _finish(alt.layer(dots, counts))
