"""Outlines drawn by hand, over a grid: who is in photographs that other packages ship.

Points are x, y in pixels of the picture.
"""

import importlib.util
import pathlib

import numpy as np

OUTLINES = {  # (package, file in it, class): points
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "person"): """
        175 83 195 50 218 42 222 28 240 24 275 24 297 30 303 42 325 50 345 72 352 88 364 86 371 100
        371 150 366 180 375 190 372 225 364 262 360 285 345 305 333 310 340 325 375 348 420 368
        480 388 490 392 500 420 512 450 512 600 12 600 22 540 30 460 40 400 55 385 100 368 150 350
        190 325 200 312 185 298 168 285 160 265 166 240 155 215 153 192 160 172 152 155 153 100
        165 88""",
    ("skimage", "data/astronaut.png", "person"): """
        153 70 160 50 185 30 205 20 235 15 270 28 292 52 302 85 298 105 285 125 270 135 262 150
        258 172 280 190 298 215 304 240 325 252 340 275 352 300 360 350 335 355 310 375 290 405
        278 440 276 480 282 512 25 512 20 470 22 420 20 380 28 330 38 290 55 255 85 228 113 205
        112 190 120 170 140 155 170 148 187 150 180 130 165 115 155 95""",
    ("skimage", "data/chelsea.png", "cat"): """
        38 0 395 0 375 45 350 75 362 120 352 160 335 195 318 225 312 250 330 270 345 300 0 300
        0 190 20 150 32 110 36 60""",
}


def find(package, file):
    """The path of a picture inside an installed package, or None."""
    spec = importlib.util.find_spec(package)
    path = pathlib.Path(spec.origin).parent / file if spec else pathlib.Path("nowhere")
    return path if path.is_file() else None


def points(text):
    """The points (N, 2) of an outline."""
    return np.array(text.split(), int).reshape(-1, 2)
