"""The variants of Mask R-CNN that `ablations.py` compares, and the networks of them."""

import functools
from typing import NamedTuple

from helpers import DATA
from helpers.lessons.variants import CoupledMaskRCNN, PlainPyramid, PoolingMaskRCNN
from helpers.mask_rcnn.config import Config
from helpers.mask_rcnn.mask_head import MaskHead
from helpers.mask_rcnn.model import MaskRCNN
from helpers.mask_rcnn.part import Part
from helpers.models import load_model


class Variant(NamedTuple):
    """One way to build the network: what it has in words, and what differs from `streets`."""

    text: str
    network: type = MaskRCNN
    config: dict = {}
    num_masks: int = 8  # channels of the mask head
    neck: type | None = None  # None: the pyramid of streets


MASKS = {  # the first is what the others are compared with
    "masks": Variant("RoIAlign, 1 point per bin, 28 x 28 cells, a mask for each class"),
    "masks-pool": Variant("RoIPool", PoolingMaskRCNN),
    "masks-4-points": Variant("4 points per bin", config={"mask_sampling_ratio": 2}),
    "masks-14": Variant("14 x 14 cells", config={"mask_side": 14}),
    "masks-softmax": Variant("softmax over the classes", CoupledMaskRCNN, num_masks=9),
    "masks-agnostic": Variant("one mask for all classes", num_masks=1),
}
WHOLE = {
    "whole": Variant("feature pyramid, RoIAlign", neck=MaskRCNN),
    "whole-plain": Variant("pyramid without the way down", neck=PlainPyramid),
}
EXCHANGED = {
    "streets": Variant("streets as it is"),
    "streets-pool": Variant("RoIPool", PoolingMaskRCNN),
    "streets-4-points": Variant("4 points per bin", config={"mask_sampling_ratio": 2}),
    "streets-14": Variant("14 x 14 cells", config={"mask_side": 14}),
}


@functools.cache
def streets():
    """The bundled model."""
    return load_model(DATA / "streets.json")[0]


class AsRecorded(Part):
    """A backbone or a neck that was asked before: it is given its maps, and hands them on."""

    def __init__(self, levels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.levels = levels

    def call(self, maps, training=False):
        return maps


def build(variant):
    """The network of a variant with random weights; it takes recorded maps for pictures."""
    config = Config(**variant.config)
    channels = config.fpn_channels
    momentum = config.norm_momentum
    necks = {
        None: lambda: AsRecorded((2, 3, 4, 5, 6), name="fpn"),
        MaskRCNN: lambda: None,  # its own
        PlainPyramid: lambda: PlainPyramid(channels, name="fpn"),
    }
    head = MaskHead(variant.num_masks, channels, config.mask_num_convs, momentum, name="mask_head")
    return variant.network(
        config,
        backbone=AsRecorded((2, 3, 4, 5), name="backbone"),
        neck=necks[variant.neck](),
        mask_head=head,
    )
