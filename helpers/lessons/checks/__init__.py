"""Answers to the exercises, checked: a file for each notebook, named like it."""
