"""The questions at the end of the notebooks: how they are asked, and what each file must hold."""

import html
import json
import pathlib
import re
import types

import pytest

from helpers.lessons import ask_questions, quiz

ROOT = pathlib.Path(__file__).parents[1]
FILES = sorted(quiz.QUESTIONS.glob("*.json"))
ENTRY = {
    "ask": "What is 2 < 3?",
    "right": "true",
    "because": "2 is less.",
    "wrong": {"false": "That is 3 < 2.", "maybe": "Numbers & order are sure."},
}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A quiz of one question, whose answers are a) false, b) maybe, c) true."""
    monkeypatch.setattr(quiz, "QUESTIONS", tmp_path)
    (tmp_path / "42.json").write_text(json.dumps([ENTRY]))
    return lambda: ask_questions("42")


def test_every_answer_has_its_remark(asked):
    asked = asked()
    assert asked.answer(1, "a") == "a: Not this one. That is 3 < 2."
    assert asked.answer(1, "c") == "c: Right. 2 is less."
    assert asked.score() == "0 of 1 right at the first try."


def test_what_is_not_there_is_refused(asked):
    with pytest.raises(ValueError, match="numbered 1 to 1, got 2"):
        asked().answer(2, "a")
    with pytest.raises(ValueError, match="answers are a, b, c, got 'd'"):
        asked().answer(1, "d")
    with pytest.raises(ValueError, match="there are questions for 42, got '2'"):
        ask_questions("2")


@pytest.mark.parametrize(
    "entry, message",
    [({"ask": "?"}, r"needs \['ask', .*got \['ask'\]"), ({**ENTRY, "wrong": {}}, "1 to 4 wrong")],
)
def test_a_question_written_wrongly_is_refused(asked, entry, message):
    (quiz.QUESTIONS / "42.json").write_text(json.dumps([entry]))
    with pytest.raises(ValueError, match=message):
        asked()


def test_where_no_button_works_the_answers_are_folded(asked):
    data = asked()._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    open_part, folded = data["text/html"].split("<details>")
    assert "What is 2 &lt; 3?" in open_part and "a) false<br>b) maybe<br>c) true" in open_part
    assert "2 is less" not in open_part and "Numbers &amp; order" in folded
    assert data["text/plain"].endswith("(answer: c)")


def test_a_button_says_what_to_think_of_its_answer(asked, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("PIXELWISE_STATIC", raising=False)
    monkeypatch.setattr("IPython.get_ipython", lambda: types.SimpleNamespace(kernel=True))
    asked = asked()
    row, score = asked.widget.children
    _, buttons, said = row.children
    assert [button.description for button in buttons.children] == ["a", "b", "c"]
    for button in reversed(buttons.children):
        button.click()
        words = html.unescape(re.sub("<[^>]*>", "", said.value))
        assert words.startswith(f"{button.description}: ")
    assert words == "a: Not this one. That is 3 < 2." and "1 of 1 right" in score.value
    assert "application/vnd.jupyter.widget-view+json" in asked._repr_mimebundle_()


def test_each_notebook_has_questions():
    books = [path.stem.partition("_")[0] for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")]
    assert [path.stem for path in FILES] == sorted(books)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_questions_of_a_notebook(path):
    questions = ask_questions(path.stem).questions
    assert len(questions) == 10 and len({question.text for question in questions}) == 10
    places = set()
    for question in questions:
        texts = [answer.text for answer in question.answers]
        assert len(set(texts)) == len(texts) >= 3
        assert all(len(answer.remark) >= 20 for answer in question.answers), question.text
        places.add([answer.is_right for answer in question.answers].index(True))
    assert len(places) > 1, "the right answer always has the same letter"
    (book,) = (ROOT / "notebooks").glob(f"{path.stem}_*.ipynb")
    assert f'ask_questions(\\"{path.stem}\\")' in book.read_text(encoding="utf-8")
