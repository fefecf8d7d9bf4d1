"""What a Debian package tells of a command, made from the command line itself: manual page, shell completion, changelog.

python -m deploy.deb.manual page|completion
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gateway import __version__
from gateway.__main__ import build


def commands() -> Iterator[tuple[str, TyperCommand]]:
    """Yield every command that does something, by the words one types: `books list`, `run`."""
    yield from _below("", typer.main.get_command(build()))


def _below(words: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperCommand):
        yield words.strip(), command
    elif isinstance(command, TyperGroup):
        for name, inner in sorted(command.commands.items()):
            yield from _below(f"{words} {name}", inner)


def page(version: str, moment: int) -> str:
    """Return etalage(1), in roff."""
    day = datetime.fromtimestamp(moment, UTC).date()
    lines = [f'.TH ETALAGE 1 "{day}" "etalage {version}" "User Commands"', ".SH NAME"]
    lines += [
        r"etalage \- the in-store beacon personalization gateway",
        ".SH SYNOPSIS",
        r"\fBetalage\fR \fICOMMAND\fR [\fIOPTIONS\fR]",
    ]
    lines += [".SH COMMANDS"]
    for words, command in commands():
        usage = " ".join(rf"\fI{_roff((each.name or '').upper())}\fR" for each in _arguments(command))
        lines += [".TP", rf"\fBetalage {_roff(words)}\fR {usage}".rstrip(), _roff(command.help or "")]
        for option in _options(command):
            lines += [".RS", ".TP", rf"\fB{_roff(', '.join(option.opts))}\fR", _roff(option.help or ""), ".RE"]
    lines += [".SH FILES", ".TP", ".I /etc/etalage/etalage.toml", "The settings of this box.", ".TP", ".I /var/lib/etalage"]
    lines += ["Everything it writes: database, keys, certificates, backups.", ".SH SEE ALSO", "/usr/share/doc/etalage"]
    return "\n".join(line for line in lines if line) + "\n"


def _arguments(command: TyperCommand) -> list[TyperArgument]:
    return [each for each in command.params if isinstance(each, TyperArgument)]


def _options(command: TyperCommand) -> list[TyperOption]:
    return [each for each in command.params if isinstance(each, TyperOption) and each.name != "help"]


def _roff(said: str) -> str:
    one_line = re.sub(r"\s+", " ", said).strip().replace("\\", r"\e").replace("-", r"\-")
    return f"\\&{one_line}" if one_line[:1] in (".", "'") else one_line


def completion() -> str:
    """Return a completion for bash: commands, their commands, and options; files wherever something else is typed."""
    words: dict[str, set[str]] = {}
    for spoken, command in commands():
        typed = spoken.split()
        for depth, word in enumerate(typed):
            words.setdefault(" ".join(typed[:depth]), set()).add(word)
        words[spoken] = {name for option in _options(command) for name in option.opts}
    cases = "\n".join(f'        "{place}") words="{" ".join(sorted(found))}" ;;' for place, found in sorted(words.items()))
    return f"""# bash completion of etalage, made from its command line
_etalage() {{
    local words="" place="" word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$word" in -*) ;; *) place="${{place:+$place }}$word" ;; esac
    done
    case "$place" in
{cases}
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _etalage etalage
"""


def debian_changelog(version: str, moment: int) -> str:
    """Return the one entry that Debian wants; what changed stands in the project's own changelog beside it."""
    when = format_datetime(datetime.fromtimestamp(moment, UTC))
    return (
        f"etalage ({version}) stable; urgency=medium\n\n  * See changelog.gz.\n\n"
        f" -- The Etalage developers <etalage@example.invalid>  {when}\n"
    )


if __name__ == "__main__":
    print(completion() if sys.argv[1:] == ["completion"] else page(__version__, 0), end="")
