"""The rules of lint, a table: what each is called, how much it matters, what it means, what to do, what checks it."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from gainsight_dest.linting import of_config, of_events
from gainsight_dest.linting.finding import Finding, Severity
from gainsight_dest.linting.of_config import Check
from gainsight_dest.linting.subject import Subject

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING


@attrs.frozen
class LintRule:
    """One thing that may be wrong. `remedy`: what to do, where a finding knows nothing better."""

    code: str
    severity: Severity
    about: str
    remedy: str
    check: Check

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """What is wrong by this rule, without secrets."""
        for place, problem, remedy in self.check(subject):
            texts = map(subject.hide, (place, problem, remedy or self.remedy))
            yield Finding(self.code, self.severity, *texts)


#: What is found in a config by itself.
OF_THE_CONFIG: tuple[LintRule, ...] = (
    LintRule(
        "invalid-setting",
        _ERROR,
        "the config cannot be used: a setting is not text, a mapping not a list of rows, or a header holds a line end",
        "Fix it: until then every event fails.",
        of_config.invalid_settings,
    ),
    LintRule(
        "unusable-domain",
        _ERROR,
        "the domain is missing, or no host name",
        "Name the host alone, such as acme.gainsightcloud.com.",
        of_config.unusable_domain,
    ),
    LintRule(
        "unknown-host",
        _WARNING,
        "the domain is not under gainsightcloud.com: the keys would go to another host",
        "Leave it if it is the tenant's own domain.",
        of_config.unknown_host,
    ),
    LintRule(
        "merge-key-target",
        _ERROR,
        "a mapping sets the field by which Gainsight finds the record, so another one would be written",
        "Map the trait to a custom field.",
        of_config.merge_keys,
    ),
    LintRule(
        "system-field-target",
        _ERROR,
        "a mapping sets a field that Gainsight sets by itself and lets no one write",
        "Map the trait to a custom field.",
        of_config.system_fields,
    ),
    LintRule(
        "unknown-field",
        _ERROR,
        "a mapping sets a field that is neither standard nor custom: Gainsight refuses the whole record",
        "The name of a custom field ends in __gc.",
        of_config.unknown_fields,
    ),
    LintRule(
        "standard-field-target",
        _WARNING,
        "a mapping sets a standard field, over what the standard trait says",
        "Leave it if that is meant, or send the standard trait.",
        of_config.standard_fields,
    ),
    LintRule(
        "odd-field-name",
        _WARNING,
        "a custom field's name holds more than letters, digits and single underscores",
        "Copy the field's API name from Gainsight's Data Management.",
        of_config.odd_names,
    ),
    LintRule(
        "shared-target",
        _WARNING,
        "two traits go to one field: of an event with both, the later row counts",
        "Leave it if they never come together, or map one of them.",
        of_config.shared_targets,
    ),
    LintRule(
        "repeated-source",
        _WARNING,
        "a trait, or an event, is mapped twice: the last row counts",
        "Remove the row.",
        of_config.repeated_sources,
    ),
    LintRule(
        "half-blank-row",
        _WARNING,
        "half of a row is blank: it is skipped",
        "Fill it in, or remove the row.",
        of_config.half_blank_rows,
    ),
    LintRule(
        "unread-row-key",
        _WARNING,
        "a row has a key beside from and to, which nobody reads",
        "A row has a from and a to.",
        of_config.unread_row_keys,
    ),
    LintRule(
        "stray-spaces",
        _ERROR,
        "a key, an id, a field, or an event's name or version has spaces around it, and is sent with them",
        "Remove them.",
        of_config.stray_spaces,
    ),
    LintRule(
        "stray-spaces-in-source",
        _WARNING,
        "a trait, or an event, has spaces around it: it is found only if events have them, too",
        "Remove them.",
        of_config.stray_spaces_in_sources,
    ),
    LintRule(
        "event-without-version",
        _ERROR,
        "an event is in eventNameMap and not in eventVersionMap: it fails",
        "Add a row to eventVersionMap.",
        of_config.events_without_version,
    ),
    LintRule(
        "event-without-name",
        _ERROR,
        "an event is in eventVersionMap and not in eventNameMap: it fails",
        "Add a row to eventNameMap.",
        of_config.events_without_name,
    ),
    LintRule(
        "missing-access-key",
        _ERROR,
        "there is no accessKey, though traits are mapped or identify or group events come: they fail",
        "Fill in the REST API key.",
        of_config.missing_access_key,
    ),
    LintRule(
        "track-only",
        _WARNING,
        "there is no accessKey: only track events get through",
        "Leave it if no identify and no group comes here, or fill in the REST API key.",
        of_config.track_only,
    ),
    LintRule(
        "missing-track-setting",
        _ERROR,
        "events are mapped, and a setting that track needs is missing: they fail",
        "Fill it in.",
        of_config.missing_track_settings,
    ),
    LintRule(
        "idle-track-settings",
        _WARNING,
        "there are settings for track, and no event is mapped: every track event fails",
        "Map the events in eventNameMap and eventVersionMap.",
        of_config.idle_track_settings,
    ),
    LintRule(
        "placeholder",
        _ERROR,
        "a key, an id or the domain looks as if it was never filled in",
        "Fill it in.",
        of_config.placeholders,
    ),
    LintRule(
        "secret-elsewhere",
        _ERROR,
        "a key is in another setting, too, and would be sent as something else",
        "Remove it there; if it was sent, ask Gainsight for a new one.",
        of_config.secrets_elsewhere,
    ),
    LintRule(
        "unread-key",
        _WARNING,
        "a key of the Config is nearly a setting of this destination, and is not read",
        "Spell it as the setting.",
        of_config.unread_keys,
    ),
)

#: What is found with events at hand.
OF_EVENTS: tuple[LintRule, ...] = (
    LintRule(
        "unused-mapping",
        _WARNING,
        "a trait, or an event, is mapped and never came, though events of that type did",
        "Compare it with what is sent.",
        of_events.unused_mappings,
    ),
    LintRule(
        "misspelt-trait",
        _WARNING,
        "a trait without a mapping is nearly one with a mapping, or a standard trait: it is not sent",
        "Spell the two alike.",
        of_events.misspelt_traits,
    ),
    LintRule(
        "unmapped-event",
        _ERROR,
        "track events came that are in no map: they fail",
        "Map them in eventNameMap and eventVersionMap, or do not send them here.",
        of_events.unmapped_events,
    ),
    LintRule(
        "misspelt-event",
        _ERROR,
        "track events came that are in no map, and are nearly one that is: they fail",
        "Spell the two alike.",
        of_events.misspelt_events,
    ),
    LintRule(
        "refused-value",
        _ERROR,
        "a standard field gets values that Gainsight refuses: the events fail",
        "Send what the field takes.",
        of_events.refused_values,
    ),
    LintRule(
        "dropped-value",
        _WARNING,
        "a number field gets values that are not numbers: they are not sent",
        "Send numbers.",
        of_events.dropped_values,
    ),
    LintRule(
        "alike-companies",
        _WARNING,
        "names of companies that are hard to tell apart: letters that look alike, case, blanks. Each becomes a company",
        "Send one of them alone; where Gainsight has both companies, merge them there.",
        of_events.alike_companies,
    ),
)

RULES = OF_THE_CONFIG + OF_EVENTS
