"""What the first message says of each recorded mistake, over all assignments."""

import re

from marking import COURSE, Proof

#: The first message is an error of Python or NumPy that nobody turned into a sentence.
BARE = re.compile(r"^[\w-]+: (?!CheckFailed: )\w+: ")
#: It says what was found and expected, or which error ended the code, and nothing of why.
DIFFERENCE = re.compile(
    r"values of .* are (wrong; the largest|right; the first)"
    r"|should have the shape \(.*\), and not \([\d, ]*\)\.$"
    r"| ended with an? \w+"
    r"|does not fit: it is"
    r"| is [-\d.]+, and should be [-\d.]+\.$"
)
#: What a record expects of a message where any will do.
ANY = "."


def test_first_messages_name_the_cause(capsys):
    said = {}
    for path in sorted((COURSE / "text").glob("*.py")):
        proof = Proof(path.stem)
        for task, mistake, changes, expected in proof.mistakes:
            answer = proof.mistaken(task, changes)
            _, messages = proof.assignment.mark(task, answer, until_lost=True)
            said[path.stem, task, mistake] = messages[0], expected
    bare = [key for key, (message, _) in said.items() if BARE.search(message)]
    named = [
        key
        for key, (message, expected) in said.items()
        if expected != ANY
        and re.search(expected, message)
        and not BARE.search(message)
        and not DIFFERENCE.search(message)
    ]
    with capsys.disabled():
        print(
            f"\nOf {len(said)} recorded mistakes, {len(named)} ({len(named) / len(said):.1%}) are "
            f"told by their cause, and {len(bare)} ({len(bare) / len(said):.1%}) by a bare error."
        )
    assert len(bare) <= 0.02 * len(said), bare
    assert len(named) >= 0.8 * len(said), sorted(said.keys() - set(named))
