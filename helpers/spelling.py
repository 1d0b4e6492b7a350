"""What a mistyped word was meant to be."""

import difflib

LONGEST = 60  # characters of a word that are compared: a path pasted by mistake need not be


def hint(word, known) -> str:
    """Words to put behind "there is no X": the nearest of those that there are.

    Args:
        word: what was typed.
        known: the words that would have been right.

    Returns:
        "; did you mean 'Y'?", or "" where none is like it.
    """
    originals = {str(name).casefold(): name for name in known}
    near = difflib.get_close_matches(str(word)[:LONGEST].casefold(), originals, n=1, cutoff=0.65)
    return f"; did you mean {originals[near[0]]!r}?" if near else ""
