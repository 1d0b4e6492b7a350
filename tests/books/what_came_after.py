"""Notebook 10."""

import numpy as np

SMALL = {}

WORDS = {"car": [1, 0, 0.1, 0], "bus": [1, 0, 0.8, 0.1], "dog": [0, 1, 0.1, 0]}


def logits(queries, features, bias=0.0):
    return np.einsum("qc,cyx->qyx", queries, features) + bias


# exercise: (what else the check is given, a right answer, wrong answers each with a piece of
# its hint)
CASES = {
    "left_edge": (
        (),
        40,
        {104: "to the right", 70: "in strides", 32: "from the centre", 56: "not 1", 8: "stride"},
    ),
    "query_masks": (
        (),
        lambda queries, features, bias: logits(queries, features, bias) > 0,
        {
            logits: "These are numbers",
            lambda queries, features, bias: logits(queries, features) > 0: "bias is missing",
            lambda queries, features, bias: logits(queries, features, bias) > 0.5: "not above",
            lambda queries, features, bias: logits(queries, features, bias) < 0: "sum over",
            lambda queries, features, bias: (
                logits(queries, features, bias) > 0 if len(queries) else np.zeros(0)
            ): "no query",
        },
    ),
    "new_word": (
        (WORDS,),
        [1, 0, 0.8, 1],
        {
            (0, 1, 0, 0): "does not get half",
            (1, 0, 0.8, 0.15): "plain bus",
            (0, 0, 0, 0): "not all zero",
            "wagon": "four numbers",
        },
    ),
    "ideas": (
        (),
        ["queries", "prompts", "Words"],
        {
            ("words", "prompts", "queries"): "A: what decides",
            ("queries", "words", "words"): "B: somebody",
            ("queries", "prompts", "one stage"): "C: only",
            ("queries", "prompts", "boxes"): "Choose among",
            "queries": "Three of",
        },
    ),
}


def check(results):
    assert results["cells"] == 52**2 + 26**2 + 13**2
    assert 0 < results["sure_cells"] < 0.1 * results["cells"]
    assert "person" in results["photo"] and "everyday" in results["ran"]
    assert results["query_masks"] == [4, 8]  # by pencil: 2 x 2 and 4 x 2 pixels
    assert results["pairs"] == {"0": 0, "2": 1}
    assert results["grown"] == sorted(results["grown"]) and results["grown"][0] > 0
    assert results["at"] == [1, 0]
    assert max(results["before"], key=results["before"].get) == "horse"
    assert max(results["after"], key=results["after"].get) == "zebra"
    assert len(results["ran"]) + len(results["missing"]) == 4  # each ran, or says why not
