"""`audiobench cache push|pull`: share answers between machines."""

from __future__ import annotations

import argparse
from typing import Any

from audiobench_pytest.cli import add_cache
from audiobench_pytest.errors import RecordError


def add(commands: Any) -> None:
    """Add the command to the parser."""
    cache = commands.add_parser("cache", help="share answers between machines")
    actions = cache.add_subparsers(required=True, metavar="ACTION")
    for name, text in (("push", "copy the cache's answers to a shared place"), ("pull", "copy them from there")):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}, through fsspec.")
        action.add_argument("url", metavar="URL", help="for example s3://bucket/path or file:///mnt/share")
        add_cache(action, "the cache on this machine")
        action.set_defaults(run=_share, push=name == "push")


def _share(given: argparse.Namespace) -> int:
    from audiobench_pytest.records.answers.sharing import pull, push

    if given.push and not given.cache.is_dir():
        raise RecordError(f"{given.cache} is no cache: name one with --cache DIR")
    copied = (push if given.push else pull)(given.cache, given.url)
    print(f"{copied} file{'s' if copied != 1 else ''} of answers copied")
    return 0
