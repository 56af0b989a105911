"""What the pages of the book show: plots in one common style, explorers, quizzes."""
