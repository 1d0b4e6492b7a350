"""What each notebook must hold: a file for each, named like it: SMALL, CASES, check."""
