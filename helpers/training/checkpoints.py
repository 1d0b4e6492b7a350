"""What a training goes on from after a stop."""


def save_checkpoint(model, path):
    """Write all that learns, and the state of its optimizer: whole, or not at all.

    Args:
        model: keras.Model.
        path: Path of `….weights.h5`; its folder is made if need be. A run that is killed finds the
            last one there.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"new.{path.name}")  # Keras wants this ending
    try:
        model.save_weights(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
