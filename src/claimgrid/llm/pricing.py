"""Prices the tokens of a model in US dollars, by the user's own price or by `genai-prices`.

The list ships with the package; no network is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from claimgrid.llm.providers import Endpoint
from claimgrid.types.answer import Usage


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """What a server of one's own costs, in US dollars per million tokens.

    No rebate for cached tokens, and no batch API.
    """

    input: float
    output: float


def usd(
    at: Endpoint, used: Usage, own: OwnPrice | None = None, *, batch: bool = False
) -> float | None:
    """What `used` costs in US dollars; None where the model has no known price.

    A server behind a base URL has no list price, whatever its models are called: `own` prices it.

    Args:
        batch: by the batch API's prices. None where the list has none for the model.
    """
    if not used.requests:
        return 0.0
    if own is not None and batch:
        return None
    if own is not None:
        return (used.input_tokens * own.input + used.output_tokens * own.output) / 1e6
    if at.provider in ("embedded", "in-process"):
        return None if batch else 0.0  # what this machine's power costs, nobody knows here
    if at.base_url is not None:
        return None
    from genai_prices import Usage as PricedUsage
    from genai_prices import calc_price

    # Some prices rise with the length of a request, so the sum of many must not pass for one:
    # an average request is priced, and its price is multiplied.
    count = used.requests
    tokens = PricedUsage(
        input_tokens=used.input_tokens / count,
        cache_read_tokens=min(used.cached_tokens, used.input_tokens) / count,
        output_tokens=used.output_tokens / count,
    )
    try:
        price = calc_price(
            tokens,
            model_ref=at.model,
            provider_id=at.provider,
            price_context={"processing": "batch"} if batch else None,
        )
    except LookupError:
        return None
    variants = price.model.price_variants or ()
    if batch and not any(variant.when.get("processing") == "batch" for variant in variants):
        return None
    return float(price.total_price) * count


def dated() -> str:
    """Which edition of the price list is used: the version of `genai-prices`."""
    return version("genai-prices")
