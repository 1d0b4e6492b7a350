"""What all parts of the networks are: a layer made of layers."""

from keras import layers


class Part(layers.Layer):
    """A layer made of layers, which build themselves when it is first called.

    Keras, left alone, would run each part twice for that: once to learn the shapes inside, then for
    its answer. A network takes twice as long to load so.
    """

    def build(self, *shapes):
        self.built = True
