"""What all parts of the networks are, and what all networks are that learn."""

import keras
from keras import layers


class Part(layers.Layer):
    """A layer made of layers, which build themselves when it is first called.

    Keras, left alone, would run each part twice for that: once to learn the shapes inside, then for
    its answer. A network takes twice as long to load so.
    """

    def build(self, *shapes):
        self.built = True


class LossModel(keras.Model):
    """A network that gives its losses when it is called with what it learns from.

    Attributes:
        loss_means: the mean of each loss in an epoch, a list of `keras.metrics.Mean`.
    """

    loss_means = ()

    def build(self, *shapes):
        self.built = True  # as its layers do when first called; Keras would try it twice

    def keep_means(self, names):
        """Let `loss_means` be those of the losses of these names."""
        self.loss_means = [keras.metrics.Mean(name, dtype="float32") for name in names]

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the losses: Keras calls this with what `call` returned, losses by name."""
        for mean in self.loss_means:
            mean.update_state(y_pred[mean.name])
        return sum(y_pred.values())
