"""What explorers and quizzes have in common."""
