"""Models of PyTorch's world as they are and as Pixelwise runs them, on the same two photographs.

    python3 benchmarks/elsewhere.py [--report benchmarks/ELSEWHERE.md]

torchvision's Mask R-CNN by its adapter and, as PyTorch exports it, through ONNX Runtime; Hugging
Face's Mask2Former, MaskFormer and EoMT by theirs. Nothing is fetched: weights are random, and
sharpened so that something is found. Where the libraries are missing, the first run makes an
environment for them in .venv-elsewhere (8 GB, since PyTorch brings CUDA). On one core a minute.
"""

import argparse
import importlib.util
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile
import venv
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[1]
PLACE = ROOT / ".venv-elsewhere"
LIBRARIES = ("torch", "torchvision", "transformers", "onnxscript")
HEAD = (
    "| model | photograph | found by it / here | not in both | box px | score | mask pixels |",
    "|---|---|---|---|---|---|---|",
)


def main():
    """Compare, here or in an environment that has the libraries."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", type=pathlib.Path, help="write the table to this file, too")
    options = parser.parse_args()
    if importlib.util.find_spec("torchvision") is None:
        sys.exit(subprocess.run([make_environment(), __file__, *sys.argv[1:]]).returncode)
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore")
    text = "\n".join([versions(), "", *HEAD, *rows(), ""])
    if options.report:
        options.report.write_text(text, encoding="utf-8")


def make_environment():
    """An environment with Pixelwise's packages and the LIBRARIES; returns its Python."""
    python = PLACE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (PLACE / "whole").exists():
        print(f"Making an environment in {PLACE} …", flush=True)
        venv.create(PLACE, clear=True, with_pip=True)
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "-r", ROOT / "requirements.lock"], check=True)
        subprocess.run([*install, *LIBRARIES], check=True)
        (PLACE / "whole").touch()
    return python


def versions():
    """A line with the libraries' versions."""
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in (*LIBRARIES, "onnxruntime"))


def rows():
    """Yield a row for each model and photograph, and print it."""
    # PyTorch's world comes first: Triton, which CUDA builds of PyTorch bring, ends the process
    # where TensorFlow was loaded before it.
    importlib.import_module("transformers.models.mask2former.modeling_mask2former")
    from helpers import DATA
    from helpers.pictures import read_image

    for name, own, make_detector in itertools.chain(of_torchvision(), of_transformers()):
        detector = make_detector()
        for path in sorted((DATA / "photographs").glob("*.jpg"))[:2]:
            image = read_image(path)
            row = f"| {name} | {path.stem} | {' | '.join(compare(own(image), detector(image)))} |"
            print(row, flush=True)
            yield row


def compare(theirs, found):
    """How far what the model itself says and what Pixelwise says of a picture lie apart.

    Args:
        theirs: dict of "names" (list), "boxes" (N, 4), "scores" (N,), "masks" (N, H, W) bool.
        found: Detections.

    Returns:
        The cells of a row. Detections of the same class are pairs, those of the most similar boxes
        and scores first; the farthest corner and score, and all pixels in which masks differ.
    """
    import numpy as np

    boxes = np.reshape(theirs["boxes"], (-1, 1, 4))
    names = np.array(theirs["names"], dtype=object)
    corners = np.abs(boxes - found.boxes).max(2)
    scores = np.abs(np.reshape(theirs["scores"], (-1, 1)) - found.scores)
    is_other = names[:, None] != np.array(found.names, dtype=object)
    cost = np.where(is_other, np.inf, corners + scores)
    pairs = []
    while cost.size and np.isfinite(cost.min()) and cost.min() < 2:
        i, j = np.unravel_index(cost.argmin(), cost.shape)
        pairs.append((i, j))
        cost[i], cost[:, j] = np.inf, np.inf
    lonely = len(names) + len(found) - 2 * len(pairs)
    pixels = sum((theirs["masks"][i] != found.masks[j]).sum() for i, j in pairs)
    area = sum(theirs["masks"][i].sum() for i, _ in pairs)
    farthest = max((corners[i, j] for i, j in pairs), default=0)
    apart = max((scores[i, j] for i, j in pairs), default=0)
    return [
        f"{len(names)} / {len(found)}",
        str(lonely),
        f"{farthest:.2g}",
        f"{apart:.1g}",
        f"{pixels} of {area:,}",
    ]


def sharpen(model, factor, *endings):
    """Multiply weights, so that an untaught model is sure of something."""
    import torch

    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith(endings):
                weights *= factor


