"""How fast a network learns, step by step."""

import math

import keras
from keras import ops


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of learning: it rises, stays at its peak, and falls to 0 as half a cosine.

    As long as it stays, nothing that was learnt depends on how long it will: a training may be
    made longer on the way.

    Args:
        rate: at its peak.
        rise, fall, end: the steps at which it has risen, begins to fall, and is 0.
    """

    def __init__(self, rate, rise, fall, end):
        self.rate, self.rise, self.fall, self.end = rate, rise, fall, end

    def __call__(self, step):
        step = ops.cast(step, "float32")
        fallen = ops.clip((step - self.fall) / max(self.end - self.fall, 1), 0, 1)
        risen = ops.minimum(step / self.rise, 1) if self.rise else 1.0
        return self.rate * risen * (1 + ops.cos(math.pi * fallen)) / 2
