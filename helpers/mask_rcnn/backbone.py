"""What sees: a small ResNet that turns an image into maps of features, finer and coarser ones.

Letters: B images, H x W pixels of the input, h x w cells of a map, C channels.
"""

from keras import layers, ops

from helpers.mask_rcnn.part import Part


class ConvNorm(Part):
    """(B, h, w, C) -> (B, h / strides, w / strides, channels): convolution, then BatchNorm."""

    def __init__(self, channels, kernel_size, strides=1, momentum=0.97, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.conv = layers.Conv2D(
            channels, kernel_size, strides, padding="same", use_bias=False,
            data_format="channels_last", dtype="float32", name="conv",
        )  # fmt: skip
        self.norm = layers.BatchNormalization(momentum=momentum, dtype="float32", name="norm")

    def call(self, x, training=False):
        return self.norm(self.conv(x), training=training)


class Block(Part):
    """(B, h, w, C) -> (B, h / strides, w / strides, channels): two convolutions and a shortcut.

    Source: He et al. 2016 (Deep residual learning), figure 2.
    """

    def __init__(self, channels, strides=1, momentum=0.97, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.strides = strides
        self.first = ConvNorm(channels, 3, strides, momentum, name="first")
        self.second = ConvNorm(channels, 3, 1, momentum, name="second")
        # The name is older than the word: stored weights have it.
        self.projection = None
        if strides > 1:
            self.projection = ConvNorm(channels, 1, 1, momentum, name="cut")

    def call(self, x, training=False):
        y = ops.relu(self.first(x, training=training))
        y = self.second(y, training=training)
        if self.projection is None:
            return ops.relu(y + x)
        # The shortcut sees every second cell. As a convolution with a stride this is the same,
        # but TensorFlow 2.21 on a CPU spoils memory in its gradient for some widths.
        every = x[:, :: self.strides, :: self.strides]
        return ops.relu(y + self.projection(every, training=training))


class ResNet(Part):
    """(B, H, W, 3) uint8 -> [C2, C3, C4, C5], maps of 1/4 to 1/32 of the side.

    A backbone of your own needs the same: `call(images, training)` that returns a list of maps,
    one per entry of `levels`; level k has a stride of 2 ** k pixels.

    Args:
        widths: channels of C2..C5.
        depths: residual blocks of each.
        momentum: of BatchNorm.
    """

    levels = (2, 3, 4, 5)

    def __init__(self, widths, depths, momentum=0.97, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.stem = [
            ConvNorm(widths[0] // 2, 3, 2, momentum, name="stem0"),
            ConvNorm(widths[0], 3, 2, momentum, name="stem1"),
        ]
        self.stages = []
        for level, width, depth in zip(self.levels, widths, depths, strict=True):
            blocks = []
            for number in range(depth):
                strides = 2 if number == 0 and level > 2 else 1
                blocks.append(Block(width, strides, momentum, name=f"c{level}_{number}"))
            self.stages.append(blocks)

    def call(self, images, training=False):
        x = ops.cast(images, "float32") / 127.5 - 1  # 0..255 -> -1..1
        for layer in self.stem:
            x = ops.relu(layer(x, training=training))
        maps = []
        for blocks in self.stages:
            for block in blocks:
                x = block(x, training=training)
            maps.append(x)
        return maps
