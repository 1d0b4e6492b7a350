"""How a network learns: batches, engine, curves, and a recipe for each kind of picture."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "curves": ["MEANING", "plot_curve", "read_curve"],
        "fitting": ["fit"],
        "own_data": ["fine_tune"],
        "streets": ["held_out", "train_streets"],
        "targets": ["to_targets"],
    },
)
