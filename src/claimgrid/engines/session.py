"""Makes the prompt, the requests, the endpoint and the stores out of the settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from claimgrid import settings
from claimgrid.decisions import decision_request
from claimgrid.engines import in_process
from claimgrid.engines.in_process import InProcess, ReadingClient
from claimgrid.errors import SetupError, UsageError
from claimgrid.extraction import pipeline
from claimgrid.extraction import prompt as prompts
from claimgrid.extraction.confidence_limit import without_doubtful
from claimgrid.extraction.prompt import Prompt
from claimgrid.io import shipped_files
from claimgrid.llm import fast_path, pricing
from claimgrid.llm.budget import Purse
from claimgrid.llm.client import AskPolicy, Client, ResponseStores
from claimgrid.llm.packing import MakePack, Packer
from claimgrid.llm.providers import Endpoint, endpoint
from claimgrid.llm.rate_limiter import Limiter
from claimgrid.llm.recording_folder import RecordingFolder
from claimgrid.llm.response_store import ReplyCache
from claimgrid.local import server
from claimgrid.local.server import ServerOptions, ServerPlan
from claimgrid.types.answer import Ask, Usage
from claimgrid.types.outcome import Outcome
from claimgrid.types.paper import Paper
from claimgrid.types.request import Request, Sampling

RECORDINGS = "fixtures/recordings"
_EMBEDDED_TIMEOUT = 1800.0  # seconds
NOTHING = "No model can answer. Set a key, or pass --model and --base-url (docs/models.md)."


@dataclass(frozen=True, slots=True)
class Session:
    """One command's settings, made concrete."""

    given: settings.Settings
    prompt: Prompt
    endpoint: Endpoint
    recordings: RecordingFolder
    request: Callable[[Paper], Request]
    serving: ServerPlan | None = None  # of an embedded model that is on this machine
    reader: InProcess | None = None  # a model in this process, which reads first

    @property
    def alone(self) -> bool:
        """Whether a model in this process reads everything, so that nothing is ever asked."""
        return self.endpoint.provider == "in-process"

    @property
    def reader_name(self) -> str:
        """The model in this process; empty where there is none."""
        return self.reader.name if self.reader else ""

    @property
    def name(self) -> str:
        """The model, or both of a cascade."""
        if self.reader is None or self.alone:
            return self.endpoint.model
        return f"{self.reader.name}+{self.endpoint.model}"

    @property
    def live(self) -> bool:
        """Whether a server may be asked: a model was named, there is a way to it, and replay does
        not forbid it."""
        given, at = self.given, self.endpoint
        if at.embedded is not None:
            return given.replay != "only" and self.serving is not None and server.available()
        return bool(given.replay != "only" and given.model and (at.api_key or at.base_url))

    def require_replies(self, cache: Path) -> None:
        """Refuse to begin where nothing could answer: no key, no server, no stored reply.

        Raises:
            SetupError: says what to set.
        """
        given = self.given
        if self.alone:
            return
        stored = cache.exists() or any(self.recordings.of_model(self.endpoint.model))
        if self.live or given.replay == "only" or (stored and given.replay == "auto"):
            return
        if given.model is None:
            raise SetupError(NOTHING)
        if self.endpoint.embedded is not None:
            self.endpoint.embedded.require()
            raise SetupError(server.NO_RUNTIME)
        name = " or ".join(settings.KEY_NAMES[self.endpoint.provider])
        or_server = (
            ", pass --base-url for an OpenAI-compatible server,"
            if (self.endpoint.provider == "openai")
            else ""
        )
        raise SetupError(
            f"model {given.model} needs a key: set {name}{or_server} or pass --replay only to "
            "answer from stored replies"
        )

    @property
    def caution(self) -> str | None:
        """What a reader of the results must know of the model; None for those behind an API."""
        model = self.endpoint.embedded
        if model is None:
            return self.reader.caution if self.reader else None
        measured = model.entry.f1 if model.entry and not self.given.adapter else None
        if measured is None:
            return (
                f"{model.name} is a small model, and nobody has measured its F1: check its claims "
                "against the abstracts, or measure it with extract eval"
            )
        return (
            f"{model.name} is a small model: F1 {measured:.2f} on seeds that it did not learn "
            "from, where the recorded strong model has 1.00; check its claims against the abstracts"
        )

    @property
    def concurrency(self) -> int:
        """Most requests under way: as set, else as many as an embedded model has slots."""
        if self.serving is not None and "concurrency" not in self.given.model_fields_set:
            return self.serving.slots
        return self.given.concurrency

    @property
    def timeout(self) -> float:
        """Seconds for one request: as set, else more for an embedded model, which may read a prompt
        for minutes before it begins to answer."""
        if self.endpoint.embedded is not None and "timeout" not in self.given.model_fields_set:
            return _EMBEDDED_TIMEOUT
        return self.given.timeout

    @property
    def policy(self) -> AskPolicy:
        """How hard the client tries."""
        given = self.given
        return AskPolicy(
            live=self.live,
            timeout=self.timeout,
            attempts=given.attempts,
            backoff=given.backoff,
            reasks=given.reasks,
            concurrency=self.concurrency,
            rpm=given.rpm,
            tpm=given.tpm,
        )

    @property
    def pack(self) -> MakePack:
        """What makes one request of several."""
        packing = prompts.load(shipped_files.path("prompts/pack.md"))
        return functools.partial(prompts.pack, packing=packing)

    async def extract(self, paper: Paper, ask: Ask) -> Outcome:
        """What a paper comes to, without the claims that are less sure than the settings want."""
        made = await pipeline.extract(paper, self.request, ask)
        return without_doubtful(made, self.given.min_confidence)

    def packer(self, client: Client | ReadingClient) -> Packer | None:
        """What asks about several papers at a time, if `--pack` says so."""
        if isinstance(client, ReadingClient) or self.given.pack == 1:
            return None
        return Packer(client, self.pack, self.given.pack)

    def usd(
        self, used: Usage, *, batch: bool = False, model: str | None = None, local: bool = False
    ) -> float | None:
        """What tokens cost; None where that is not known. See `pricing.usd`.

        Args:
            used: the tokens.
            batch: whether they were used in a batch.
            model: another one of the provider's than this session's.
            local: whether they came from a server on this machine, which no list pricing.
        """
        price_in, price_out = self.given.price_input, self.given.price_output
        own = None
        if price_in is not None and price_out is not None:
            own = pricing.OwnPrice(price_in, price_out)
        elif local:
            return None
        at = replace(self.endpoint, model=model or self.endpoint.model)
        return pricing.usd(at, used, own, batch=batch)

    @property
    def price_source(self) -> str:
        """Whose prices `usd` uses, with their edition."""
        if self.given.price_input is not None:
            return "settings price_input and price_output"
        if self.endpoint.provider in ("embedded", "in-process"):
            return "local model (free)"
        return f"genai-prices {pricing.dated()}"

    def stores(self, cache: ReplyCache | None) -> ResponseStores:
        """Where replies are looked up and written, by `--replay`.

        Live replies always reach the cache: a paid reply is never lost.

        Args:
            cache: the run's; None where nothing can be asked and nothing was.
        """
        kept = () if cache is None else (cache,)
        match self.given.replay:
            case "refresh":
                return ResponseStores(read=(), write=(*kept, self.recordings))
            case "off":
                return ResponseStores(read=(), write=kept)
            case _:
                known = () if cache is None else (("cache", cache),)
                return ResponseStores(read=(*known, ("recording", self.recordings)), write=kept)

    def client(
        self,
        stores: ResponseStores,
        budget: Purse | None = None,
        limiter: Limiter | None = None,
    ) -> Client | ReadingClient:
        """What answers requests: an async context manager with `ask`.

        Args:
            limiter: what requests go through, where others share it; None makes one.
        """
        inner = None
        if not self.alone:
            inner = Client(self.endpoint, stores, self.policy, budget, limiter)
        if self.reader is not None:
            return ReadingClient(self.reader, inner, self.given.doubt)
        assert inner is not None
        return inner


