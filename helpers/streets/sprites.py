"""The drawings of the street world: each is a list of coloured polygons, `Part`s.

Units: metres; a point is complex, x + 1j * y (x to the right, y up): turning is multiplication.
A sprite takes (rng, speed in metres per second, 0 if it stands), chooses its shape and colours and
gives `pose(t)`: its parts at t seconds, those behind first. It faces right and stands on y = 0.
"""

from typing import NamedTuple

import numpy as np

CIRCLE = np.exp(2j * np.pi * (np.arange(24) + 0.5) / 24)
ARC = np.exp(1j * np.pi * np.linspace(-0.5, 0.5, 9))  # the right half of a circle, upwards


def rgb(words):
    """Colours (r, g, b) from hexadecimal words: "ff0000 00ff00" is red and green."""
    return [tuple(bytes.fromhex(word)) for word in words.split()]


INK, WHITE, STEEL, GLASS = rgb("262832 f4f4f0 787e88 405c74")
LAMP, RED, AMBER, GREEN, RIM = rgb("fff0be e8342c ffb828 3cd678 b2b6be")
PAINT = rgb("d63e38 2c62b2 f0f0ec 343842 f4b436 429678 a0aab4 ee8046 7a4a8c 60b2d6 96283c cec4a8")
SKIN, DENIM = rgb("fad6b8 e8b892 c48c64 8c5c40 603e2e"), rgb("343e5c 262832 706256 465c82 969082")
HAIR = rgb("28201e 5c3c26 aa763c deba6e 96969a a04628")
COATS = rgb("be8854 704c34 e8d6b8 3e3a3c d6aa6e 96928e")

# fmt: off
# What follows are drawings: tables of coordinates, packed like tables.

class Part(NamedTuple):
    """A filled polygon: points (K,) complex, metres; its colour; whether it shines by itself."""
    points: np.ndarray
    color: tuple
    lit: bool = False

def poly(points, color, lit=False, smooth=0):
    """A polygon of complex points; `smooth` times its corners are cut (Chaikin 1974)."""
    points = np.array(points, complex)
    for _ in range(smooth):
        after = np.concatenate([points[1:], points[:1]])
        points = np.stack([.8 * points + .2 * after, .2 * points + .8 * after], 1).ravel()
    return Part(points, color, lit)

def box(x0, y0, x1, y1, color, r=0, lit=False):
    """A rectangle, its corners rounded by the radius r."""
    points = np.array([complex(x1, y1), complex(x0, y1), complex(x0, y0), complex(x1, y0)])
    if r:
        points = points + r * np.array([-1 - 1j, 1 - 1j, 1 + 1j, -1 + 1j])
        points = points.repeat(6) + r * CIRCLE
    return Part(points, color, lit)

def disc(at, r, color, ry=None, lit=False):
    """A disc around `at`, or an ellipse of half height ry."""
    circle = r * CIRCLE if ry is None else r * CIRCLE.real + 1j * ry * CIRCLE.imag
    return Part(circle + at, color, lit)

def limb(a, b, width, color):
    """A thick line from a to b with round ends."""
    end = width / 2 * (b - a) / (abs(b - a) or 1) * ARC
    return Part(np.concatenate([b + end, a - end]), color)

def tone(color, gain):
    """The colour made lighter (gain > 1) or darker."""
    return tuple(min(255, c * gain) for c in color)

def pick(rng, options):
    """One of a list."""
    return options[int(rng.integers(len(options)))]

def fixed(parts):
    """The pose of what never changes."""
    return lambda t: parts

def rolling(parts, hubs, r, speed):
    """The pose of a vehicle: its parts over wheels of radius r that turn with the road."""
    hubs = np.add(hubs, 1j * r)
    parts = parts + [disc(hub, 1.2 * r, tone(INK, .8)) for hub in hubs]
    def pose(t):
        wheels = []
        spoke = .55 * r * np.exp(-1j * speed * t / r)
        for hub in hubs:
            wheels += [disc(hub, r, INK), disc(hub, .62 * r, RIM), *[
                limb(hub - s, hub + s, .16 * r, STEEL) for s in (spoke, 1j * spoke)]]
        return parts + wheels
    return pose

