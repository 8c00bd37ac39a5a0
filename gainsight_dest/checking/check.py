"""Goes through the steps of a check. Does no I/O: it is given what asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs

from gainsight_dest.checking.result import Mark, Result
from gainsight_dest.checking.steps import NO_KEY, STEPS, Answered, CheckStep, CheckSubject, Host, Looks
from gainsight_dest.descriptors import Request
from gainsight_dest.errors import ThrottledError

#: What asks: gives what came of a request, as an Answered; of a Host what is wrong with it, or None.
Ask = Callable[["Host | Request"], "Answered | str | None"]


def check(subject: CheckSubject, ask: Ask) -> Iterator[Result]:
    """What is found, step by step, while it is looked for.

    `ask` is called once for each different thing to ask. Nothing more is asked after a fault of a step that is about
    all, after an answer that there are too many calls, and after none at all.
    """
    run = _Walk(ask)
    for step in STEPS:
        yield from run.results(step, subject)


@attrs.define
class _Walk:
    """What was asked so far, and the steps that ended it: by a fault about all, and by an answer after which no more
    calls are made.
    """

    _ask: Ask
    _answers: list[tuple[Host | Request, Any]] = attrs.field(factory=list)
    _failed: str | None = None
    _silenced: str | None = None

    def results(self, step: CheckStep, subject: CheckSubject) -> Iterator[Result]:
        """What the step finds, as far as it may ask."""
        if step.needs_key and subject.config.access_key is None:
            yield Result(step.name, step.subject, Mark.UNTRIED, NO_KEY)
            return
        look = step.look(subject, step.name)
        answer = None
        while (item := _next(look, answer)) is not None:
            answer = None
            if isinstance(item, Result):
                yield self._noted(step, item)
            elif ended_by := self._ended_by(item):
                yield Result(step.name, step.subject, Mark.UNTRIED, f"the step {ended_by} failed before")
                return
            else:
                answer = self._answer(step, item)

    def _noted(self, step: CheckStep, result: Result) -> Result:
        if not step.is_about_all or result.mark is not Mark.FAULT:
            return result
        self._failed = step.name
        return attrs.evolve(result, is_about_all=True)

    def _ended_by(self, item: Host | Request) -> str | None:
        """The step because of which this is not asked; None if it is, or if its answer is known."""
        return self._failed or (None if any(asked == item for asked, _ in self._answers) else self._silenced)

    def _answer(self, step: CheckStep, item: Host | Request) -> Any:
        for asked, answer in self._answers:
            if asked == item:
                return answer
        answer = self._ask(item)
        self._answers.append((item, answer))
        if isinstance(answer, Answered) and (answer.response is None or isinstance(answer.error, ThrottledError)):
            self._silenced = step.name
        return answer


def _next(look: Looks, answer: Any) -> Host | Request | Result | None:
    """What the step asks or finds next, once it has the answer to what it asked; None at its end."""
    try:
        return look.send(answer)
    except StopIteration:
        return None
