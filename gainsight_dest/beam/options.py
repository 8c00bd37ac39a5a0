"""Options of a pipeline's command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import IO, Any, cast

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from gainsight_dest.batching.defaults import CALLS_PER_DAY, CALLS_PER_MINUTE
from gainsight_dest.config import DestinationConfig
from gainsight_dest.deliver.engines import json_with_keys
from gainsight_dest.deliver.settings import has_password


class GainsightOptions(PipelineOptions):
    """Where the destination config is, and what may be used of the tenant's calls: never the keys themselves.

    `--gainsight_config`: path of a JSON file, on any file system that Beam knows; WriteToGainsight takes the path, too.
    `--gainsight_shards`: senders side by side. `--gainsight_calls_per_minute`, `--gainsight_calls_per_day`: the
    pipeline's part of the tenant's limits; 0: no limit. `--gainsight_known`: the store that all jobs of the tenant
    share, without a password. `--gainsight_resend_after`: seconds.
    """

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        """Beam asks for them."""
        parser.add_argument("--gainsight_config", help="path of the destination config, a JSON file")
        parser.add_argument("--gainsight_shards", type=int, default=1, help="senders side by side")
        for name, most in (("calls_per_minute", CALLS_PER_MINUTE), ("calls_per_day", CALLS_PER_DAY)):
            about = f"of the tenant's {most:,}; 0: no limit"
            parser.add_argument(f"--gainsight_{name}", type=int, default=most, help=about)
        parser.add_argument("--gainsight_known", type=_place, help="the store that jobs share: a path, or redis://…")
        parser.add_argument("--gainsight_resend_after", type=float, help="seconds: what was told before is told again")

    def destination_config(self) -> DestinationConfig:
        """The config that the file holds. Raises ConfigError, OSError, and ValueError without a path or JSON."""
        path = self.gainsight_config
        if path is None:
            raise ValueError("--gainsight_config is needed: the path of the destination config, a JSON file")
        try:
            given = json_with_keys(read_by_beam(path))
        except ValueError as error:
            raise ValueError(f"--gainsight_config {path}: {error}") from None
        return DestinationConfig.from_rudderstack(given)


def read_by_beam(path: str) -> bytes:
    """The content of a file on any file system that Beam knows. Raises OSError."""
    with FileSystems.open(path) as file:
        return cast("IO[bytes]", file).read()


def _place(text: str) -> str:
    if has_password(text):  # as argparse shows the value of any other error
        raise ArgumentTypeError("must hold no password, as runners show options: give it to WriteToGainsight(known=…)")
    return text