def front_view(rng, w, height, color, low, high, roof):
    """A vehicle of half width w from the front or rear; its window spans low to high (shares)."""
    lamp = pick(rng, [LAMP, RED])
    low = low * height
    high = high * height
    top = w * roof
    x, a, b = w * .58, -w * .86 + 1j * low, -top * .88 + 1j * high  # a, b: the window's left side
    return [
        box(-w * .92, 0, -x, .5, INK, .08), box(x, 0, w * .92, .5, INK, .08),
        poly([-w + 1j * low, -top + 1j * height, top + 1j * height, w + 1j * low], tone(color, .92),
             smooth=2), box(-w, .22, w, low + .12, color, .16),
        poly([a, b, -b.conjugate(), -a.conjugate()], GLASS),
        poly([a + .4 * w, b + .6 * w, b + .85 * w, a + .65 * w], tone(GLASS, 1.25)),
        box(-w, .22, w, .42, tone(color, .7), .08), box(-w * .3, .3, w * .3, .46, WHITE),
        box(-w * .45, low * .62, w * .45, low * .82, tone(color, .6), .05),
        box(-w * .94, low * .6, -x, low * .86, lamp, .06, True),
        box(x, low * .6, w * .94, low * .86, lamp, .06, True)]

def car(rng, speed):
    """A sedan, hatchback, off-roader or van."""
    length, height, roof = pick(rng, [  # the roof line: where it rises, is flat, falls (shares)
        (4.7, 1.45, (.12, .27, .60, .77)), (3.9, 1.5, (.01, .12, .58, .78)),
        (4.5, 1.75, (.01, .07, .62, .77)), (4.9, 2.0, (.0, .03, .72, .9))])
    color = pick(rng, PAINT)
    length = length * rng.uniform(.92, 1.08)
    height *= rng.uniform(.94, 1.08)
    if not speed and rng.random() < .22:
        return fixed(front_view(rng, .92, height, color, .56, .93, .74))
    belt = .6 * height
    nose = rng.uniform(.46, .54) * height
    end = length / 2
    side = tone(color, .7)
    a, b, c, d = (length * np.array(roof) - end).tolist()
    x, sill = (b + c) / 2, 1j * (belt - .1)
    cabin = np.array([a + sill, b + 1j * height, c + 1j * height, d + sill])
    glass = .86 * cabin.real + .07 * (b + c) + 1j * (.8 * cabin.imag + .2 * belt)
    body = [-end + .22j, -end + .97j * belt, a + .1 + 1j * belt, d + 1j * belt,
            end - .12 + 1j * nose, end + .8j * nose, end + .22j]
    lamp = end + np.array([-.34 - .06j, -.04 - .12j, -.03 - .26j, -.26 - .22j]) + 1j * nose
    shine = [glass[3] - .5, glass[2] - .35, glass[2] - .15, glass[3] - .25]
    return rolling([
        poly(cabin, color, smooth=2), poly(glass, GLASS, smooth=1), poly(shine, tone(GLASS, 1.3)),
        box(x - .05, belt - .1, x + .06, height - .05, color), poly(body, color, smooth=2),
        box(-end + .05, .2, end - .05, .4, side, .08), box(x - .01, .42, x + .02, belt, side),
        box(x - .34, belt - .17, x - .12, belt - .11, side),
        box(-end, belt - .26, -end + .18, belt - .08, RED, .04, True), poly(lamp, LAMP, True),
    ], (-.3 * length, .3 * length), .33, speed)

