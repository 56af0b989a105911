"""Tables of what a user writes and the error that he is told, behind a # or indented below."""

import builtins
import re

import pytest


def blocks(table):
    """Return the lines of a table, each joined with the indented ones below it."""
    return [re.sub(r"\n +", " ", block) for block in re.split(r"\n(?! )", table.strip())]


def cases(table):
    """Return a parameter for each line: the code, the name of the error, and its words."""
    form = re.compile(r"(.*?)(?:  #)? (\w+Error): (.*)")
    found = [form.fullmatch(block).groups() for block in blocks(table)]
    return [pytest.param(*case, id=case[0]) for case in found]


def assert_told(names, code, kind, words):
    """Run the code, and compare what it raises: one line, with the words in it."""
    with pytest.raises(getattr(builtins, kind), match=re.escape(words)) as caught:
        eval(code, dict(names))
    assert "\n" not in str(caught.value)
