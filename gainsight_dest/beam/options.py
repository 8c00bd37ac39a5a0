"""What a pipeline's command line says."""

from __future__ import annotations

import json
from typing import IO, Any, cast

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from gainsight_dest.config import DestinationConfig


class GainsightOptions(PipelineOptions):
    """Where the destination config is, and what may be used of the tenant's calls: never the keys themselves.

    `--gainsight_config`: path of a JSON file, on any file system that Beam knows. `--gainsight_shards`: senders side by
    side. `--gainsight_calls_per_minute`, `--gainsight_calls_per_day`: the pipeline's part of the tenant's limits.
    """

    @classmethod
    def _add_argparse_args(cls, parser: Any) -> None:
        """Beam asks for them."""
        parser.add_argument("--gainsight_config", help="path of the destination config, a JSON file")
        parser.add_argument("--gainsight_shards", type=int, default=1, help="senders side by side")
        parser.add_argument("--gainsight_calls_per_minute", type=int, default=100, help="of the tenant's 100")
        parser.add_argument("--gainsight_calls_per_day", type=int, default=50_000, help="of the tenant's 50,000")

    def destination_config(self) -> DestinationConfig:
        """The config that the file holds. Raises ConfigError, OSError, and ValueError without a path or JSON."""
        path = self.gainsight_config
        if path is None:
            raise ValueError("--gainsight_config is needed: the path of the destination config, a JSON file")
        with FileSystems.open(path) as file:
            content = cast("IO[bytes]", file).read()
        is_json = True
        try:
            config = json.loads(content)
        except ValueError:  # it holds the whole file, keys included, so nothing is raised while it is handled
            is_json = False
        if not is_json:
            raise ValueError(f"--gainsight_config {path}: is not JSON")
        return DestinationConfig.from_rudderstack(config)