def bus(rng, speed):
    """A long box full of windows; sometimes with two decks."""
    color = pick(rng, PAINT)
    trim = pick(rng, PAINT + [WHITE] * 6)
    decks = 1 + (rng.random() < .2)
    end, height = rng.uniform(4.3, 6) - decks / 2 + .5, 1.75 + 1.35 * decks
    if not speed and rng.random() < .18:
        sign = box(-.85, height * .87, .85, height * .96, AMBER, .06, True)
        return fixed([*front_view(rng, 1.25, height, color, .42, .84, .96), sign])
    count = int(end / .63)
    panes = (GLASS, tone(GLASS, 1.15))
    step = (2 * end - .9) / count
    lefts = -end + .25 + step * np.arange(count)  # of the windows
    parts = [box(-end, .32, end, height, color, .28),
             box(-end, .34, end, .34 + rng.uniform(.3, .8), trim, .12),
             box(-end + .3, height - .16, end - .3, height, tone(color, 1.2), .07)]
    for low in (1.45, 2.85)[:decks]:
        parts += [box(-end + .12, low - .04, end - .02, low + 1.02, tone(color, .8), .1),
                  *[box(x, low, x + step - .1, low + .95, panes[i % 2], .07)
                    for i, x in enumerate(lefts)],
                  box(end - .62, low - .15, end, low + .98, tone(GLASS, .85), .1)]
    for x in lefts[[count - 1, int(count * .45)]]:  # the doors
        parts += [box(x - .03, .4, x + step - .06, 2.45, tone(trim, .8), .06),
                  box(x + .08, .55, x + step / 2 - .07, 2.35, GLASS),
                  box(x + step / 2 + .02, .55, x + step - .16, 2.35, GLASS)]
    parts += [box(end - .2, .6, end, .85, LAMP, .05, True),
              box(-end, .7, -end + .14, 1.1, RED, .04, True),
              box(end - 2.6, height - .42, end - .8, height - .2, AMBER, .05, True)]
    return rolling(parts, (-.6 * end, .54 * end), .46, speed)

def truck(rng, speed):
    """A cab with a gap behind it, then a box, a container, a tank or a heap."""
    color = pick(rng, PAINT)
    load = pick(rng, PAINT + [WHITE] * 5)
    end = rng.uniform(3, 4.75)
    high = rng.uniform(2.9, 3.6)
    kind = pick(rng, ["box", "box", "ribs", "tank", "heap"])
    if not speed and rng.random() < .18:
        cargo = box(-1.25, .7, 1.25, high, load, .06)
        return fixed([cargo, *front_view(rng, 1.15, 2.5, color, .52, .9, .92)])
    cab = end - 1.9
    back = end - 2.18
    dark = tone(load, .78)
    parts = [box(-end + .1, .5, cab + 1, .92, INK, .05)]
    if kind in ("box", "ribs"):
        parts += [box(-end, .88, back, high, load, .06), box(-end, .88, back, 1.08, dark)]
    if kind == "ribs":
        parts += [box(x, 1.12, x + .12, high - .12, dark)
                  for x in np.arange(-end + .3, back - .2, .48)]
    elif kind == "box":
        middle = (back - end) / 2 + 1.85j
        logo = pick(rng, PAINT)
        parts += [box(-end, 1.6, back, 2.05, logo), disc(middle, .6, logo), disc(middle, .4, load)]
    elif kind == "tank":
        parts += [box(-end, .95, back, high - .3, (190, 196, 204), .85),
                  box(-end + .5, 2.1, back - .5, 2.35, WHITE, .1),
                  box(-end + .1, 1.45, back - .1, 1.65, load)]
    else:
        heap = [-end + .2 + 1.5j, -end + .9 + 2.5j, back - 1.2 + 2.75j, back - .1 + 1.6j]
        tub = [-end + 1.95j, back + 1.95j, back - .15 + .88j, -end + .3 + .88j]
        parts += [poly(heap, (150, 116, 84), smooth=2), poly(tub, load),
                  *[box(x, .95, x + .1, 1.9, dark) for x in np.arange(-end + .5, back - .3, .7)]]
    shape = np.array([.45j, 2.55j, 1.25 + 2.55j, 1.75 + 1.55j, 1.9 + 1.3j, 1.9 + .45j])
    window = np.array([.35 + 1.5j, .35 + 2.3j, 1.15 + 2.3j, 1.55 + 1.5j])
    parts += [poly(cab + shape, color, smooth=1), poly(cab + window, GLASS, smooth=1),
              box(cab, .45, cab + 1.88, .68, tone(color, .66)),
              box(cab + .45, 1.2, cab + .7, 1.28, INK),
              box(cab + 1.7, .82, cab + 1.9, 1.08, LAMP, .05, True),
              box(-end + .02, .62, -end + .2, .86, RED, .03, True)]
    return rolling(parts, (-end + .75, -end + 1.8, cab + 1.05)[end < 3.5:], .48, speed)

