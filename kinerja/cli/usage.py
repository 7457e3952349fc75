"""Help and refusals of the command line in the person's language: what typer itself writes knows English only.

Its words are the sentences `said.*` of words.csv; whatever is not among them stays as typer says it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from kinerja import wording
from kinerja.cli.show import say, spoken

# typer brings its own click in newer versions, the installed one in older: the classes are taken from where typer has
# them.
_Context = TyperCommand.context_class
_Formatter = _Context.formatter_class

CommandLineError = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


class Formatter(_Formatter):  # type: ignore[valid-type, misc]
    """Lays out help as typer does, with the words of the language."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        for typed in ("[OPTIONS]", "COMMAND [ARGS]..."):
            args = args.replace(typed, _said(typed))
        super().write_usage(prog, args, f"{say('usage.usage')}: ")

    def write_heading(self, heading: str) -> None:
        super().write_heading(_said(heading))

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().write_dl([(_without_type(name), _explained(words)) for name, words in rows], *args, **kwargs)


class Context(_Context):  # type: ignore[valid-type, misc]
    formatter_class = Formatter


class Command(TyperCommand):
    context_class = Context


class Group(TyperGroup):
    context_class = Context


def speak_everywhere(app: typer.Typer) -> None:
    """Give every command registered so far its help in the person's language."""
    for command in app.registered_commands:
        command.cls = Command


def show_refusal(error: Any) -> None:
    """A wrong command line on standard error: the usage, where help is, what is wrong."""
    if type(error).__name__ == "NoArgsIsHelpError":  # its message is the help
        typer.echo(error.format_message(), err=True)
        return
    context = getattr(error, "ctx", None)
    if context is not None:
        typer.echo(context.get_usage(), err=True)
        typer.echo(say("usage.try", command=f"{context.command_path} --help") + "\n", err=True)
    typer.echo(say("usage.error", message=_said(error.format_message())), err=True)


def _said(sentence: str) -> str:
    return wording.said(sentence, spoken())


def _without_type(name: str) -> str:
    """An argument's name without the Python type that newer versions write behind it."""
    return re.sub(r" <[^<>]+>$", "", name)


def _explained(words: str) -> str:
    """A help sentence, and the default, range and need that typer puts behind it in brackets."""
    found = re.fullmatch(r"(.*?)(\s*)\[([^\[\]]*)\]", words, re.DOTALL)
    if found is None:
        return _said(words)
    extra = "; ".join(_said(part) for part in found[3].split("; "))
    return f"{_said(found[1])}{found[2]}[{extra}]"
