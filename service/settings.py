"""The knobs of the service, read from YAML: ``configs/service.yaml`` holds all of them, with a comment for each.

Every error is reported at once, each with its path. Knows nothing about how the values are used.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from service.requests import MAX_ARTICLES, MAX_CHARACTERS, MAX_DEPTH, MAX_VALUES, Limits
from service.yaml_models import Part, read_yaml

CONFIG_VARIABLE: Final = "MAWAQIF_CONFIG"
"""The environment variable that names the file; so that worker processes read the same one."""
DEFAULT_CONFIG: Final = Path(__file__).parents[1] / "configs" / "service.yaml"

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s*]+$")]


class SettingsError(ValueError):
    """The settings cannot be used; the message lists everything that is wrong with them."""


class ServerSettings(Part):
    workers: Positive = 1
    deadline_s: Seconds = 120
    max_requests: Positive = 128
    drain_s: Annotated[float, Field(ge=0)] = 3
    retry_after_s: Positive = 5


class ModelSettings(Part):
    threads: Annotated[int, Field(ge=0)] = 0


class LimitSettings(Part):
    max_characters: Annotated[int, Field(gt=0, le=1_000_000)] = MAX_CHARACTERS
    max_articles: Positive = MAX_ARTICLES
    max_depth: Annotated[int, Field(ge=3, le=200)] = MAX_DEPTH
    max_values: Positive = MAX_VALUES
    max_held_megabytes: Positive = 256

    @property
    def of_bodies(self) -> Limits:
        return Limits(self.max_characters, self.max_articles, self.max_depth, self.max_values)

    @property
    def max_held_bytes(self) -> int:
        return self.max_held_megabytes * 1_000_000

    @model_validator(mode="after")
    def _fits(self) -> LimitSettings:
        """The largest body that is allowed must be one that can be held."""
        needed = self.of_bodies.batch_bytes
        if needed > self.max_held_bytes:
            raise ValueError(f"max_held_megabytes must hold the largest batch, {needed / 1e6:.0f} MB: raise it")
        return self


class QueueSettings(Part):
    max_articles: Positive = 512
    max_characters: Positive = 1_000_000


class BatchSettings(Part):
    max_articles: Positive = 16
    max_characters: Positive = 50_000


class ReadinessSettings(Part):
    probe_every_s: Seconds = 10
    probe_timeout_s: Seconds = 5
    stall_after_s: Seconds = 90


class AccessSettings(Part):
    api_keys_sha256: tuple[Sha256, ...] = ()
    cors_origins: tuple[Origin, ...] = ()


class LogSettings(Part):
    requests: bool = True


class MetricSettings(Part):
    low_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5


class Settings(Part):
    server: ServerSettings = ServerSettings()
    models: ModelSettings = ModelSettings()
    limits: LimitSettings = LimitSettings()
    queue: QueueSettings = QueueSettings()
    batch: BatchSettings = BatchSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    access: AccessSettings = AccessSettings()
    logs: LogSettings = LogSettings()
    metrics: MetricSettings = MetricSettings()


def read_settings(path: Path) -> Settings:
    """Read and validate one YAML file.

    Raises:
        SettingsError: when it cannot be read, or with every wrong value and its path.
    """
    return read_yaml(path, Settings, SettingsError)


@cache
def current_settings() -> Settings:
    """The settings of this process: of the file that ``MAWAQIF_CONFIG`` names, else ``configs/service.yaml``, else the defaults.

    Raises:
        SettingsError: as ``read_settings`` does.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return read_settings(Path(named))
    return read_settings(DEFAULT_CONFIG) if DEFAULT_CONFIG.is_file() else Settings()