def bicycle(rng, speed):
    """Two filled wheels and a thick frame."""
    color = pick(rng, PAINT)
    disk = tone(pick(rng, PAINT + [WHITE] * 4), .9)
    r = .36
    back, crank, seat, head, front = -.56 + .36j, -.04 + .34j, -.22 + .92j, .4 + .9j, .56 + .36j
    tubes = [(back, crank), (crank, head), (seat, head), (crank, seat), (back, seat), (head, front)]
    frame = [*[limb(a, b, .09, color) for a, b in tubes], limb(-.36 + .97j, -.1 + .97j, .1, INK),
             limb(head, .4 + 1.08j, .08, color), limb(.36 + 1.1j, .58 + 1.12j, .09, INK),
             disc(crank, .1, INK)]
    def pose(t):
        s = .2 * np.exp(-1j * speed * t / r)  # half a spoke
        return [part for hub in (back, front) for part in (
            disc(hub, r, INK), disc(hub, .7 * r, disk), limb(hub - s, hub + s, .05, STEEL))] + frame
    return pose

def joints(t, speed, phase, riding):
    """Where a person's joints are: hip, neck, two feet, two knees, two hands."""
    if riding:
        hip, pedal = -.2 + 1.02j, .16 * np.exp(1j * (phase - 2 * speed * t))
        feet = [.34j - .04 - pedal, .34j - .04 + pedal]
        knees = [(hip + foot) / 2 + .2 + .08j for foot in feet]
        return hip, .1 + 1.5j, feet, knees, [.48 + 1.14j] * 2
    lean = .03 if speed > 0 else 0  # forward
    hip, neck = .88j, 1.4j + lean
    if not speed:
        feet, knees = [-.12 + .06j, .12 + .06j], [-.11 + .45j, .11 + .45j]
        return hip, neck, feet, knees, [-.3 + .84j, .3 + .84j]
    swing = np.exp(.5j * np.sin(phase + 3.2 * speed * t))
    feet = [hip - .8j * swing, hip - .8j * swing.conjugate()]
    hands = [neck - .58j * swing.conjugate() + .05, neck - .58j * swing + .05]
    return hip, neck, feet, [(hip + foot) / 2 + .06 for foot in feet], hands

def person(rng, speed, riding=False):
    """Someone who stands (seen from the front), walks or rides (from the side)."""
    skin, hair, top, legs = pick(rng, SKIN), pick(rng, HAIR), pick(rng, PAINT), pick(rng, DENIM)
    extra = pick(rng, PAINT)
    phase = rng.uniform(0, 6)
    moving = speed > 0
    coat, bag, cap, long_hair, canopy = (rng.random(5) < (.25, .3, .25, .4, .12)).tolist()
    coat, cap, canopy = coat and not riding, cap or riding, canopy and not riding
    def pose(t):
        hip, neck, feet, knees, hands = joints(t, speed, phase, riding)
        if canopy:
            hands[1] = .3 + 1.15j
        arms, lower = [], []
        for side, foot, knee, hand in zip((-.2, .2), feet, knees, hands, strict=True):
            apart, gain = 0 if moving else side, .8 if side < 0 else 1  # the far side is darker
            cloth, sleeve = tone(legs, gain), tone(top, gain - .12)
            arms += [[limb(neck + apart - .06j, hand, .12, sleeve), disc(hand, .07, skin)]]
            lower += [limb(hip + apart / 2, knee, .19, cloth), limb(knee, foot, .16, cloth),
                      limb(foot, foot + (.12 if moving else apart / 6), .12, INK)]
        lean = .05 if moving else 0
        dome = ARC * 1j
        head, back = neck + .2j + lean, -lean
        skirt = [hip - .24 - .34j, neck - .16 - .3j, neck + .16 - .3j, hip + .26 - .34j]
        crown = head + np.array([-.18 + .05j, -.12 + .2j, .1 + .2j, .17 + .05j])
        rucksack = [limb(neck - .22 - .12j, neck - .24 - .4j, .26, extra)]
        plait = [limb(head + back, head + 2 * back - .2j, .3, hair)]
        bag_in_hand = [box(.18, .5, .46, .8, extra, .05)]
        peak = .24 if moving else .1
        headgear = [poly(crown, extra, smooth=1),
                    limb(head + .05 + .07j, head + peak + .07j, .06, extra)]
        umbrella = [limb(.3 + 1.1j, .3 + 1.95j, .08, INK),
                    poly(.3 + 1.9j + .7 * dome.real + .42j * dome.imag, extra),
                    poly(.3 + 1.9j + .25 * dome.real + .42j * dome.imag, tone(extra, 1.25))]
        parts = [*arms[0], *lower]  # from the far side to the near one
        if not moving:
            parts += arms[1]
        if bag and moving:
            parts += rucksack
        if long_hair:
            parts += plait
        parts += [limb(hip + .02j, neck - .14j, .34 if moving else .46, top),
                  limb(neck - .05j, head, .12, tone(skin, .9))]
        if coat:
            parts += [poly(skirt, top, smooth=1)]
        parts += [disc(head + back + .04j, .165, hair), disc(head - back - .02j, .135, skin)]
        if cap:
            parts += headgear
        if moving:
            parts += arms[1]
        elif bag:
            parts += bag_in_hand
        if canopy:
            parts += umbrella
        return parts
    return pose

