"""What a rule of lint is: a check, and what is said where it finds something."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import attrs

from gainsight_dest.linting.finding import Finding, Hit, Severity
from gainsight_dest.linting.subject import Subject

#: What finds what is wrong by one rule.
Check = Callable[[Subject], Iterable[Hit]]


@attrs.frozen
class LintRule:
    """One thing that may be wrong. `remedy`: what to do, where a finding knows nothing better."""

    code: str
    severity: Severity
    remedy: str
    check: Check

    @property
    def about(self) -> str:
        """What it means: the docstring of its check, as part of a sentence."""
        words = (self.check.__doc__ or "").removesuffix(".")
        return words[:1].lower() + words[1:]

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """What is wrong by this rule, without secrets."""
        for place, problem, remedy in self.check(subject):
            texts = map(subject.hide, (place, problem, remedy or self.remedy))
            yield Finding(self.code, self.severity, *texts)


def lint_rule(code: str, severity: Severity, remedy: str) -> Callable[[Check], LintRule]:
    """Makes a rule of a check, whose docstring says what the rule means."""
    return lambda check: LintRule(code, severity, remedy, check)
