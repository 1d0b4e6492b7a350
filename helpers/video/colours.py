"""From a video's colours to a picture's, and back: what screens and models take for granted.

A picture's numbers are those of BT.709. A phone's HDR video stores others: light far above white,
by the curve HLG or PQ, in the wider primaries of BT.2020. Shown as they are they look pale.
"""

import functools

import av
import cv2
import numpy as np

# What FFmpeg calls these; PyAV 17 has no names for them.
EXACT = 0x2 | 0x2000 | 0x40000  # bilinear, full chroma, accurate rounding: else all darkens by one
BT709 = 1
UNKNOWN = 2
BT2020 = 9
PQ = 16
HLG = 18

WHITE_HLG = 0.265  # scene light of white: 75 % of the signal (ITU-R BT.2408, section 2)
WHITE_PQ = 203  # candela per square metre, likewise
# Primaries of BT.2020 in those of BT.709 (ITU-R BT.2407, section 2).
TO_BT709 = np.float32(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
FINE = 4096  # steps of light between black and white


def to_rgb(frame, width, height) -> np.ndarray:
    """A decoded frame as a picture of a size.

    Args:
        frame: PyAV's. Without a word on its colours it is BT.709 if it is as large as HD, else
            BT.601, as players take it. Light above white is cut off.
        width, height: pixels.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    more = {"width": width, "height": height, "interpolation": EXACT}
    if frame.colorspace == UNKNOWN and (frame.width >= 1280 or frame.height > 576):
        more["src_colorspace"] = "ITU709"
    if frame.color_trc not in (HLG, PQ) and frame.color_primaries != BT2020:
        return frame.to_ndarray(format="rgb24", **more)
    light, codes = _curves(frame.color_trc)
    values = frame.to_ndarray(format="gbrp10le", **more)
    share_of_white = np.clip(cv2.transform(light[values], TO_BT709), 0, 1)
    return codes[np.round(share_of_white * (FINE - 1)).astype(np.uint16)]


def to_yuv(image):
    """PyAV's frame of an image (H, W, 3) uint8 RGB with even sides: BT.709, 4:2:0."""
    frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(image), "rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709", interpolation=EXACT)


@functools.cache
def _curves(transfer):
    """How a video's numbers become light, and light a picture's numbers.

    HLG describes the light of the scene, so that BT.709's camera takes it up again; PQ that of the
    screen, which BT.1886 describes for BT.709 (ITU-R BT.2408, section 5).

    Returns:
        (1024,) float32, the light of each 10-bit number, 1 for white; (FINE,) uint8, the number of
        each step of light.
    """
    signal = np.linspace(0, 1, 1024)
    step = np.linspace(0, 1, FINE)
    if transfer == PQ:
        light = _pq_to_nits(signal) / WHITE_PQ
        codes = step ** (1 / 2.4)
    else:
        is_hlg = transfer == HLG
        light = _hlg_to_scene(signal) / WHITE_HLG if is_hlg else _bt709_to_scene(signal)
        codes = np.where(step < 0.018, 4.5 * step, 1.099 * step**0.45 - 0.099)
    return light.astype(np.float32), np.round(codes * 255).astype(np.uint8)


def _hlg_to_scene(signal):
    """Light 0..1 of the numbers 0..1 of hybrid log-gamma (ITU-R BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)


def _pq_to_nits(signal):
    """Candela per square metre of the numbers 0..1 of PQ (ITU-R BT.2100, table 4)."""
    root = signal ** (32 / 2523)
    return 1e4 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (8192 / 1305)


def _bt709_to_scene(signal):
    """Light 0..1 of the numbers 0..1 of BT.709, and of BT.2020 without HDR."""
    return np.where(signal < 0.081, signal / 4.5, ((signal + 0.099) / 1.099) ** (1 / 0.45))
