"""What sees: a small ResNet and the feature pyramid on top. Letters: `helpers.structures`."""

from keras import Sequential, layers, ops


def conv_norm(channels, kernel, strides=1, name=None):
    """A convolution without bias, then batch normalisation."""
    conv = layers.Conv2D(channels, kernel, strides, padding="same", use_bias=False, name="conv")
    norm = layers.BatchNormalization(momentum=0.97, name="norm")
    return Sequential([conv, norm], name=name)


class Block(layers.Layer):
    """(B, h, w, C) -> (B, h / strides, w / strides, channels): two convolutions and a short cut.

    Source: He et al. 2016 (Deep residual learning), figure 2.
    """

    def __init__(self, channels, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.first = conv_norm(channels, 3, strides, name="first")
        self.second = conv_norm(channels, 3, name="second")
        self.strides = strides
        self.cut = conv_norm(channels, 1, name="cut") if strides > 1 else None

    def call(self, x, training=False):
        y = ops.relu(self.first(x, training=training))
        y = self.second(y, training=training)
        # The short cut sees every second cell. As a convolution with a stride this is the same, but
        # TensorFlow 2.21 on a CPU spoils memory in its gradient for some widths.
        every = x[:, :: self.strides, :: self.strides]
        return ops.relu(y + (self.cut(every, training=training) if self.cut else x))


class Backbone(layers.Layer):
    """(B, H, W, 3) uint8 -> [C2, C3, C4, C5], 1/4 to 1/32 of the side: a small ResNet."""

    def __init__(self, widths, depths, **kwargs):
        super().__init__(**kwargs)
        self.stem = [conv_norm(widths[0] // 2, 3, 2, "stem0"), conv_norm(widths[0], 3, 2, "stem1")]
        self.stages = []
        for i, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            strides = [1 if i == 0 else 2] + [1] * (depth - 1)
            blocks = [Block(width, s, name=f"c{i + 2}_{j}") for j, s in enumerate(strides)]
            self.stages.append(blocks)

    def call(self, images, training=False):
        x = ops.cast(images, "float32") / 127.5 - 1
        for layer in self.stem:
            x = ops.relu(layer(x, training=training))
        levels = []
        for stage in self.stages:
            for block in stage:
                x = block(x, training=training)
            levels.append(x)
        return levels


class FPN(layers.Layer):
    """[C2..C5] -> [P2..P6]: fine levels learn from coarse ones what it is that they see.

    Source: Lin et al. 2017 (FPN), figure 3; P6 is every second cell of P5.
    """

    def __init__(self, channels, num_levels=4, **kwargs):
        super().__init__(**kwargs)
        conv = lambda size, name: layers.Conv2D(channels, size, padding="same", name=name)  # noqa: E731
        self.lateral = [conv(1, f"lateral{i + 2}") for i in range(num_levels)]
        self.smooth = [conv(3, f"smooth{i + 2}") for i in range(num_levels)]

    def call(self, levels):
        merged = [lateral(level) for lateral, level in zip(self.lateral, levels, strict=True)]
        for i in reversed(range(len(merged) - 1)):
            upper = ops.repeat(ops.repeat(merged[i + 1], 2, axis=1), 2, axis=2)
            merged[i] = merged[i] + upper
        pyramid = [smooth(level) for smooth, level in zip(self.smooth, merged, strict=True)]
        return [*pyramid, pyramid[-1][:, ::2, ::2]]
