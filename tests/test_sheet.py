"""The paper of the explorers: what is drawn lies where it should, and words stay on it."""

import numpy as np

from helpers.drawing import PALETTE
from helpers.lessons.sheet import Sheet


def ink_of(sheet):
    """Rows and columns of the dark pixels: (N, 2)."""
    return np.argwhere((sheet.pixels < 128).all(axis=2))


def test_a_sheet_is_drawn_on_in_its_own_units():
    sheet = Sheet(0, 0, 8, 4, np.full((4, 8, 3), 200, np.uint8))
    assert sheet.pixels.shape == (450, 900, 3) and sheet.pixels.dtype == np.uint8
    sheet.frame([(1, 1, 3, 3), (5, 1, 7, 3)], PALETTE[2])
    sheet.frame(np.zeros((0, 4)), PALETTE[2])  # none
    sheet.frame((1, 3.2, 7, 3.8), PALETTE[6], 5, dashed=True)
    sheet.dots([4], [2], PALETTE[5], 20)
    cell = 900 / 8

    def at(x, y):
        return sheet.pixels[round(y * cell), round(x * cell)].tolist()

    assert at(0.5, 0.5) == at(2, 2) == [200] * 3
    assert at(1, 2) == at(7, 2) == at(6, 1) == list(PALETTE[2]) and at(4, 2) == list(PALETTE[5])
    line = sheet.pixels[round(3.2 * cell), round(cell) : round(7 * cell)].tolist()
    dash, gap = line.count(list(PALETTE[6])), line.count([255] * 3)
    assert dash > gap > 0.3 * len(line) and line[1] == line[-1] == list(PALETTE[6])
    assert Sheet(-1, -1, 2, 9).pixels.shape == (750, 225, 3)


def test_notes_stay_on_the_sheet():
    sheet = Sheet(0, 0, 9, 7.5)
    sheet.note(4.5, 2, "middle", size=40, anchor=0)
    y, x = ink_of(sheet).T  # a hundred pixels a unit
    assert abs((x.min() + x.max()) / 2 - 450) < 4 and 200 < y.min() < y.max() < 260
    for x, y, anchor in ((0, 0, 1), (9, 7.5, 0), (0, 7.5, 0.5)):
        sheet, other = Sheet(0, 0, 9, 7.5), Sheet(0, 0, 9, 7.5)
        sheet.note(x, y, "corner", size=40, anchor=anchor)
        other.note(4.5, 4, "corner", size=40)
        assert len(ink_of(sheet)) == len(ink_of(other)) > 500  # all of it
    tiny = Sheet(0, 0, 900, 40)
    tiny.note(450, 20, "too long and too high" * 9, size=60)
    assert tiny.pixels.shape == (40, 900, 3) and len(ink_of(tiny))


def test_a_table_writes_each_number_into_its_cell():
    sheet = Sheet(0, 0, 4, 2)
    sheet.table(np.array([[1.0, 2.5]]), (0, 0, 4, 2), (0, 0, 0), "{:g}".format, 60)
    dark = (sheet.pixels < 128).all(axis=2)
    centres = [np.argwhere(half)[:, 1].mean() for half in (dark[:, :450], dark[:, 450:])]
    assert np.allclose(centres, 225, atol=8) and dark[:, 450:].sum() > 1.5 * dark[:, :450].sum()
    assert (sheet.pixels == 255).mean() > 0.9
