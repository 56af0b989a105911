"""What the pages print and take apart; nothing in the library needs it."""
