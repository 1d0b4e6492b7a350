"""A picture under its controls, in a notebook.

Each `explore_...` function of this room hands `Explorer` a function `view(**settings)`, which gives
a picture and what it shows in words. As the last line of a cell an Explorer shows itself.
"""

import base64
import functools
import html
import importlib.util
import io
import os
import textwrap

import cv2

from helpers.drawing import show


class Explorer:
    """A picture under its controls where widgets work, and a still figure wherever they do not.

    Both travel in one cell output, so nothing needs to know who reads it: JupyterLab, VS Code and
    Colab show the widget; papermill runs it once; GitHub, nbviewer and nbconvert, which cannot,
    show the figure. PIXELWISE_STATIC=1 in the environment leaves the widget out: for notebooks that
    are stored with their outputs, where a widget without its kernel is only an error message.

    The controls take the keyboard: Tab to reach one, arrow keys to move a slider, or Tab once more
    and a number typed in (Notebook 7 keeps the arrow keys to itself), the space bar to press a
    button. The line under the picture says in words what it shows. Should `view` fail, the line
    says so, and the error stays in the saved state of the notebook, where a test finds it.

    Args:
        view: settings by name -> picture (H, W, 3) uint8 RGB, and a sentence about it.
        cases: list of dicts of settings, for the still figure.
        controls: {setting: (name of an ipywidgets class, its arguments)}.
        columns: pictures a row of the still figure.
        fit: None, or a function that adapts the controls (a dict as below) to each other.

    Attributes:
        view: as given; `explorer.view(threshold=0.7)` is one picture and its sentence.
        figure, texts: the still figure, drawn when it is asked for, and its sentences.
        controls, widget: {setting: control}, and all of it together; {} and None where there is no
            notebook kernel or no ipywidgets.
    """

    def __init__(self, view, cases, controls, columns=2, fit=None):
        self.view = view
        self.controls = {}
        self.widget = None
        self._cases = cases
        self._columns = columns
        self._fit = fit
        self._is_busy = False
        height, width = view(**cases[0])[0].shape[:2]
        self._width = min(720, 560 * width // height)  # of the picture on the page, pixels
        if can_slide():
            self._make_widget(controls)
            self._update()

    def _make_widget(self, controls):
        """The controls in a row, below them the picture, its sentence, and errors."""
        import ipywidgets

        for name, (kind, settings) in controls.items():
            if kind != "FileUpload":  # a button's text is inside it
                settings = {"style": {"description_width": "initial"}, **settings}
            self.controls[name] = getattr(ipywidgets, kind)(**settings)
            self.controls[name].observe(self._update, "value")
        row = ipywidgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self._picture = ipywidgets.HTML()  # widgets.Image has no text for who cannot see
        self._words = ipywidgets.HTML()
        self._errors = ipywidgets.Output()
        self.widget = ipywidgets.VBox([row, self._picture, self._words, self._errors])

    def _update(self, change=None):
        """Show what the controls ask for; ipywidgets calls this when one of them moves."""
        if self._is_busy:  # it was `fit` that moved a control
            return
        self._is_busy = True
        try:
            if self._fit:
                self._fit(self.controls)
            settings = {name: control.value for name, control in self.controls.items()}
            picture, text = self.view(**settings)
            self._picture.value = self._as_html(picture, text)
        except Exception as error:  # nobody calls a callback who could catch it
            text = f"This did not work. {type(error).__name__}: {error}"
            output = {
                "output_type": "error",
                "ename": type(error).__name__,
                "evalue": str(error),
                "traceback": [text],
            }
            self._errors.outputs = (output,)
        finally:
            self._is_busy = False
        self._words.value = f'<p role="status" aria-live="polite">{html.escape(text)}</p>'

    def _as_html(self, picture, text):
        """A picture as an element of the page, with its text for who cannot see it."""
        data = base64.b64encode(to_jpeg(picture)).decode()
        return (
            f'<img alt="{html.escape(text)}" src="data:image/jpeg;base64,{data}" '
            f'style="display: block; width: {self._width}px; max-width: 100%" decoding="sync">'
        )

    @functools.cached_property
    def _stills(self):
        """The pictures of the still figure, and their sentences."""
        pictures, texts = zip(*[self.view(**case) for case in self._cases], strict=True)
        return pictures, texts

    @property
    def texts(self):
        return self._stills[1]

    @functools.cached_property
    def figure(self):
        pictures, texts = self._stills
        height, width = pictures[0].shape[:2]
        num_letters = int(12.5 * min(12 / self._columns, 4 * width / height))  # over a picture
        titles = [textwrap.fill(text, max(16, num_letters)) for text in texts]
        return show(pictures, titles, self._columns, height=4)

    def _repr_mimebundle_(self, include=None, exclude=None):
        """What Jupyter stores and shows: the still figure, and the widget where there is one."""
        still = io.BytesIO()
        self.figure.savefig(still, format="jpeg", pil_kwargs={"quality": 60, "optimize": True})
        still = base64.b64encode(still.getvalue()).decode()
        data = {"text/plain": "\n".join(self.texts), "image/jpeg": still}
        if self.widget is not None:
            model = {"model_id": self.widget.model_id, "version_major": 2, "version_minor": 0}
            data["application/vnd.jupyter.widget-view+json"] = model
        return data, {"image/jpeg": {"alt": "; ".join(self.texts)}}


def can_slide():
    """Whether a notebook kernel runs this with ipywidgets, and stills were not asked for."""
    if importlib.util.find_spec("ipywidgets") is None:
        return False
    if os.environ.get("PIXELWISE_STATIC", "0") not in ("", "0"):
        return False
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return hasattr(get_ipython(), "kernel")


def to_jpeg(picture):
    """A picture (H, W, 3) uint8 as JPEG bytes, at most 1,000 pixels wide."""
    height, width = picture.shape[:2]
    if width > 1000:
        size = (1000, max(1, round(1000 * height / width)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    return data.tobytes()


def slider(value, description, low=0, high=1, step=0.05, kind="FloatSlider"):
    """A slider among the `controls` of an Explorer; description is what stands beside it."""
    settings = {
        "value": value,
        "description": description,
        "min": low,
        "max": high,
        "step": step,
    }
    return kind, settings


def switches(names, description):
    """A button for each name, one of them pressed, among the `controls` of an Explorer.

    The first is pressed at the start. Tab reaches each of them, the space bar presses it.
    """
    style = {"description_width": "initial", "button_width": "auto"}
    settings = {"options": list(names), "description": description, "style": style}
    return "ToggleButtons", settings
