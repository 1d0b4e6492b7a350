"""Questions at the end of a notebook: each answer says why it is right, or which idea misled."""

import html
import json
from typing import NamedTuple

from helpers import ROOT
from helpers.lessons.explorer import can_slide
from helpers.structures import require

QUESTIONS = ROOT / "notebooks" / "questions"
LETTERS = "abcde"


class Answer(NamedTuple):
    """One of a question's answers.

    Attributes:
        text: the answer itself.
        remark: why it is right; or the misconception behind it.
        is_right: whether it is the right one.
    """

    text: str
    remark: str
    is_right: bool


class Question(NamedTuple):
    """A question and its answers, sorted by their texts: the place of the right one tells nothing.

    Attributes:
        text: the question itself.
        answers: two to five `Answer`s, one of them right.
    """

    text: str
    answers: list


class Quiz:
    """Questions with a button per answer where widgets work, and a list wherever they do not.

    Both travel in one cell output, as an `Explorer` does it: in the list each answer is folded
    away. Tab reaches a button, the space bar presses it. PIXELWISE_STATIC=1 leaves the buttons out.

    Args:
        questions: list of `Question`.

    Attributes:
        questions: as given.
        widget: the questions with their buttons; None where there is no notebook kernel or no
            ipywidgets.
        first_tries: {number of a question: whether the first answer to it was right}.
    """

    def __init__(self, questions):
        self.questions = questions
        self.first_tries = {}
        self.widget = self._make_widget() if can_slide() else None

    def answer(self, number, letter):
        """Answer a question; returns what to say about it.

        Args:
            number: 1 for the first question.
            letter: of the answer, "a" for the first.

        Raises:
            ValueError: there is no such question or answer.
        """
        numbers = range(1, len(self.questions) + 1)
        require(number in numbers, f"questions are numbered 1 to {len(numbers)}, got {number}")
        answers = self.questions[number - 1].answers
        letters = LETTERS[: len(answers)]
        require(letter in tuple(letters), f"answers are {', '.join(letters)}, got '{letter}'")
        chosen = answers[letters.index(letter)]
        self.first_tries.setdefault(number, chosen.is_right)
        verdict = "Right" if chosen.is_right else "Not this one"
        return f"{letter}: {verdict}. {chosen.remark}"

    def score(self):
        """How many were right at the first try, in words."""
        return f"{sum(self.first_tries.values())} of {len(self.questions)} right at the first try."

    def _make_widget(self):
        """All questions below each other, at the end the score."""
        import ipywidgets

        score = ipywidgets.HTML(_status(self.score()))
        rows = [self._make_row(number, score) for number in range(1, len(self.questions) + 1)]
        return ipywidgets.VBox([*rows, score])

    def _make_row(self, number, score):
        """One question: its text and answers, a button per answer, and what there is to say."""
        import ipywidgets

        question = self.questions[number - 1]
        asked = ipywidgets.HTML(_as_html(number, question))
        said = ipywidgets.HTML(_status(""))
        buttons = []

        def press(button):
            said.value = _status(self.answer(number, button.description))
            score.value = _status(self.score())

        for letter in LETTERS[: len(question.answers)]:
            buttons.append(ipywidgets.Button(description=letter, layout={"width": "3em"}))
            buttons[-1].on_click(press)
        return ipywidgets.VBox([asked, ipywidgets.HBox(buttons), said])

    def _repr_mimebundle_(self, include=None, exclude=None):
        """What Jupyter stores and shows: the list, and the widget where there is one."""
        numbered = list(enumerate(self.questions, 1))
        folded = [_as_html(number, question) + _fold(question) for number, question in numbered]
        plain = [_as_text(number, question) for number, question in numbered]
        data = {"text/plain": "\n\n".join(plain), "text/html": "\n".join(folded)}
        if self.widget is not None:
            model = {"model_id": self.widget.model_id, "version_major": 2, "version_minor": 0}
            data["application/vnd.jupyter.widget-view+json"] = model
        return data


def ask_questions(notebook) -> Quiz:
    """The questions of a notebook, to test oneself; as the last line of a cell they show.

    Args:
        notebook: its number as text, such as "02".

    Returns:
        A Quiz.

    Raises:
        ValueError: there are no questions for it, or one is not written as it should be.
    """
    known = sorted(path.stem for path in QUESTIONS.glob("*.json"))
    require(notebook in known, f"there are questions for {', '.join(known)}, got '{notebook}'")
    entries = json.loads((QUESTIONS / f"{notebook}.json").read_text(encoding="utf-8"))
    return Quiz([_read(entry) for entry in entries])


def _read(entry):
    """An entry {"ask", "right", "because", "wrong": {answer: misconception}} as a Question."""
    fields = {"ask", "right", "because", "wrong"}
    require(set(entry) == fields, f"a question needs {sorted(fields)}, got {sorted(entry)}")
    answers = [Answer(entry["right"], entry["because"], True)]
    answers += [Answer(text, remark, False) for text, remark in entry["wrong"].items()]
    fits = 2 <= len(answers) <= len(LETTERS)
    require(fits, f"'{entry['ask']}' needs 1 to {len(LETTERS) - 1} wrong answers")
    return Question(entry["ask"], sorted(answers))


def _lettered(question):
    """The answers of a question, each with its letter."""
    return zip(LETTERS, question.answers, strict=False)


def _as_html(number, question):
    """A question and its answers as elements of a page."""
    answers = [f"{letter}) {html.escape(a.text)}" for letter, a in _lettered(question)]
    return f"<p><b>{number}. {html.escape(question.text)}</b><br>{'<br>'.join(answers)}</p>"


def _fold(question):
    """What there is to say about each answer, folded away."""
    remarks = []
    for letter, answer in sorted(_lettered(question), key=lambda pair: not pair[1].is_right):
        verdict = "is right" if answer.is_right else "is not"
        remarks.append(f"<b>{letter}</b> {verdict}. {html.escape(answer.remark)}")
    return f"<details><summary>Answer</summary><p>{'<br>'.join(remarks)}</p></details>"


def _as_text(number, question):
    """A question, its answers and the right letter, where nothing can be folded."""
    lines = [f"{number}. {question.text}"]
    lines += [f"   {letter}) {answer.text}" for letter, answer in _lettered(question)]
    right = [letter for letter, answer in _lettered(question) if answer.is_right]
    return "\n".join([*lines, f"   (answer: {right[0]})"])


def _status(text):
    """A line that a screen reader reads out when it changes."""
    return f'<p role="status" aria-live="polite">{html.escape(text)}</p>'
