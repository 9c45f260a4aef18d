"""What a reviewer's page sends for one decision: checked types, and no text but the note."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from claimgrid.review.corrections import Action
from claimgrid.types.claim import Kind

Offsets = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class Decision(BaseModel):
    """One decision. The page makes `id`, so that sending it twice saves it once."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-zA-Z-]{8,64}$")]
    action: Action
    paper_id: str
    abstract_sha256: str
    claim_id: str | None = None
    seen: Annotated[str | None, Field(description="Version of the claim as it was shown.")] = None
    kind: Annotated[Kind | None, Field(description="Kind of an added claim.")] = None
    spans: Annotated[
        dict[str, list[Offsets]],
        Field(description="Code points of the selected words by field; none clears a field."),
    ] = {}
    labels: dict[str, str] = {}
    number: Annotated[
        Offsets | None, Field(description="Code points of a number that is no claim.")
    ] = None
    item: Annotated[
        str | None, Field(description="Key of a refused item, to dismiss it or to add it.")
    ] = None
    undoes: str | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    only_try: Annotated[bool, Field(description="Compute and answer; save nothing.")] = False
