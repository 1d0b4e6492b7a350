"""Pixelwise: a small, readable Mask R-CNN in Keras, and what is needed to teach with it."""
