"""Models of PyTorch's world, whose masks are as large as the picture: torchvision, Hugging Face.

What each needs of another library is imported where it is used; none of them comes with Pixelwise.
`benchmarks/elsewhere.py` compares with the real ones.

Make the model before anything of Pixelwise is imported, where PyTorch is a build with CUDA: that
brings Triton, and Triton ends the process, without a word, if TensorFlow was loaded before it.
"""

import numpy as np

from helpers.mask_rcnn.inference import Candidates
from helpers.models.detector import Detector
from helpers.models.programs import in_turn
from helpers.structures import InputError

FIELDS = ("boxes", "labels", "scores", "masks")  # what a Mask R-CNN of torchvision gives
# The same in a graph that does not call them so: type and number of axes of each.
KINDS = [("tensor(float)", 2), ("tensor(int64)", 1), ("tensor(float)", 1), ("tensor(float)", 4)]
PROBE = (480, 640)  # height and width of the first picture


def onnx_detector(path, card, score_threshold=0.5) -> Detector:
    """A Detector of a torchvision Mask R-CNN in ONNX's format, run by ONNX Runtime.

    It is exported by PyTorch's older exporter, for pictures of any size; the newer one cannot:

        torch.onnx.export(
            model, ([picture],), "mask_rcnn.onnx", dynamo=False, input_names=["image"],
            dynamic_axes={"image": {1: "height", 2: "width"}},
        )

    Args:
        path: the `.onnx` file, as `torch.onnx.export` writes it: one picture (3, H, W) or
            (1, 3, H, W) float 0..1 of any size -> boxes (N, 4) in pixels, labels (N,), scores (N,),
            masks (N, 1, H, W) 0..1.
        card: dict with at least "name" and "categories" ({id: name}).
        score_threshold: detections below it are dropped.

    Raises:
        InputError: ONNX Runtime is not installed, the file is damaged or of another contract; and,
            from the detector, the graph refuses a picture.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError(f"{path}: needs ONNX Runtime; python -m pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # it raises what it logs
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disable_fallback=True
        )
    except Exception as error:  # its errors have no base but this
        raise InputError(f"{path}: is no ONNX graph that can be read ({_line(error)})") from None
    names = _output_names(path, session)
    (picture,) = session.get_inputs()

    def run(image, least=0.0):
        channels_first = np.moveaxis(image, 2, 0).astype(np.float32) / 255
        if len(picture.shape) == 4:
            channels_first = channels_first[None]
        try:
            outcome = session.run(names, {picture.name: channels_first})
            return dict(zip(FIELDS, outcome, strict=True))
        except Exception as error:
            height, width = image.shape[:2]
            problem = f"{card['name']} cannot take a picture of {width} x {height} pixels"
            raise InputError(f"{problem}: {_line(error)}") from None

    outputs = in_turn(run)
    shape = outputs(np.full((*PROBE, 3), 127, np.uint8))["masks"].shape
    if shape[1:] != (1, *PROBE):
        wanted = f"(N, 1, {PROBE[0]}, {PROBE[1]}) for such a picture, as torchvision's are"
        raise InputError(f"{path}: its masks must be {wanted}, they are {shape}")
    return Detector(outputs, decode, card, None, score_threshold)


def from_torchvision(model, categories, name="torchvision", score_threshold=0.5) -> Detector:
    """A Detector of an instance segmenter of torchvision.

        weights = MaskRCNN_ResNet50_FPN_V2_Weights.DEFAULT
        model = maskrcnn_resnet50_fpn_v2(weights=weights).eval()
        detector = from_torchvision(model, weights.meta["categories"])

    Args:
        model: as torchvision makes it, in evaluation mode.
        categories: list of names by id; the first, the background, and "N/A" are none.
        name: what to call it.
        score_threshold: detections below it are dropped.
    """
    import torch

    def outputs(image, least=0.0):
        with torch.inference_mode():
            (outcome,) = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
        return {key: outcome[key].cpu().numpy() for key in FIELDS}

    known = {i: text for i, text in enumerate(categories) if i and text != "N/A"}
    return Detector(outputs, decode, {"name": name, "categories": known}, model, score_threshold)


def from_transformers(model, processor, name="transformers", score_threshold=0.5) -> Detector:
    """A Detector of an instance segmenter of Hugging Face: Mask2Former, MaskFormer and their kind.

        processor = AutoImageProcessor.from_pretrained(NAME)
        model = AutoModelForUniversalSegmentation.from_pretrained(NAME)
        detector = from_transformers(model, processor)

    Args:
        model, processor: what `from_pretrained` gives.
        name: what to call it.
        score_threshold: segments below it are dropped, for good.

    Its classes are counted from 0; ours from 1.
    """
    import torch

    def outputs(image, least=0.0):
        with torch.inference_mode():
            raw = model(**processor(images=image, return_tensors="pt"))
        (outcome,) = processor.post_process_instance_segmentation(
            raw, threshold=score_threshold, target_sizes=[image.shape[:2]]
        )
        segments = outcome["segments_info"]
        numbers = np.reshape([segment["id"] for segment in segments], (-1, 1, 1))
        masks = outcome["segmentation"].cpu().numpy() == numbers
        return {
            "boxes": np.reshape([_box(mask) for mask in masks], (-1, 4)),
            "labels": np.array([segment["label_id"] + 1 for segment in segments], int),
            "scores": np.array([segment["score"] for segment in segments], float),
            "masks": masks[:, None],
        }

    known = {int(key) + 1: text for key, text in model.config.id2label.items()}
    return Detector(outputs, decode, {"name": name, "categories": known}, model, score_threshold)


def decode(outputs, image_size):
    """The `FIELDS` of a picture as `Candidates`, best first; image_size is not needed."""
    order = np.argsort(-outputs["scores"], kind="stable")
    boxes, labels, scores, masks = (outputs[name][order] for name in FIELDS)
    return Candidates(
        boxes.astype(np.float32), labels.astype(np.int32), scores.astype(np.float32), masks[:, 0],
        is_whole=True,
    )  # fmt: skip


def _output_names(path, session) -> list[str]:
    """What a session calls each of the FIELDS.

    Raises:
        InputError: it is of another contract.
    """
    given, made = session.get_inputs(), session.get_outputs()
    names = [one.name for one in made]
    kinds = [(one.type, len(one.shape)) for one in made]
    told = (
        f"it takes {', '.join(f'{one.name} {one.type} {one.shape}' for one in given)} and gives "
        f"{', '.join(f'{one.name} {one.type} {one.shape}' for one in made)[:300]}"
    )
    has_names = set(FIELDS) <= set(names)
    if not has_names and kinds != KINDS:
        raise InputError(f"{path}: is no Mask R-CNN as torchvision exports it; {told}")
    is_float = len(given) == 1 and given[0].type == "tensor(float)"
    is_picture = is_float and len(given[0].shape) in (3, 4)
    if not is_picture or any(isinstance(side, int) for side in given[0].shape[-2:]):
        raise InputError(
            f"{path}: must take one picture of any size; {told}; export it with dynamo=False, "
            'input_names=["image"] and dynamic_axes={"image": {1: "height", 2: "width"}}'
        )
    return list(FIELDS) if has_names else names


def _box(mask):
    """The box [x1, y1, x2, y2] of a mask (H, W); zeros where it is empty."""
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        return 0, 0, 0, 0
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def _line(error) -> str:
    """The first line of an error."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
