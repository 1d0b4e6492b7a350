"""What sees: NanoDet's body, a chain of cross-stage partial blocks.

Letters: B images, C channels, H x W pixels of the input, h x w cells of a map.

Its weights come from NanoDet (Apache-2.0, copyright 2020-2021 RangiLyu), where batch normalisation
was folded into the convolutions: none is left.
"""

from keras import layers, ops

from helpers.mask_rcnn.part import Part

OPTIONS = {"data_format": "channels_last", "dtype": "float32"}  # whatever Keras is set to
SLOPE = 0.1  # of the leaky ReLU below zero
# What NanoDet subtracts from each channel and divides it by; blue, green, red, as it was trained.
PIXEL_MEAN_BGR = (103.53, 116.28, 123.675)
PIXEL_STD_BGR = (57.375, 57.12, 58.395)


class ConvLeaky(Part):
    """(B, h, w, C) -> (B, h / strides, w / strides, channels): 3x3 convolution, leaky ReLU.

    With strides of 2 one zero is laid around the map, as in the original. Keras' "same" would lay
    two at the right and below, and every map would be off by a cell.
    """

    def __init__(self, channels, strides=1, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.strides = strides
        padding = "same" if strides == 1 else "valid"
        self.conv = layers.Conv2D(channels, 3, strides, padding=padding, **OPTIONS, name="conv")

    def call(self, x):
        if self.strides > 1:
            x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        return ops.leaky_relu(self.conv(x), SLOPE)


class CspBlock(Part):
    """(B, h, w, C) -> (B, h, w, channels): half of the channels go through two convolutions."""

    def __init__(self, channels, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.first = ConvLeaky(channels // 2, name="first")
        self.second = ConvLeaky(channels // 2, name="second")

    def call(self, x):
        first = self.first(x)
        return ops.concatenate([self.second(first), first], -1)


class CspStage(Part):
    """(B, h, w, C) -> (B, h / strides, w / strides, 2 channels).

    One convolution, a chain of blocks, one more convolution; what comes out of both stands side
    by side.

    Args:
        channels: of each of these convolutions.
        num_blocks: how long the chain is.
        strides: of the first convolution.

    Source: Wang et al. 2020 (CSPNet), figure 3.
    """

    def __init__(self, channels, num_blocks, strides, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.first = ConvLeaky(channels, strides, name="first")
        self.blocks = [CspBlock(channels, name=f"block{i}") for i in range(num_blocks)]
        self.last = ConvLeaky(channels, name="last")

    def call(self, x):
        first = x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return ops.concatenate([self.last(x), first], -1)


class CspBackbone(Part):
    """(B, H, W, 3) uint8 RGB -> [C2, C3, C4, C5], 1/4 to 1/32 of the side.

    C2 has 64 channels, C3 128, C4 256, C5 512. H and W must be divisible by 32.

    Attributes:
        levels: of the maps; level k has a stride of 2 ** k pixels.
    """

    levels = (2, 3, 4, 5)

    def __init__(self, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.stem = ConvLeaky(32, 2, name="stem")
        self.stages = [
            CspStage(32, 1, 1, name="c2"),
            CspStage(64, 2, 2, name="c3"),
            CspStage(128, 2, 2, name="c4"),
            CspStage(256, 3, 2, name="c5"),
        ]

    def call(self, images, training=False):
        x = ops.cast(images, "float32")[..., ::-1]
        mean = ops.convert_to_tensor(PIXEL_MEAN_BGR, "float32")
        std = ops.convert_to_tensor(PIXEL_STD_BGR, "float32")
        x = self.stem((x - mean) / std)
        # Around the map lies minus infinity, one cell on each side; a large negative number does.
        x = ops.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1e4)
        x = ops.max_pool(x, 3, 2, padding="valid", data_format="channels_last")
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        return levels
