"""deidentify."""
