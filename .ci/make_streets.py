"""Draws the pictures and the video that Pixelwise ships.

.venv/bin/python .ci/make_streets.py FOLDER
"""

import pathlib
import sys

import numpy as np

from helpers.pictures import save_image
from helpers.streets import draw_clip, draw_scene
from helpers.video import write_video

SEEDS = (506, 806, 1650, 1899, 3748, 2803)  # day, morning, dusk, rain, snow, night
CLIP_SEED = 30  # with the seconds and the size below; others give another street
CLIP_SECONDS = 5
CLIP_FPS = 24
CLIP_SIZE = (384, 640)  # height, width


def main(folder):
    """Write pictures/street-1.jpg and so on, and street.mp4."""
    for number, seed in enumerate(SEEDS, 1):
        image, _ = draw_scene(seed, (512, 640))
        save_image(folder / "pictures" / f"street-{number}.jpg", image)
    frames = draw_clip(CLIP_SEED, CLIP_SECONDS * CLIP_FPS, CLIP_FPS, CLIP_SIZE)
    images = (image for image, _ in frames)
    write_video(folder / "street.mp4", images, CLIP_FPS, soundtrack(CLIP_SEED, CLIP_SECONDS))


def soundtrack(seed, seconds, rate=48000):
    """The street's sound: a soft hum, cars that pass from one ear to the other, a bicycle bell.

    Args:
        seed: not negative.
        seconds: duration, above 0.
        rate: samples per second.

    Returns:
        (round(seconds * rate), 2) int16; fades in and out, its peak is half of full scale.
    """
    rng = np.random.default_rng(seed)
    num_samples = round(seconds * rate)
    t = np.arange(num_samples) / rate
    hertz = np.fft.rfftfreq(num_samples, 1 / rate)

    def noise(low, high):
        """Noise between two frequencies, of standard deviation 1."""
        band = (hertz / low) ** 2 / (1 + (hertz / low) ** 2) / (1 + (hertz / high) ** 2)
        spectrum = np.fft.rfft(rng.standard_normal(num_samples))
        sound = np.fft.irfft(spectrum * band, num_samples)
        return sound / max(sound.std(), 1e-9)

    sound = 0.12 * np.stack([noise(60, 300), noise(60, 300)], 1)
    tyres = noise(120, 700)
    for _ in range(1 + int(seconds / 2.5)):
        middle = rng.uniform(0, seconds)
        width = rng.uniform(0.5, 1.1)
        direction = (-1, 1)[int(rng.integers(2))]
        swell = rng.uniform(0.15, 0.35) * np.exp(-(((t - middle) / width) ** 2)) * tyres
        right = 0.5 + 0.45 * np.tanh(direction * (t - middle) / width)
        sound += swell[:, None] * np.sqrt(np.stack([1 - right, right], 1))
    for start in rng.uniform(0, seconds, int(seconds / 8) + 1):
        for ring in (start, start + 0.18):
            after = np.clip(t - ring, 0, None)
            bell = np.sin(2 * np.pi * 2093 * after) + 0.5 * np.sin(2 * np.pi * 5274 * after)
            sound += (0.05 * bell * np.exp(-7 * after))[:, None] * (0.7, 0.4)
    fade = np.clip(np.minimum(t, seconds - t) / min(0.5, seconds / 4), 0, 1)[:, None]
    sound *= np.sin(np.pi / 2 * fade) ** 2
    return np.rint(sound * (16383 / max(abs(sound).max(), 1e-9))).astype(np.int16)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
