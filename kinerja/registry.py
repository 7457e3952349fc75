"""What other packages add to a list of this one: the objects behind the entry points of its group."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import Any

from kinerja import wording
from kinerja.errors import ParameterError


def added(group: str, kind: type[Any], taken: Iterable[str]) -> tuple[Any, ...]:
    """The objects of a group, by the names of their entry points.

    kind : what each must be an instance of; it has a `name`
    taken : names that none may have

    Raises
    ------
    ParameterError : an entry point gives something else, or a name that is taken
    """
    names, found = set(taken), []
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        each = point.load()
        if not isinstance(each, kind) or each.name in names:
            raise wording.refusal(ParameterError, "entry_point", where=group, found=point.value, expected=kind.__name__)
        names.add(each.name)
        found.append(each)
    return tuple(found)
