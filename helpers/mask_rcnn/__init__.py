"""Mask R-CNN, written to be read: `keras.ops` only, so it runs on TensorFlow, JAX and PyTorch."""
