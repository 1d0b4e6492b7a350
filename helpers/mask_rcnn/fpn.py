"""The neck between backbone and heads: the feature pyramid.

Letters: B images, h x w cells of a map, C channels.
"""

from keras import layers, ops

from helpers.mask_rcnn.part import Part


class FPN(Part):
    """[C2..C5] -> [P2..P6]: fine maps learn from coarse ones what it is that they see.

    A neck of your own needs the same: `call(maps, training)` that returns a list of maps of
    equally many channels, one per entry of `levels`.

    Args:
        channels: of each map that comes out.
        backbone_levels: of the maps that come in, finest first. One more comes out.

    Attributes:
        levels: of the maps that come out; level k has a stride of 2 ** k pixels.

    Source: Lin et al. 2017 (FPN), figure 3; the last map is every second cell of the one before.
    """

    def __init__(self, channels, backbone_levels=(2, 3, 4, 5), **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.levels = (*backbone_levels, backbone_levels[-1] + 1)
        self.lateral = [self._conv(channels, 1, f"lateral{level}") for level in backbone_levels]
        self.smooth = [self._conv(channels, 3, f"smooth{level}") for level in backbone_levels]

    def _conv(self, channels, kernel_size, name):
        return layers.Conv2D(
            channels, kernel_size, padding="same", data_format="channels_last", dtype="float32",
            name=name,
        )  # fmt: skip

    def call(self, maps, training=False):
        merged = [lateral(one) for lateral, one in zip(self.lateral, maps, strict=True)]
        for i in reversed(range(len(merged) - 1)):
            coarser = merged[i + 1]
            twice_as_fine = ops.repeat(ops.repeat(coarser, 2, axis=1), 2, axis=2)
            merged[i] = merged[i] + twice_as_fine
        pyramid = [smooth(one) for smooth, one in zip(self.smooth, merged, strict=True)]
        every_second = pyramid[-1][:, ::2, ::2]
        return [*pyramid, every_second]
