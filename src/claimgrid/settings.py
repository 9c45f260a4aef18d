"""Reads the settings from flags, the environment and `claimgrid.toml`.

No other module reads the environment.

Order of precedence: command-line flag, environment variable (`CLAIMGRID_…`; for keys and the base
URL also the vendors' own names), `claimgrid.toml` in the working directory, default.
"""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from claimgrid.errors import UsageError
from claimgrid.modes import Mode

CONFIG_FILE = "claimgrid.toml"
RECORDED_MODEL = "claude"
ReplayMode = Literal["auto", "only", "refresh", "off"]
KEY_NAMES = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
# Asked where a key is in the environment and no model is named: cheap ones that take a temperature.
DEFAULT_MODELS = {
    "openai": "gpt-4.1-mini",
    "anthropic": "claude-haiku-4-5",
    "google": "gemini-2.5-flash",
}


class Settings(BaseSettings):
    """Everything that a run may be told. Times are in seconds."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix="CLAIMGRID_", toml_file=CONFIG_FILE, extra="forbid"
    )

    model: str | None = None
    base_url: str | None = None
    mode: Mode | None = None
    prompt: Path | None = None
    replay: ReplayMode = "auto"
    recordings: Path | None = None
    temperature: float | Literal["none"] | None = None
    max_tokens: int | None = Field(default=None, gt=0)
    sample_number: int = Field(default=0, ge=0)  # no flag: `--samples` counts
    concurrency: int = Field(default=32, ge=1, le=1024)
    pack: int = Field(default=1, ge=1, le=50)
    rpm: float | None = Field(default=None, gt=0)
    tpm: float | None = Field(default=None, gt=0)
    shard: str | None = None  # "3/16"; the environment suits the jobs of a cluster
    # US dollars per million tokens of a server that no price list knows; no flags: they belong to a
    # server, not to a run.
    price_input: float | None = Field(default=None, ge=0)
    price_output: float | None = Field(default=None, ge=0)
    timeout: float = Field(default=120.0, gt=0)
    attempts: int = Field(default=6, ge=1, le=50)
    backoff: float = Field(default=0.5, gt=0, le=60)  # no flag: for tests and unusual servers
    reasks: int = Field(default=2, ge=0, le=10)
    # Of embedded models alone; what is not set is chosen by the machine and the model.
    adapter: Path | None = None
    threads: int | None = Field(default=None, ge=1, le=1024)
    slots: int | None = Field(default=None, ge=1, le=256)
    context: int | None = Field(default=None, ge=256)  # tokens of each slot
    # Below `min_confidence` a claim is rejected, where it has a confidence at all; with
    # `reader+NAME`, NAME is asked where more than `doubt` claims are expected wrong or missed.
    min_confidence: float | None = Field(default=None, ge=0, le=1)
    doubt: float = Field(default=1.0, ge=0)
    batch: int | None = Field(default=None, ge=32, le=65536)  # tokens; no flag: seldom worth it

    @classmethod
    def settings_customise_sources(  # noqa: D102 pydantic-settings' own hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load(**flags: Any) -> Settings:
    """Settings with the given flags on top; a flag that is None was not given.

    Raises:
        UsageError: a value is wrong; the message names the field and where it may have come from.
    """
    try:
        given = {name: value for name, value in flags.items() if value is not None}
        if "base_url" not in given and "CLAIMGRID_BASE_URL" not in os.environ:
            url = os.environ.get("OPENAI_BASE_URL")
            given |= {"base_url": url} if url else {}
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        if first["type"] == "extra_forbidden":
            near = get_close_matches(name, Settings.model_fields, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            where = "" if name in flags else f"{CONFIG_FILE}: "
            raise UsageError(f"{where}there is no setting {name!r}{hint}") from error
        raise UsageError(
            f"setting {name}: {first['msg']} (given {first['input']!r}); check the flag "
            f"--{name.replace('_', '-')}, CLAIMGRID_{name.upper()} and {CONFIG_FILE}"
        ) from error
    except ValueError as error:
        raise UsageError(f"{CONFIG_FILE}: {error}") from error


def api_key(provider: str) -> str | None:
    """The provider's API key from the environment, or None. Never logged, never stored."""
    names = KEY_NAMES.get(provider, ())
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


def cache_folder() -> Path:
    """Where replies and fetched records are kept between calls: CLAIMGRID_CACHE, else the user's
    cache folder."""
    told = os.environ.get("CLAIMGRID_CACHE")
    return Path(told) if told else _user_cache()


def model_folder() -> Path:
    """Where fetched models are kept: CLAIMGRID_MODELS, else the user's cache folder."""
    told = os.environ.get("CLAIMGRID_MODELS")
    return Path(told) if told else _user_cache() / "models"


def _user_cache() -> Path:
    if sys.platform == "win32":
        root = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local"
    elif sys.platform == "darwin":
        root = Path.home() / "Library/Caches"
    else:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "claimgrid"


def source_url(service: str) -> str | None:
    """Another address of a service that papers are fetched from: CLAIMGRID_<SERVICE>_URL."""
    return os.environ.get(f"CLAIMGRID_{service.upper()}_URL")


def source_pause(seconds: float) -> float:
    """Seconds between two requests to such a service; CLAIMGRID_SOURCE_PAUSE sets others."""
    told = os.environ.get("CLAIMGRID_SOURCE_PAUSE")
    try:
        return float(told) if told else seconds
    except ValueError as error:
        raise UsageError(f"CLAIMGRID_SOURCE_PAUSE: {told!r} is no number of seconds") from error


def source_cache() -> Path:
    """Where answers of such services are kept: CLAIMGRID_SOURCE_CACHE, else the user's cache."""
    told = os.environ.get("CLAIMGRID_SOURCE_CACHE")
    return Path(told) if told else cache_folder() / "sources"


def source_mail() -> str | None:
    """The address that such services are told, for their polite pools: CLAIMGRID_MAILTO."""
    return os.environ.get("CLAIMGRID_MAILTO")


def s2_key() -> str | None:
    """The key for Semantic Scholar: S2_API_KEY. It raises the rate that one may ask at."""
    return os.environ.get("S2_API_KEY")