def dog(rng, speed):
    """A dog that stands, walks or sits."""
    coat = pick(rng, COATS)
    collar = pick(rng, PAINT)
    phase = rng.uniform(0, 6)
    dark = tone(coat, .68)
    spot = pick(rng, [coat, WHITE, tone(coat, .7)])
    sits = not speed and rng.random() < .35
    floppy = rng.random() < .5
    rear = -.22 + .26j if sits else -.34 + .52j
    ear = poly([.32 + .92j, .36 + 1.16j, .5 + .98j], dark)
    body = [limb(rear, .3 + .56j, .34, coat), disc(rear, .2, coat),
            disc(-.02 + .5j, .14, spot, .11), limb(.3 + .56j, .46 + .8j, .24, coat),
            limb(.3 + .66j, .46 + .72j, .07, collar), disc(.48 + .84j, .18, coat),
            limb(.54 + .8j, .72 + .77j, .15, tone(coat, 1.1)), disc(.78 + .79j, .05, INK),
            disc(.55 + .89j, .03, INK), limb(.38 + .94j, .34 + .72j, .13, dark) if floppy else ear]
    def pose(t):
        swing = .16 * np.sin(phase + 6 * speed * t) if speed else .03
        legs = []
        for x, way, gain in ((-.34, -1, .8), (.3, 1, .8), (-.28, 1, 1), (.36, -1, 1)):
            high = .2j if sits and x < 0 else .46j
            legs += [limb(x + high, x + way * swing + .07j, .14, tone(coat, gain))]
        tip = rear - .3 + 1j * (.3 + .06 * np.sin(phase + 12 * t))
        return [*legs, limb(rear - .06 + .06j, tip, .11, dark), *body]
    return pose

def traffic_light(rng, speed):
    """A housing with three lamps; the pole is scenery."""
    case = pick(rng, [INK, INK, (52, 66, 60), (226, 170, 40)])
    start, period = rng.uniform(0, 6), rng.uniform(1.5, 3)
    def pose(t):
        on = (0, 2, 1)[int((start + t) / period) % 3]
        parts = [box(-.3, -.04, .3, 1.24, case, .12),
                 box(-.23, .03, .23, 1.17, tone(case, .72), .08)]
        for i, color in enumerate((RED, AMBER, GREEN)):
            at = 1j * (.95 - .35 * i)
            glass = tone(color, 1 if i == on else .3)
            parts += [disc(at + .03j, .17, tone(case, .5)), disc(at, .15, glass, lit=i == on)]
        return parts
    return pose

def stop_sign(rng, speed):
    """A red octagon with a white rim and STOP on it; the pole is scenery."""
    red = tone((206, 34, 40), rng.uniform(.85, 1.1))
    corners = CIRCLE[1::3]
    cut = [(-.35, .53, -.23, .58), (-.39, .42, -.27, .47), (-.19, .36, -.14, .57),
           (-.08, .36, -.03, .57), (.07, .42, .13, .58), (.27, .53, .33, .58), (.27, .36, .38, .46)]
    return fixed([poly(.52 * corners + .5j, WHITE), poly(.465 * corners + .5j, red),
                  *[box(x, .36, x + .16, .64, WHITE) for x in (-.39, -.19, .02, .22)],
                  *[box(*corners, red) for corners in cut]])

SPRITES = {1: person, 2: bicycle, 3: car, 6: bus, 8: truck, 10: traffic_light, 13: stop_sign,
           18: dog}  # by category
