"""What compares: NanoDet's path aggregation, coarse to fine and back.

Letters: B images, C channels, h x w cells of a map.
"""

from keras import layers, ops

from helpers.mask_rcnn.part import Part
from helpers.one_stage.backbone import OPTIONS


class PathNeck(Part):
    """[C2, C3, C4, C5] -> [N3, N4, N5], all with `channels` channels.

    A 1x1 convolution for each level; each level is added to the finer one, doubled in size; then
    each to the coarser one, halved. No convolution follows. C2 is not used.

    Attributes:
        levels: of the maps that come out.
        strides: of these maps; level k has one of 2 ** k pixels.

    Source: Liu et al. 2018 (PANet), figure 1, reduced to sums as in NanoDet.
    """

    levels = (3, 4, 5)
    strides = tuple(2**level for level in levels)

    def __init__(self, channels=128, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.lateral = [
            layers.Conv2D(channels, 1, **OPTIONS, name=f"lateral{i}") for i in (3, 4, 5)
        ]

    def call(self, levels, training=False):
        merged = [conv(level) for conv, level in zip(self.lateral, levels[1:], strict=True)]
        for i in (1, 0):
            height, width = merged[i].shape[1:3]
            upper = ops.image.resize(
                merged[i + 1],
                (height, width),
                interpolation="bilinear",
                data_format="channels_last",
            )
            merged[i] = merged[i] + upper
        for i in (1, 2):
            # Halved bilinearly, a cell is the mean of the four that it covers.
            merged[i] = merged[i] + ops.average_pool(
                merged[i - 1], 2, 2, data_format="channels_last"
            )
        return merged
