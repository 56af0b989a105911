"""Pictures that nobody drew: networks that make new ones."""