def open_session(given: settings.Settings) -> Session:
    """Make settings concrete.

    Raises:
        UsageError, SetupError: a model, price, prompt or key is wrong or missing.
    """
    if (given.price_input is None) != (given.price_output is None):
        raise UsageError("set both price_input and price_output, in US dollars per million tokens")
    first, second = in_process.names(given.model)
    reader = in_process.load(first, given.threads) if first else None
    name = second or settings.RECORDED_MODEL
    options = ServerOptions(given.threads, given.slots, given.context, given.batch, given.adapter)
    if reader is not None and second is None:
        at = Endpoint("in-process", reader.name, "decisions", None, None)
    else:
        at = endpoint(name, mode=given.mode, base_url=given.base_url, options=options)
    shipped = "prompts/decisions.md" if at.mode == "decisions" else "prompts/claims.md"
    prompt = prompts.load(given.prompt or shipped_files.path(shipped))
    if given.adapter is not None and at.embedded is None:
        raise UsageError("--adapter is for embedded models: --model embedded/NAME or embedded:FILE")
    key = settings.api_key(at.provider)
    if given.pack > 1 and (reader is not None or not fast_path.suits(at)):
        raise UsageError("--pack works with OpenAI-compatible servers in json_schema mode alone")
    at = replace(at, api_key=key)
    temperature = prompt.temperature if given.temperature is None else given.temperature
    sampling = Sampling(
        temperature=None if isinstance(temperature, str) else temperature,
        max_tokens=given.max_tokens or prompt.max_tokens,
        number=given.sample_number,
    )
    build = decision_request.build if at.mode == "decisions" else prompts.build
    request = functools.partial(
        build, prompt=prompt, model=at.model, mode=at.mode, sampling=sampling
    )
    serving = None
    if at.embedded is not None and at.embedded.path is not None:
        # Where nothing is to be served, what stands against it is no error.
        with suppress(SetupError, UsageError) if given.replay == "only" else nullcontext():
            serving = server.plan(at.embedded, options)
    session = Session(
        given, prompt, at, RecordingFolder(_recordings(given)), request, serving, reader
    )
    if given.pack > 2 * session.concurrency:
        raise UsageError(f"--pack {given.pack} needs --concurrency {-(-given.pack // 2)} or more")
    return session


def _recordings(given: settings.Settings) -> Path:
    """The folder of recordings: as told, else the working directory's, else the shipped one."""
    if given.recordings:
        return given.recordings
    here = Path(RECORDINGS)
    return here if here.is_dir() else shipped_files.path(RECORDINGS)
