"""Draws digits as a pen would: strokes, bent and turned a little differently each time, on a noisy scan."""
import numpy as np

SIZE = 28  # pixels on a side


def arc(cx, cy, rx, ry, start, end, steps=14):
    """Points on an ellipse; angles in degrees, clockwise on the screen, 0 to the right."""
    t = np.radians(np.linspace(start, end, steps))
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1)


def line(*points):
    return np.array(points, float)


def path(*pieces):
    return np.concatenate(pieces)


# Each digit as some people write it and as others do; a way of writing is a list of strokes in a unit square.
WAYS = {
    0: [[arc(.5, .5, .26, .40, 0, 360, 24)]],
    1: [[line((.36, .26), (.54, .10), (.54, .90))], [line((.5, .10), (.5, .90))],
        [line((.36, .26), (.54, .10), (.54, .90)), line((.36, .90), (.72, .90))]],
    2: [[path(arc(.5, .33, .25, .23, 190, 385), line((.26, .90), (.78, .90)))]],
    3: [[path(arc(.48, .30, .22, .20, 200, 450), arc(.48, .70, .25, .20, 270, 520))],
        [path(line((.26, .12), (.72, .12), (.48, .44)), arc(.46, .67, .26, .23, 280, 520))]],
    4: [[line((.60, .10), (.22, .62), (.80, .62)), line((.62, .36), (.62, .92))],
        [line((.28, .12), (.26, .52), (.76, .52)), line((.68, .10), (.66, .92))]],
    5: [[path(line((.74, .12), (.34, .12), (.31, .46)), arc(.48, .66, .26, .24, 235, 505))]],
    6: [[path(arc(.72, .62, .46, .52, 260, 180, 10), arc(.50, .68, .24, .22, 180, 540, 18))]],
    7: [[line((.22, .12), (.78, .12), (.42, .90))],
        [line((.22, .12), (.78, .12), (.42, .90)), line((.38, .50), (.70, .50))]],
    8: [[arc(.5, .30, .20, .20, 90, 450, 18), arc(.5, .70, .25, .20, -90, 270, 18)]],
    9: [[path(arc(.50, .32, .23, .22, 0, 360, 18), line((.73, .32), (.70, .62), (.60, .90)))],
        [path(arc(.50, .32, .23, .22, 0, 360, 18), arc(.42, .50, .31, .42, 0, 110, 10))]],
}


def segments(strokes):
    """The strokes' line segments, [n, 2 ends, 2 coordinates]."""
    return np.concatenate([np.stack([s[:-1], s[1:]], 1) for s in strokes])


def bend(points, random):
    """Moves points in the unit square by a slow wave, then turns, slants, stretches and shifts them, into pixels."""
    phase = random.uniform(0, 2 * np.pi, (2, 2))
    wave = np.stack([np.sin(5 * points[..., 1] + phase[0, 0]) + np.sin(4 * points[..., 0] + phase[0, 1]),
                     np.sin(5 * points[..., 0] + phase[1, 0]) + np.sin(4 * points[..., 1] + phase[1, 1])], -1)
    points = points - .5 + random.uniform(0, .035) * wave
    angle, slant = np.radians(random.normal(0, 9)), random.normal(-.08, .16)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = points @ (turn @ np.array([[1, slant], [0, 1]])).T
    return points * random.uniform(.72, 1.02, 2) * 24 + SIZE / 2 + random.normal(0, 1.2, 2)


def distance(ends):
    """Of every pixel's centre to the nearest of the segments, [SIZE, SIZE]."""
    y, x = np.mgrid[:SIZE, :SIZE] + .5
    pixels = np.stack([x, y], -1)[:, :, None]
    start, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    t = ((pixels - start) * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-9)
    nearest = start + np.clip(t, 0, 1)[..., None] * along
    return np.sqrt(((pixels - nearest)**2).sum(-1)).min(-1)


def draw(digit, random):
    """One digit as bytes [SIZE, SIZE], light ink on dark paper."""
    strokes = WAYS[digit][random.integers(len(WAYS[digit]))]
    reach = distance(bend(segments(strokes), random))
    ink = np.clip(random.uniform(.6, 2.0) - reach + .5, 0, 1) * random.uniform(.55, 1)
    paper = random.uniform(0, .12) + random.normal(0, random.uniform(.01, .12), (SIZE, SIZE))
    return np.round(np.clip(paper + ink, 0, 1) * 255).astype(np.uint8)


def draw_many(count, seed):
    """Images [count, SIZE, SIZE] and their digits, as many of each."""
    random = np.random.default_rng(seed)
    digits = np.arange(count) % 10
    return np.stack([draw(digit, random) for digit in digits]), digits
