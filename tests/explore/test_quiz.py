import pytest

pytest.importorskip("anywidget", reason="anywidget is not installed; `make book` installs it")

from dlcourse.explore.quiz import Choice, Quiz

RIGHT, WRONG = Choice("4", "Count.", right=True), Choice("5", "One too many.")


def test_choices_travel_in_order():
    quiz = Quiz("2 + 2?", [WRONG, RIGHT])
    assert [choice["text"] for choice in quiz.data["choices"]] == ["5", "4"]
    assert [choice["right"] for choice in quiz.data["choices"]] == [False, True]


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ([RIGHT], "found 1 choices, 1 right"),
        ([WRONG, Choice("6", "Two too many.")], "found 2 choices, 0 right"),
        ([RIGHT, Choice("four", "Count.", right=True)], "found 2 choices, 2 right"),
        ([RIGHT, Choice("4", "The same.")], "found the same text twice"),
        ([RIGHT, Choice("5", " ")], "found none for '5'"),
    ],
)
def test_a_quiz_that_is_none(choices, message):
    with pytest.raises(ValueError, match=message):
        Quiz("2 + 2?", choices)
