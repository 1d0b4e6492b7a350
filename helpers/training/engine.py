"""What trains the network: phases, averaged weights, checkpoints, the best weights in a file."""

import contextlib
import datetime
import math
import pathlib

import keras
from keras import ops

from helpers.alone import alone_in
from helpers.models import read_card, read_weights, save_model, set_weights
from helpers.pictures import remove_halves
from helpers.structures import InputError
from helpers.training.checkpoints import save_checkpoint
from helpers.training.curves import CURVES, best, read_curve, write_row
from helpers.training.progress import Progress
from helpers.training.schedule import Schedule

WEIGHT_DECAY = 1e-4
CLIP_NORM = 5.0  # of the gradient of each variable
MAX_WARMUP = 200  # steps in which the rate of learning rises, a tenth of a phase at most


class Run(keras.callbacks.Callback):
    """One training: right pictures, AP after each epoch, the best weights in a file, a way back.

    An epoch is done when its checkpoint is, the last file that it writes: a run that was killed
    goes back to that moment, whatever else it had written.

    Args:
        model: PartialMaskRCNN or LearningOneStage, built.
        batches: Batches.
        score: () -> what `evaluate` says of the model as it is at that moment.
        folder: for `checkpoint/`, `curve.csv`, `log/` (TensorBoard), weights and card.
        card: what is known of the model beforehand, with "name" and "categories".
        num_epochs: how long.
        patience: stop when mask AP has not risen for so many epochs; None never stops.
        say: gets a line for each epoch; None for silence.
    """

    def __init__(self, model, batches, score, folder, card, num_epochs, patience=None, say=print):
        super().__init__()
        self.network, self.batches, self.score = model, batches, score
        self.folder = pathlib.Path(folder)
        self.card = card
        self.num_epochs, self.patience = num_epochs, patience
        self.progress = Progress(num_epochs, len(batches), say)
        self.average = keras.callbacks.SwapEMAWeights()
        self.average.set_model(model)

    def train(self, rate, heads_epochs=0):
        """Heads and RPN alone for some epochs, then everything; ends with the best weights.

        Args:
            rate: of learning, at its peak, see `Schedule`.
            heads_epochs: for so long backbone and pyramid stay as they are.

        Returns:
            The card of these weights.

        Raises:
            InputError: another run is at work in the folder.
        """
        with alone_in(self.folder), contextlib.closing(self.progress):
            remove_halves(self.folder)
            if heads_epochs > 0:
                self._phase("heads", 0, heads_epochs, rate)
            if heads_epochs < self.num_epochs:
                self._phase("all", heads_epochs, self.num_epochs, rate)
        path = self.folder / f"{self.card['name']}.json"
        set_weights(self.network, read_weights(path.with_suffix(".npz")))
        return read_card(path)

    def _phase(self, name, first, last, rate):
        """Train the heads or all, from one epoch to another or from where the checkpoint is."""
        model = self.network
        num_steps = len(self.batches)
        optimizer = _optimizer((last - first) * num_steps, rate)
        model.backbone.trainable = name == "all"
        model.neck.trainable = name == "all"
        # XLA is slower than plain TensorFlow on a CPU, and JAX cannot do without it.
        model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        optimizer.build(model.trainable_variables)

        self.checkpoint = self.folder / "checkpoint" / f"{name}.weights.h5"
        if self.checkpoint.exists():
            model.load_weights(self.checkpoint)
        done = first + int(ops.convert_to_numpy(optimizer.iterations)) // num_steps
        self.progress.go_to(done * num_steps)
        if done < last and not self._is_over():
            model.fit(
                self.batches,
                initial_epoch=done,
                epochs=last,
                callbacks=[self],
                shuffle=False,
                verbose=0,
            )
        else:
            optimizer.finalize_variable_values(model.trainable_variables)  # as `fit` ends, too

    def on_epoch_begin(self, epoch, logs=None):
        """Pictures and sampling depend on the epoch alone: a stop changes nothing."""
        self.batches.epoch = epoch
        self.model.noise.state.assign([epoch, 0])

    def on_train_batch_end(self, batch, logs=None):
        """Stop where the loss is no number any more."""
        self.progress.batch()
        if not math.isfinite(float(logs["loss"])):
            names = ", ".join(self.batches.names(batch))
            raise InputError(
                f"the loss is no number after batch {batch + 1} of epoch {self.batches.epoch + 1}, "
                f"made of {names}: look at these pictures and their masks; if they are fine, start "
                "again in a new folder with half the rate"
            )

    def on_epoch_end(self, epoch, logs=None):
        """Score and save the averaged weights; then the checkpoint, of those that learn."""
        self.average.on_test_begin()
        result = self.score()
        num_seen = (epoch + 1) * len(self.batches) * self.batches.batch_size
        row = {"images": num_seen}
        for mean in self.network.loss_means:
            row[mean.name] = round(float(logs[mean.name]), 4)
        for kind, name in CURVES:
            row[f"{kind}_{name}"] = result[kind][name]
        rows = write_row(self.folder, row)
        if best(rows) == len(rows) - 1:
            self._save_best(num_seen, result)
        self.average.on_test_end()
        save_checkpoint(self.model, self.checkpoint)
        self.model.stop_training = self._is_over()
        self.progress.epoch(epoch, rows)

    def _save_best(self, num_seen, result):
        """The model as it is becomes the one that `load_detector(folder)` gives."""
        card = {
            **self.card,
            "images_seen": num_seen,
            "date": datetime.date.today().isoformat(),
            "validation": result,
        }
        save_model(self.model, card, self.folder)

    def _is_over(self):
        """Whether AP has not risen for `patience` epochs."""
        rows = read_curve(self.folder)
        if not self.patience or not rows:
            return False
        return len(rows) - 1 - best(rows) >= self.patience


def _optimizer(num_steps, rate):
    """AdamW for a phase of so many steps, with averaged weights beside those that learn."""
    warmup = min(MAX_WARMUP, num_steps // 10)
    schedule = Schedule(rate, warmup, warmup, num_steps)
    return keras.optimizers.AdamW(
        schedule,
        weight_decay=WEIGHT_DECAY,
        clipnorm=CLIP_NORM,
        use_ema=True,
        ema_momentum=max(0.0, 1 - 12 / num_steps),  # looks back on a twelfth of the steps
    )
