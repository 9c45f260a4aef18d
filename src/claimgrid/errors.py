"""The errors of claimgrid, and the exit code that each ends the command with.

    ClaimgridError                   exit 2 unless said otherwise
    ├── UsageError                   a flag, a path or a setting is wrong
    ├── SetupError                   an extra, a key or a resource is missing
    ├── SourceError                  a source cannot be read at all (file, line)
    ├── StoreError                   the run's folder cannot be read or written
    ├── ExtractionError              one abstract failed, and the caller wants to know
    ├── StoppedError                 a limit of the run is reached; nothing is wrong
    └── PaperError                   costs one paper only; the run continues, exit 1
        ├── NoRecordingError         nothing recorded for the request and no model to ask
        ├── RefusedError             the model refused, or a content filter stopped it
        ├── TruncatedError           the reply was cut at the token limit
        ├── InvalidReplyError        no valid reply within the re-asks
        └── TransportError           the server could not be reached or kept failing
            ├── TooLongError         the server refuses the request as too long
            └── UnusableServerError  key, credit or model is wrong: no paper can be answered

Every message says what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal


class ClaimgridError(Exception):
    """Base of all errors that a user may see; `str(error)` is the whole message."""

    exit_code: ClassVar[int] = 2


class UsageError(ClaimgridError):
    """A flag, a path or a setting is wrong."""


class SetupError(ClaimgridError):
    """Something that the command needs is not installed or not configured."""


class SourceError(ClaimgridError):
    """A source cannot be read at all.

    Args:
        message: what is wrong and what to do.
        path: the file, as the user named it.
        line: 1-based line number where it went wrong, if one is known.
    """

    def __init__(self, message: str, *, path: str, line: int | None = None) -> None:
        where = path if line is None else f"{path}:{line}"
        super().__init__(f"{where}: {message}")
        self.message = message
        self.path = path
        self.line = line


class StoreError(ClaimgridError):
    """A run's folder cannot be read or written."""


class ExtractionError(ClaimgridError):
    """An extraction that was asked to have come out has failed (`Extraction.raise_for_status`)."""

    exit_code: ClassVar[int] = 1


class StoppedError(ClaimgridError):
    """The run may spend no more: this paper is not asked about, and is no failure."""

    exit_code: ClassVar[int] = 1


class PaperError(ClaimgridError):
    """One paper failed; the others still come out.

    `status` is what the paper line says (see `types.claim.Status`), `stage` where it failed.
    """

    exit_code: ClassVar[int] = 1
    status: ClassVar[Literal["error", "refused", "truncated", "invalid"]] = "error"
    stage: ClassVar[str] = "ask"


class NoRecordingError(PaperError):
    """No recording answers the request and no model may be asked."""


class RefusedError(PaperError):
    """The model refused, or a content filter ended the reply."""

    status = "refused"


class TruncatedError(PaperError):
    """The reply was cut short at the token limit."""

    status = "truncated"


class InvalidReplyError(PaperError):
    """No reply could be used, even after the re-asks.

    Args:
        dropped: the items of the last reply that could not be read (`types.answer.Dropped`).
    """

    status = "invalid"

    def __init__(self, message: str, dropped: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.dropped = dropped


class TransportError(PaperError):
    """The server could not be reached, or kept failing past the retries."""


class TooLongError(TransportError):
    """The server refuses the request as too long for it or for its model."""


class UnusableServerError(TransportError):
    """The server refuses for a reason that is the same for every paper, so the run stops.

    Args:
        why: the reason in a few words, such as "a refused API key".
        certain: False where it may still be about one paper, unless no paper was answered so far.
    """

    def __init__(self, message: str, *, why: str, certain: bool = True) -> None:
        super().__init__(message)
        self.why = why
        self.certain = certain
