"""The names of columns: which trait, or key of an event, a column is. Pure functions.

A warehouse writes names in snake case, so that `firstName` is the column `first_name`; people write `First Name`. The
way back goes by letters and digits: a column belongs to the trait, or to Gainsight's field, that has the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from gainsight_dest.config import DestinationConfig
from gainsight_dest.fields import GainsightObject
from gainsight_dest.spelling import Names, did_you_mean, folded
from gainsight_dest.tenant.tenant import Tenant

#: Columns that every table of RudderStack's warehouse has, and the event's own key of each.
KEYS = {
    "id": "messageId",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "group_id": "groupId",
    "channel": "channel",
    "timestamp": "timestamp",
    "original_timestamp": "originalTimestamp",
    "sent_at": "sentAt",
    "received_at": "receivedAt",
}
#: Columns that a track event's name is in: as it was sent, and as tables are called.
EVENT_NAMES = ("event_text", "event")
#: Columns that the warehouse makes for itself, and those that an event's name is in.
LEFT_OUT = frozenset({"uuid_ts", "loaded_at", *EVENT_NAMES})
#: What columns begin with that are of an event's context, and of the traits in it.
CONTEXT, CONTEXT_TRAITS = "context_", "context_traits_"
#: The names of the warehouse's tables, for the type of event that each holds.
TABLES = {"identifies": "identify", "groups": "group", "tracks": "track"}


class TraitNames:
    """The traits that the fields of an object take, by the letters and digits of columns.

    `of`: the object; None: the properties of a track event, which no field takes. `config`: whose rows feed further
    fields. `tenant`: the labels of its fields, which Gainsight's own exports have as headings, are names, too.
    """

    def __init__(
        self, of: GainsightObject | None, config: DestinationConfig | None = None, tenant: Tenant | None = None
    ) -> None:
        self.of = of
        rows = () if of is None or config is None else config.custom_fields[of.map]
        fields = () if of is None else of.fields
        standard: dict[str, list[str]] = {}
        for trait in (trait for field in fields for trait in field.traits):
            standard.setdefault(folded(trait), [trait])  # of each field's traits the first that has them
        custom: dict[str, list[str]] = {}
        for trait, _, _ in rows:
            custom.setdefault(folded(trait), []).append(trait)
        self._traits = {form: custom.get(form, []) + standard.get(form, []) for form in {**custom, **standard}}
        names = [(field.name, field.traits[0]) for field in fields] + [(name, trait) for trait, _, name in rows]
        described = None if of is None or tenant is None else tenant.object_of(of.name)
        known = {} if described is None else described.fields
        labels = [(known[name].label, trait) for name, trait in names if name in known]
        for name, trait in names + labels:
            self._traits.setdefault(folded(name), [trait])
        self.fields: dict[str, list[str]] = {}
        for trait, _, name in rows:
            self.fields.setdefault(trait, []).append(name)
        for field in fields:
            for trait in field.traits:
                self.fields.setdefault(trait, []).append(field.name)

    def alike(self, column: str) -> list[str]:
        """The traits that the column feeds: rows of the config go first."""
        return list(dict.fromkeys(self._traits.get(folded(column), ())))

    def meant(self, name: str) -> str | None:
        """The trait that is meant by a name that somebody wrote: itself, or the one of its letters; None: unknown."""
        if self.of is None or name in self.fields:
            return name
        return next(iter(self.alike(name)), None)

    def did_you_mean(self, name: str) -> str | None:
        """The question that goes with a name that is no trait's."""
        return did_you_mean(Names(self.fields).near(name))


def named(
    columns: Mapping[str, str], traits: TraitNames, names: Mapping[str, str]
) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Trait to column, and the columns that lost their trait to another: the column, the other, the trait.

    `columns`: each with what it is called here. `names`: of some of them, the trait. Others feed the traits of
    `TraitNames.alike`, or the one of their own name. A second column of the same letters keeps its name.
    """
    found = {names[column]: column for column in columns if column in names}
    lost: list[tuple[str, str, str]] = []
    for column, name in columns.items():
        if column in names:
            continue
        alike = traits.alike(name) or [name]
        free = [trait for trait in alike if trait not in found]
        if not free:
            lost.append((column, found[alike[0]], alike[0]))
        for trait in free or [name]:
            found.setdefault(trait, column)
    return found, lost
