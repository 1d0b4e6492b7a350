"""The mask branch on a one-stage detector: which pixels of a box belong to the object?

The same idea as `helpers.mask_rcnn.mask_head`, with two differences. One mask is predicted whatever
the class: 80 classes have too few true masks each. And the features come twice: coarse ones, which
know what is there, on a 14 x 14 grid; fine ones, which know where its border is, on 28 x 28.

Letters: B images, C and F channels, D boxes per image, M cells along a side of a mask.
"""

from keras import layers, ops

from helpers.mask_rcnn.backbone import ConvNorm
from helpers.mask_rcnn.part import Part
from helpers.mask_rcnn.roi_align import roi_align
from helpers.one_stage.backbone import OPTIONS

# The side of a box whose features come from stride 16, in pixels: a cell of either grid is then
# about one or two cells of the map wide.
COARSE_SIDE = 160
FINE_SIDE = 384


class MaskMaps(Part):
    """[C2..C5], [N3, N4, N5] -> coarse maps (1/8, 1/16, 1/32), fine maps (1/4, 1/8).

    Args:
        coarse_channels: of the coarse maps, each from the body's and the neck's map of its size.
        fine_channels: of the fine maps, from C2 and C3 and what the coarse map of 1/8 knows.
    """

    coarse_strides = (8, 16, 32)
    fine_strides = (4, 8)

    def __init__(self, coarse_channels, fine_channels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.coarse = [ConvNorm(coarse_channels, 1, name=f"coarse{i}") for i in (3, 4, 5)]
        self.fine = [ConvNorm(fine_channels, 1, name=f"fine{i}") for i in (2, 3)]
        self.smooth = ConvNorm(fine_channels, 3, name="smooth")

    def call(self, levels, pyramid, training=False):
        coarse = []
        for body, neck, conv in zip(levels[1:], pyramid, self.coarse, strict=True):
            both = ops.concatenate([body, neck], -1)
            coarse.append(ops.relu(conv(both, training=training)))
        fine3 = self.fine[1](ops.concatenate([levels[1], coarse[0]], -1), training=training)
        height, width = levels[0].shape[1:3]
        upper = ops.image.resize(
            fine3, (height, width), interpolation="bilinear", data_format="channels_last"
        )
        fine2 = ops.relu(self.fine[0](levels[0], training=training) + upper)
        fine2 = ops.relu(self.smooth(fine2, training=training))
        return coarse, [fine2, ops.relu(fine3)]


class FineMaskHead(Part):
    """(B, D, M/2, M/2, C), (B, D, M, M, F) -> mask_logits (B, D, M, M, 1).

    Convolutions on the coarse grid say which of the objects in the box is meant; a transposed
    convolution doubles the side; with the fine features one more convolution draws its border.

    Args:
        channels: C, of the coarse convolutions.
        fine_channels: F, of the fine ones.
        num_convs: how many coarse ones.
    """

    def __init__(self, channels, fine_channels, num_convs=3, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.convs = [ConvNorm(channels, 3, name=f"conv{i}") for i in range(num_convs)]
        self.up = layers.Conv2DTranspose(fine_channels, 2, 2, **OPTIONS, name="up")
        self.merge = ConvNorm(fine_channels, 3, name="merge")
        self.logits = layers.Conv2D(1, 1, **OPTIONS, name="logits")

    def call(self, coarse, fine, training=False):
        batch = ops.shape(coarse)[0]
        num, side = coarse.shape[1:3]
        hidden = ops.reshape(coarse, (-1, side, side, coarse.shape[-1]))
        for conv in self.convs:
            hidden = ops.relu(conv(hidden, training=training))
        fine = ops.reshape(fine, (-1, 2 * side, 2 * side, fine.shape[-1]))
        hidden = ops.relu(self.up(hidden) + fine)
        logits = self.logits(ops.relu(self.merge(hidden, training=training)))
        return ops.reshape(logits, (batch, num, 2 * side, 2 * side, 1))


class MaskBranch(Part):
    """Levels, pyramid and boxes (B, D, 4) -> mask_logits (B, D, M, M, 1).

    Args:
        mask_side: M.
        channels, fine_channels: see `FineMaskHead`.
    """

    def __init__(self, mask_side=28, channels=48, fine_channels=24, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.mask_side = mask_side
        self.maps = MaskMaps(channels, fine_channels, name="maps")
        self.head = FineMaskHead(channels, fine_channels, name="head")

    def call(self, levels, pyramid, boxes, training=False):
        coarse, fine = self.maps(levels, pyramid, training=training)
        coarse, fine = self.roi_features(coarse, fine, boxes)
        return self.head(coarse, fine, training=training)

    def roi_features(self, coarse, fine, boxes):
        """What RoIAlign takes for boxes (B, D, 4): coarse and fine features, see `FineMaskHead`."""
        half = roi_align(
            coarse, boxes, self.maps.coarse_strides, self.mask_side // 2, 1, COARSE_SIDE
        )
        whole = roi_align(fine, boxes, self.maps.fine_strides, self.mask_side, 1, FINE_SIDE)
        return half, whole
