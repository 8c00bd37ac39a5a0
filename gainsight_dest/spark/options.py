"""Options of the writer: texts, checked all at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from gainsight_dest.deliver.settings import OPTIONS
from gainsight_dest.deliver.shards import Shards, settings_by

#: Those that a text can be. The config is beside them.
NAMES = tuple(name for name, option in OPTIONS.items() if "Spark" in option.engines and name != "patience")
#: What Spark itself puts among the options of a stream.
_SPARKS_OWN = {"checkpointlocation", "queryname"}


@attrs.frozen
class WriterOptions:
    """What the options say. `failed`, `journal`: folders."""

    shards: Shards
    failed: Path | None = None
    journal: Path | None = None


def settings_of(options: Mapping[str, str]) -> WriterOptions:
    """What the options say. Raises OptionsError, which names all that are wrong; the config is read now."""
    given = {name: text for name, text in options.items() if name != "config" and name.lower() not in _SPARKS_OWN}
    shards, others = settings_by(
        "options of gainsight", options.get("config"), given, NAMES, is_shown=True, is_opened=True
    )
    return WriterOptions(shards, **others)
