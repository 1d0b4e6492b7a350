"""What trains the network: batches, schedule, averaged weights, checkpoints, the best in a file.

`helpers.training.recipes` has two recipes for it.
"""

import datetime
import math
import os
import pathlib
import sys
import time

import keras
from keras import ops

from helpers.mask_rcnn.model import LOSS_NAMES
from helpers.models import read_card, read_weights, save_model, set_weights
from helpers.structures import InputError
from helpers.training.batches import to_partial_targets
from helpers.training.curves import CURVES, best, plot_curve, read_curve, write_row


class Batches(keras.utils.PyDataset):
    """Training batches: the same epoch and step give the same batch, always.

    Args:
        draw: number of a picture, counted from the start of training -> (image, Detections);
            `draw.name(number)`, if it has that, is what the picture is called.
        num_steps: batches per epoch.
        batch_size: pictures per batch.
        workers: threads that draw; None for all cores but one.
        options: of `to_partial_targets`.

    Attributes:
        epoch: which epoch's pictures to draw.
    """

    def __init__(self, draw, num_steps, batch_size, workers=None, **options):
        workers = workers or max(1, (os.cpu_count() or 1) - 1)
        super().__init__(workers=workers, max_queue_size=workers + 2)
        self.draw, self.num_steps, self.batch_size = draw, num_steps, batch_size
        self.options, self.epoch = options, 0

    def __len__(self):
        return self.num_steps

    def __getitem__(self, step):
        return (to_partial_targets([self.draw(k) for k in self._numbers(step)], **self.options),)

    def names(self, step):
        """What the pictures of a batch are called: files, or numbers."""
        name = getattr(self.draw, "name", "picture {}".format)
        return [name(number) for number in self._numbers(step)]

    def _numbers(self, step):
        first = (self.epoch * self.num_steps + step) * self.batch_size
        return range(first, first + self.batch_size)


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


class Run(keras.callbacks.Callback):
    """One training: right pictures, AP after each epoch, the best weights in a file, a way back.

    An epoch is done when its checkpoint is, the last file that it writes: a run that was killed
    goes back to that moment, whatever else it had written.

    Args:
        model: PartialMaskRCNN, built.
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
        self.batches, self.score, self.card, self.say = batches, score, card, say
        self.folder, self.num_epochs, self.patience = pathlib.Path(folder), num_epochs, patience
        self.network, self.place, self.start = model, None, time.monotonic()
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        self.in_notebook = hasattr(shell, "kernel")
        self.average = keras.callbacks.SwapEMAWeights()
        self.average.set_model(model)

    def train(self, rate, heads_epochs=0, hold=0.0):
        """Heads and RPN alone for some epochs, then everything; ends with the best weights.

        Args:
            rate: of learning, at its peak, see `Schedule`.
            heads_epochs: for so long backbone and pyramid stay as they are.
            hold: share of the steps before the rate begins to fall.

        Returns:
            The card of these weights.
        """
        from tqdm.auto import tqdm

        steps = self.num_epochs * len(self.batches)
        seen = self.say and (self.in_notebook or sys.stderr.isatty())
        with tqdm(total=steps, unit="batch", disable=not seen, leave=False) as self.bar:
            phases = (("heads", 0, heads_epochs), ("all", heads_epochs, self.num_epochs))
            for name, first, last in phases:
                if first < last:
                    self._phase(name, first, last, rate, hold)
        path = self.folder / f"{self.card['name']}.json"
        set_weights(self.network, read_weights(path.with_suffix(".npz")))
        return read_card(path)

    def _phase(self, name, first, last, rate, hold):
        """Train the heads or all, from one epoch to another or from where the checkpoint is."""
        model, steps = self.network, len(self.batches)
        num_steps = (last - first) * steps
        warmup = min(200, num_steps // 10)
        schedule = Schedule(rate, warmup, max(warmup, hold * num_steps), num_steps)
        memory = max(0.0, 1 - 12 / num_steps)  # the average looks back on a twelfth of the steps
        optimizer = keras.optimizers.AdamW(
            schedule, weight_decay=1e-4, clipnorm=5.0, use_ema=True, ema_momentum=memory
        )
        model.backbone.trainable = name == "all"
        model.neck.trainable = name == "all"
        # XLA is slower than plain TensorFlow on a CPU, and JAX cannot do without it.
        model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
        optimizer.build(model.trainable_variables)
        self.checkpoint = self.folder / "checkpoint" / f"{name}.weights.h5"
        if self.checkpoint.exists():
            model.load_weights(self.checkpoint)
        done = first + int(keras.ops.convert_to_numpy(optimizer.iterations)) // steps
        self.bar.update(done * steps - self.bar.n)
        if done < last and not self._is_over():
            epochs = {"initial_epoch": done, "epochs": last}
            model.fit(self.batches, **epochs, callbacks=[self], shuffle=False, verbose=0)
        else:
            optimizer.finalize_variable_values(model.trainable_variables)  # as `fit` ends, too

    def on_epoch_begin(self, epoch, logs=None):
        """Pictures and lots depend on the epoch alone: a stop changes nothing."""
        self.batches.epoch = epoch
        self.model.noise.state.assign([epoch, 0])

    def on_train_batch_end(self, batch, logs=None):
        self.bar.update()
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
        result, seen = self.score(), (epoch + 1) * len(self.batches) * self.batches.batch_size
        row = {"images": seen, **{name: round(float(logs[name]), 4) for name in LOSS_NAMES}}
        row |= {f"{kind}_{name}": result[kind][name] for kind, name in CURVES}
        rows = write_row(self.folder, row)
        if best(rows) == len(rows) - 1:
            date = datetime.date.today().isoformat()
            card = {**self.card, "images_seen": seen, "date": date, "validation": result}
            save_model(self.model, card, self.folder)
        self.average.on_test_end()
        part = self.checkpoint.with_name(f"new.{self.checkpoint.name}")
        part.parent.mkdir(exist_ok=True)
        self.model.save_weights(part)
        part.replace(self.checkpoint)
        self.model.stop_training = self._is_over()
        if self.say:
            self._show(epoch, rows, row)

    def _is_over(self):
        """Whether AP has not risen for `patience` epochs."""
        rows = read_curve(self.folder)
        return bool(self.patience and rows) and len(rows) - 1 - best(rows) >= self.patience

    def _show(self, epoch, rows, row):
        """The curve, drawn anew in one place of a notebook; elsewhere a line."""
        if self.in_notebook:
            from IPython.display import display

            if self.place:
                self.place.update(plot_curve(rows))
            else:
                self.place = display(plot_curve(rows), display_id=True)
            return
        minutes, seconds = divmod(round(time.monotonic() - self.start), 60)
        losses = "  ".join(f"{name} {row[name]:.3f}" for name in LOSS_NAMES)
        aps = "  ".join(f"{kind} {name} {row[f'{kind}_{name}'] or 0:.3f}" for kind, name in CURVES)
        self.say(f"{minutes:3}:{seconds:02} epoch {epoch + 1}/{self.num_epochs}  {losses}  {aps}")
