"""Several records of one key as one: later values over earlier ones, links united.

A value that is replaced by a later one is never sent, so it cannot be refused, and its event counts as delivered. So a
record is merged into a later one only if Gainsight, where it takes the values that are sent, takes those too that are
not: a date for a date, a number for a number. All other records are written one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gainsight_dest.fields import LINKS, Datatype, GainsightObject, Record
from gainsight_dest.values import SCALARS, is_date, is_email, is_url, number

#: A text of so many characters is as good as any shorter one. Every limit that is known of is longer.
SHORT = 100
_EXACT = 10**15
#: What a number and a date begin with.
_NUMERALS = frozenset("0123456789+-.")


def merged(records: Iterable[Record], of: GainsightObject) -> tuple[Record, int]:
    """The first records as one, as many of them as may be, and how many they are. The key never changes by that."""
    remaining = iter(records)
    whole = dict(next(remaining))
    links = _links(whole)
    count = 1
    for record in remaining:
        if not _may_become(record, whole, of):
            break
        whole.update(record)
        links.update(_links(record))
        count += 1
    if links:
        whole[LINKS] = list(links.values())
    return whole, count


def _may_become(later: Record, whole: Record, of: GainsightObject) -> bool:
    return later[of.key] == whole[of.key] and all(
        _links(later) and _links(whole) if name == LINKS else stands_for(value, whole[name], of.datatype(name))
        for name, value in later.items()
        if name in whole
    )


def _links(record: Record) -> dict[str, Record]:
    """The person's links, each once; none where a custom mapping has put something else in their place."""
    links = record.get(LINKS)
    if not isinstance(links, list) or not all(isinstance(link, dict) for link in links):
        return {}
    return {str(link): link for link in links}


def stands_for(later: Any, earlier: Any, datatype: Datatype | None) -> bool:
    """Whether Gainsight, if it takes the later value for the field, would have taken the earlier one too.

    `datatype` None: a custom field, of which nothing is known. For ids and picklist items (Datatype.ANY) a value stands
    for itself alone, as the tenant knows which there are.
    """
    if type(later) is type(earlier) and later == earlier:
        return type(later) in SCALARS or repr(later) == repr(earlier)  # [1] equals [True]
    if datatype is Datatype.ANY:
        return False
    sort = _sort(earlier)
    if sort is None or sort != _sort(later):
        return False
    return not isinstance(earlier, str) or len(earlier) <= max(len(later), SHORT)


def _sort(value: Any) -> str | None:
    """What Gainsight can tell a value from others by, its datatypes being what they are; None: by the value itself."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        if abs(value) >= _EXACT:
            return None
        return "whole number" if value == int(value) else "number"
    if not isinstance(value, str) or not value or value != value.strip():
        return None
    if value[0] in _NUMERALS:
        if (numeral := number(value)) is not None:
            sort = _sort(numeral)
            return sort and f"{sort} as text"
        if is_date(value):
            return "date" if len(value) == len("2026-11-23") else "date and time"
    elif value.lower() in {"true", "false"}:
        return "boolean as text"
    elif is_url(value):
        return "URL"
    return "email" if "@" in value and is_email(value) else "text"
