"""Tokens of a model ─► US dollars, by the list prices that `genai-prices` ships. No network."""

from __future__ import annotations

from importlib.metadata import version

from claimgrid.llm.answer import Usage
from claimgrid.llm.providers import Endpoint


def usd(at: Endpoint, used: Usage) -> float | None:
    """What `used` costs at list price in US dollars; None where the model has no known price.

    A server behind a base URL of one's own has no list price, whatever its models are called.
    """
    if not used.requests:
        return 0.0
    if at.base_url is not None:
        return None
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    tokens = PricedUsage(
        input_tokens=used.input_tokens,
        cache_read_tokens=used.cached_tokens,
        output_tokens=used.output_tokens,
    )
    try:
        price = calc_price(tokens, model_ref=at.model, provider_id=at.provider)
    except LookupError:
        return None
    return float(price.total_price)


def dated() -> str:
    """Which edition of the price list is used: the version of `genai-prices`."""
    return version("genai-prices")
