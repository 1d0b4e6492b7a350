"""A picture under its controls, in a notebook; and what sliders do to detections.

Each `explore_…` function, here and in `helpers.lessons.explorers`, hands `Explorer` a function
`view(**settings)`, which gives a picture and what it shows in words. As the last line of a cell an
Explorer shows itself. Letters: see `helpers.structures`.
"""

import base64
import contextlib
import functools
import html
import io
import os
import pathlib
import tempfile
import textwrap

import cv2
import numpy as np

from helpers.drawing import draw_detections, show
from helpers.pictures import read_image
from helpers.structures import Detections, InputError, require


class Explorer:
    """A picture under its controls where widgets work, and a still figure wherever they do not.

    Both travel in one cell output, so nothing needs to know who reads it: JupyterLab, VS Code and
    Colab show the widget; papermill runs it once; GitHub, nbviewer and nbconvert, which cannot,
    show the figure. PIXELWISE_STATIC=1 in the environment leaves the widget out: for notebooks that
    are stored with their outputs, where a widget without its kernel is only an error message.

    The controls take the keyboard: Tab to reach one, arrow keys to change it, or Tab once more and
    a number typed in (Notebook 7 keeps the arrow keys to itself). The line under the picture says
    in words what it shows. Should `view` fail, the line says so, and the error stays
    in the saved state of the notebook, where a test finds it.

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
        self.view, self._cases, self._columns, self._fit = view, cases, columns, fit
        self.controls, self.widget, self._busy = {}, None, False
        height, width = view(**cases[0])[0].shape[:2]
        if not _can_slide():
            return
        import ipywidgets

        for name, (kind, settings) in controls.items():
            if kind != "FileUpload":  # a button's text is inside it
                settings = {"style": {"description_width": "initial"}, **settings}
            self.controls[name] = getattr(ipywidgets, kind)(**settings)
            self.controls[name].observe(self._update, "value")
        self._width, self._picture = min(720, 560 * width // height), ipywidgets.HTML()
        self._words, self._errors = ipywidgets.HTML(), ipywidgets.Output()
        row = ipywidgets.HBox(list(self.controls.values()), layout={"flex_flow": "row wrap"})
        self.widget = ipywidgets.VBox([row, self._picture, self._words, self._errors])
        self._update()

    def _update(self, change=None):
        if self._busy:  # it was `fit` that moved a control
            return
        self._busy = True
        try:
            if self._fit:
                self._fit(self.controls)
            picture, text = self.view(**{n: control.value for n, control in self.controls.items()})
            data = base64.b64encode(_jpeg(picture)).decode()  # widgets.Image has no alt
            self._picture.value = (
                f'<img alt="{html.escape(text)}" src="data:image/jpeg;base64,{data}" '
                f'style="display: block; width: {self._width}px; max-width: 100%" decoding="sync">'
            )
        except Exception as error:  # nobody calls a callback who could catch it
            kind = type(error).__name__
            text = f"This did not work. {kind}: {error}"
            output = {"output_type": "error", "ename": kind, "evalue": str(error)}
            self._errors.outputs = (output | {"traceback": [text]},)
        finally:
            self._busy = False
        self._words.value = f'<p role="status" aria-live="polite">{html.escape(text)}</p>'

    @functools.cached_property
    def _stills(self):
        return tuple(zip(*(self.view(**case) for case in self._cases), strict=True))

    @property
    def texts(self):
        return self._stills[1]

    @functools.cached_property
    def figure(self):
        height, width = self._stills[0][0].shape[:2]
        letters = int(12.5 * min(12 / self._columns, 4 * width / height))  # that fit over a picture
        titles = [textwrap.fill(text, max(16, letters)) for text in self.texts]
        return show(self._stills[0], titles, self._columns, height=4)

    def _repr_mimebundle_(self, include=None, exclude=None):
        still = io.BytesIO()
        self.figure.savefig(still, format="jpeg", pil_kwargs={"quality": 75})  # a tenth of its PNG
        still = base64.b64encode(still.getvalue()).decode()
        data = {"text/plain": "\n".join(self.texts), "image/jpeg": still}
        if self.widget is not None:
            model = {"model_id": self.widget.model_id, "version_major": 2, "version_minor": 0}
            data["application/vnd.jupyter.widget-view+json"] = model
        return data, {"image/jpeg": {"alt": "; ".join(self.texts)}}


def _can_slide():
    """Whether a notebook kernel runs this with ipywidgets, and stills were not asked for."""
    with contextlib.suppress(ImportError):
        import ipywidgets  # noqa: F401
        from IPython import get_ipython

        still = os.environ.get("PIXELWISE_STATIC", "0") not in ("", "0")
        return not still and hasattr(get_ipython(), "kernel")
    return False


def _jpeg(picture):
    """A picture (H, W, 3) uint8 as JPEG bytes, at most 1,000 pixels wide."""
    if picture.shape[1] > 1000:
        size = (1000, max(1, round(1000 * picture.shape[0] / picture.shape[1])))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def slider(value, description, low=0, high=1, step=0.05, kind="FloatSlider"):
    """A slider among the `controls` of an Explorer; description is what stands beside it."""
    return kind, dict(value=value, description=description, min=low, max=high, step=step)


def explore_thresholds(
    image, boxes, labels, scores, mask_scores, categories,
    score_threshold=0.5, nms_iou=0.5, mask_threshold=0.5, paste=None,
) -> Explorer:  # fmt: skip
    """Turn raw outputs into detections with three cuts: score, overlap (NMS), mask.

    Boxes below the score threshold go first. Of boxes of one class that overlap by more than
    `nms_iou` the best stays. A pixel is in a mask from `mask_threshold` on. The still figure shows
    the cuts as given, and then each of them moved alone.

    Args:
        image: (H, W, 3) uint8 RGB.
        boxes: (N, 4) float32 x1 y1 x2 y2, pixels of the image; any order; N may be 0.
        labels: (N,) int, category ids.
        scores: (N,) float32, 0..1.
        mask_scores: (N, M, M) float32, 0..1, of the box's own class, on a grid over the box.
        categories: {category id: name}.
        score_threshold, nms_iou, mask_threshold: where the sliders stand at first, 0 to 1.
        paste: (mask_scores, boxes, image_size, threshold) -> (N, H, W) bool, for masks that are put
            back in another way; None is `paste_masks`.

    Returns:
        An Explorer: `view(score_threshold=0.5, nms_iou=0.5, mask_threshold=0.5)`.

    Raises:
        ValueError: lengths differ, a label is unknown, or the image is not RGB uint8.
    """
    from helpers.mask_rcnn.boxes import nms  # here, since Keras takes seconds to import
    from helpers.mask_rcnn.mask_head import paste_masks

    size, mask_scores, paste = image.shape[:2], np.asarray(mask_scores), paste or paste_masks
    raw = Detections(boxes, labels, scores, size, categories)
    same = len(raw) == len(mask_scores)
    require(same, f"{len(raw)} boxes need as many mask_scores, got {len(mask_scores)}")
    order = np.argsort(-raw.scores, kind="stable")
    raw, mask_scores = raw[order], mask_scores[order]
    # Each class on an island of its own, where it meets no other; the first at the origin.
    ids = np.searchsorted(sorted(categories), raw.labels)
    islands = raw.boxes + 2 * np.abs(raw.boxes).max(initial=1) * ids[:, None]

    def view(score_threshold, nms_iou, mask_threshold):
        good = raw.scores >= score_threshold
        keep = np.flatnonzero(np.asarray(nms(islands[None], good[None], nms_iou))[0])
        masks = paste(mask_scores[keep], raw.boxes[keep], size, mask_threshold)
        found = raw[keep].replace(masks=masks, boxes=np.clip(raw.boxes[keep], 0, size[::-1] * 2))
        text = (
            f"{good.sum()} of {len(raw)} boxes score {score_threshold:.2f} or more. NMS at IoU "
            f"{nms_iou:.2f} leaves {len(found)}. Their masks, cut at {mask_threshold:.2f}, cover "
            f"{found.masks.any(axis=0).mean():.1%} of the picture."
        )
        return draw_detections(image, found), text

    start = dict(score_threshold=score_threshold, nms_iou=nms_iou, mask_threshold=mask_threshold)
    moved = (("score_threshold", 0.1), ("nms_iou", 1.0), ("mask_threshold", 0.95))
    cases = [start, *(start | {name: value} for name, value in moved)]
    words = ("score at least", "NMS above IoU", "mask at least")
    controls = {n: slider(start[n], text) for n, text in zip(start, words, strict=True)}
    return Explorer(view, cases, controls)


def explore_upload(look, image) -> Explorer:
    """A button that takes a photo from the reader's computer; before that, and in stills, `image`.

    Args:
        look: image (H, W, 3) uint8 RGB -> picture (H, W, 3) uint8 RGB, and a sentence about it.
        image: (H, W, 3) uint8 RGB, to begin with.

    Returns:
        An Explorer: `view(upload=())`. A file that is no picture is named in the line below.
    """

    def view(upload):
        if not upload:
            return look(image)
        (file,) = getattr(upload, "values", lambda: upload)()  # ipywidgets 7 gives a dict
        name = pathlib.PurePath(file.get("metadata", file)["name"]).name
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / name
            path.write_bytes(file["content"])
            try:
                picture, text = look(read_image(path))
            except InputError as error:
                raise InputError(str(error).removeprefix(f"{path.parent}{os.sep}")) from None
        return picture, f"{name}: {text}"

    button = {"accept": "image/*", "multiple": False, "description": "A photo of yours"}
    button["layout"] = {"width": "auto"}
    return Explorer(view, [{"upload": ()}], {"upload": ("FileUpload", button)}, columns=1)
