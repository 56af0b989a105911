"""What the pages of the book show: plots in one common style, explorers, quizzes.

Each module here is an explorer, or the quiz: ``NAME.py`` has the function ``NAME``, which computes
what ``js/NAME.js`` draws. What they have in common lies in ``lib`` and in ``js/lib``.
"""