def of_torchvision():
    """(name, what it says itself, function that makes a Detector) of Mask R-CNN."""
    import torch
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights as Weights
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    torch.manual_seed(0)
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, min_size=240, max_size=400)
    names = Weights.COCO_V1.meta["categories"]
    known = [i for i, name in enumerate(names) if i and name != "N/A"]
    teach_norms(model)
    sharpen(model, 10, "cls_score.weight", "mask_fcn_logits.weight")

    def named(found):
        labels = found["labels"].tolist()
        texts = [names[i] if i in known else f"class {i}" for i in labels]
        return {**found, "names": texts, "masks": found["masks"][:, 0] > 0.5}

    def own(image):
        with torch.inference_mode():
            (found,) = model([torch.from_numpy(image).permute(2, 0, 1) / 255])
        return named({key: value.numpy() for key, value in found.items()})

    def adapter():
        from helpers.models import from_torchvision

        return from_torchvision(model, names, score_threshold=0)

    def exported():
        from helpers.models import load_detector

        return load_detector(str(path), score_threshold=0, say=None)

    for least in (0.02, 1.0):  # nothing is found from 1 on, nor in the first picture at loading
        model.roi_heads.score_thresh = least
        name = f"torchvision's Mask R-CNN, scores from {least:g}"
        yield name, own, adapter
        with tempfile.TemporaryDirectory() as folder:
            path = export(model, folder)
            items = [f'item {{ id: {i} name: "{names[i]}" }}' for i in known]
            path.with_name("label_map.pbtxt").write_text("\n".join(items), encoding="utf-8")
            yield f"{name}, as ONNX", own, exported
            yield f"{name}, ONNX in a plain session", plain_session(path, named), exported


def export(model, folder):
    """A model of torchvision as ONNX; returns the file's path."""
    import torch

    path = pathlib.Path(folder, "mask_rcnn.onnx")
    torch.onnx.export(
        model, ([torch.rand(3, 300, 400)],), str(path), dynamo=False, input_names=["image"],
        output_names=["boxes", "labels", "scores", "masks"],
        dynamic_axes={"image": {1: "height", 2: "width"}},
    )  # fmt: skip
    return path


def plain_session(path, named):
    """What ONNX Runtime itself says of a picture."""
    import numpy as np
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    fields = [output.name for output in session.get_outputs()]

    def own(image):
        picture = np.moveaxis(image, 2, 0).astype(np.float32) / 255
        return named(dict(zip(fields, session.run(None, {"image": picture}), strict=True)))

    return own


def teach_norms(model):
    """Let the normalisations of a model without weights see numbers as they are in it."""
    import torch

    for part in model.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None  # the mean of all that they see
    model.backbone.train()
    with torch.inference_mode():
        model.backbone(torch.rand(2, 3, 256, 256))
    model.eval()


def of_transformers():
    """(name, what it says itself, function that makes a Detector) of Hugging Face's models."""
    import numpy as np
    import torch

    def entry(model, processor, least):
        names = model.config.id2label

        def own(image):
            with torch.inference_mode():
                raw = model(**processor(images=image, return_tensors="pt"))
            (found,) = processor.post_process_instance_segmentation(
                raw, threshold=least, target_sizes=[image.shape[:2]]
            )
            segments = found["segments_info"]
            masks = [found["segmentation"].numpy() == one["id"] for one in segments]
            return {
                "names": [names[one["label_id"]] for one in segments],
                "scores": [one["score"] for one in segments],
                "boxes": [box_around(mask) for mask in masks],
                "masks": masks,
            }

        def adapter():
            from helpers.models import from_transformers

            return from_transformers(model, processor, score_threshold=least)

        return f"{type(model).__name__}, scores from {least:g}", own, adapter

    def box_around(mask):
        ys, xs = np.where(mask)
        return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] if len(xs) else [0, 0, 0, 0]

    torch.manual_seed(0)
    for model, processor in untaught_transformers():
        sharpen(model.eval(), 20, "class_predictor.weight")
        yield entry(model, processor, 0.3)
        yield entry(model, processor, 1.0)  # none is as sure


def untaught_transformers():
    """Yield small (model, its processor) with random weights."""
    import transformers

    kinds = {0: "cat", 1: "dog", 2: "person"}
    heads = {"encoder_layers": 1, "decoder_layers": 2, "num_queries": 20}
    size = {"shortest_edge": 160, "longest_edge": 256}
    swin = transformers.SwinConfig(
        embed_dim=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 3, 4], window_size=7,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = transformers.Mask2FormerConfig(
        backbone_config=swin, hidden_dim=32, feature_size=32, mask_feature_size=32,
        num_attention_heads=4, dim_feedforward=64, encoder_feedforward_dim=64, id2label=kinds,
        **heads,
    )  # fmt: skip
    model = transformers.Mask2FormerForUniversalSegmentation(config)
    yield model, transformers.Mask2FormerImageProcessor(size=size)
    decoder = transformers.DetrConfig(
        d_model=32, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=64,
        decoder_ffn_dim=64, **heads,
    )  # fmt: skip
    config = transformers.MaskFormerConfig(
        backbone_config=swin, decoder_config=decoder, fpn_feature_size=32, mask_feature_size=32,
        id2label=kinds,
    )  # fmt: skip
    model = transformers.MaskFormerForInstanceSegmentation(config)
    yield model, transformers.MaskFormerImageProcessor(size=size)
    config = transformers.EomtConfig(
        hidden_size=48, num_hidden_layers=4, num_attention_heads=4, image_size=128, patch_size=16,
        num_blocks=2, num_queries=20, id2label=kinds,
    )  # fmt: skip
    model = transformers.EomtForUniversalSegmentation(config)
    side = {"shortest_edge": 128, "longest_edge": 128}
    yield model, transformers.EomtImageProcessor(size=side, do_split_image=False, do_pad=True)


if __name__ == "__main__":
    main()
