"""Gives the classes that attrs makes their signatures in the API reference, which is read from the source, not run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

griffe: Any = import_module("griffe")  # comes with the extra `dev-site`, which type checking does without

_MAKERS = {"attrs.define", "attrs.frozen"}


class Signatures(griffe.Extension):  # type: ignore[misc]
    """What `__init__` takes, from the attributes of a class and of those it derives from."""

    def on_package(self, *, pkg: Any, **_: Any) -> None:
        """Go through all classes, once all are read."""
        for made in list(_classes(pkg)):
            _sign(made)


def _classes(parent: Any) -> Iterator[Any]:
    for member in parent.members.values():
        if not member.is_alias and (member.is_module or member.is_class):
            if member.is_class:
                yield member
            yield from _classes(member)


def _sign(made: Any) -> None:
    line = [made, *made.mro()]
    if "__init__" in made.members or not any(map(_maker, line)):
        return
    found = {each.name: each for ancestor in reversed(line) if _maker(ancestor) for each in _parameters(ancestor)}
    self = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    parameters = griffe.Parameters(self, *found.values())
    made.set_member("__init__", griffe.Function("__init__", parent=made, parameters=parameters))


def _maker(made: Any) -> Any:
    """The attrs decorator of the class, or None."""
    values = (decorator.value for decorator in made.decorators)
    return next((each for each in values if getattr(each, "canonical_path", None) in _MAKERS), None)


def _parameters(made: Any) -> Iterator[Any]:
    is_kw_only = "kw_only=True" in str(_maker(made))
    kind = griffe.ParameterKind.keyword_only if is_kw_only else griffe.ParameterKind.positional_or_keyword
    for member in made.members.values():
        if member.is_attribute and _is_given(member):
            default = _default(member.value)
            yield griffe.Parameter(member.name.lstrip("_"), annotation=member.annotation, kind=kind, default=default)


def _is_given(member: Any) -> bool:
    is_own = "instance-attribute" in member.labels and "property" not in member.labels  # not the class's
    return is_own and member.annotation is not None and "init=False" not in str(member.value)


def _default(value: Any) -> Any:
    """What stands for an attribute that is not given; None: it must be."""
    if not isinstance(value, griffe.ExprCall):
        return value
    named = {each.name: each.value for each in value.arguments if isinstance(each, griffe.ExprKeyword)}
    return griffe.ExprCall(named["factory"], []) if "factory" in named else named.get("default")
