"""Panels of lines over logarithmic axes as one SVG picture, with nothing but the standard library.

A panel is a dict: title, x (name of its axis), rule ((label, exponent) of the dashed line through `anchor`, a point), and
series: {name: [(x, y, label)]}.  Both axes are logarithmic, so that a power is a straight line and its exponent the slope.
All panels share the range of y: heights can be compared from one to the next.

    +-- WIDTH ------------------------------+
    | panel 0: title, axes   | panel 1      |   HEIGHT each; MARGIN holds the figures of the axes
    | panel 2                | panel 3      |
    +-- legend, note -----------------------+
"""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT, FOOT = 460, 300, 56
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 34, 44
COLOURS = ["#1f5fa8", "#c2571a", "#2e7d4f", "#7a4aa0"]


def text(x, y, s, anchor="middle", size=11, fill="#333", extra=""):
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d" fill="%s"%s>%s</text>' % (
        x, y, anchor, size, fill, extra, escape(str(s)))


def path(points, colour, width, dash=""):
    d = " ".join("%s%.1f,%.1f" % ("L" if i else "M", x, y) for i, (x, y) in enumerate(points))
    style = ' stroke-dasharray="%s"' % dash if dash else ""
    return '<path d="%s" fill="none" stroke="%s" stroke-width="%.1f"%s/>' % (d, colour, width, style)


def ticks(low, high):
    """1, 2 and 5 times powers of ten within the range"""
    steps = (m * 10.0 ** e for e in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1) for m in (1, 2, 5))
    return [t for t in steps if low <= t <= high]


class Panel:
    def __init__(self, left, top, xs, low, high):
        self.x0, self.x1, self.y0, self.y1 = left + LEFT, left + WIDTH - RIGHT, top + HEIGHT - BOTTOM, top + TOP
        self.xs, self.low, self.high = xs, low, high

    def at(self, x, y):
        share = lambda v, a, b: math.log(v / a) / math.log(b / a)
        return (self.x0 + 12 + (self.x1 - self.x0 - 24) * share(x, self.xs[0], self.xs[-1]),
                self.y0 + (self.y1 - self.y0) * share(y, self.low, self.high))

    def axes(self, p):
        out = [text((self.x0 + self.x1) / 2, self.y1 - 14, p["title"], size=13, extra=' font-weight="bold"'),
               text((self.x0 + self.x1) / 2, self.y0 + 34, p["x"])]
        for t in ticks(self.low, self.high):
            y = self.at(self.xs[0], t)[1]
            out += [path([(self.x0, y), (self.x1, y)], "#e4e4e4", 1), text(self.x0 - 6, y + 4, "%g" % t, "end")]
        for x in self.xs:
            at = self.at(x, self.low)[0]
            out += [path([(at, self.y0), (at, self.y0 + 4)], "#888", 1), text(at, self.y0 + 17, "%g" % x)]
        return out + [path([(self.x0, self.y1), (self.x0, self.y0), (self.x1, self.y0)], "#888", 1)]

    def rule(self, p):
        """The dashed line, cut where it leaves the panel."""
        (label, exponent), (x, y) = p["rule"], p["anchor"]
        inverse = lambda v: x * (v / y) ** (1 / exponent)
        a, b = max(self.xs[0], inverse(self.low)), min(self.xs[-1], inverse(self.high))
        ends = [self.at(v, y * (v / x) ** exponent) for v in (a, b)]
        return [path(ends, "#999", 1.2, "5 4"), text(self.x0 + 18, self.y1 + 14, "- - " + label, "start", fill="#777")]

    def lines(self, p):
        out = []
        for i, points in enumerate(p["series"].values()):
            at = [self.at(x, y) for x, y, _ in points]
            out.append(path(at, COLOURS[i % len(COLOURS)], 2))
            for (x, y), (_, _, label) in zip(at, points):
                out.append('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x, y, COLOURS[i % len(COLOURS)]))
                out.append(text(x, y + (16 if i else -8), label, size=10, fill=COLOURS[i % len(COLOURS)]))
        return out


def legend(names, y, note):
    out, x = [], LEFT
    for i, name in enumerate(names):
        out += [path([(x, y - 4), (x + 22, y - 4)], COLOURS[i % len(COLOURS)], 2), text(x + 28, y, name, "start", 12)]
        x += 60 + 8 * len(name)
    return out + [text(LEFT, y + 20, note, "start", 11, "#666")]


def draw(panels, unit, note):
    """The picture as text.  unit names what the y axes show."""
    ys = [y for p in panels for line in p["series"].values() for _, y, _ in line]
    low, high = min(ys) / 1.6, max(ys) * 1.6
    columns, rows = min(2, len(panels)), (len(panels) + 1) // 2
    width, height = columns * WIDTH, rows * HEIGHT + FOOT
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif">' % (
        width, height, width, height), '<rect width="100%" height="100%" fill="#fff"/>']
    for i, p in enumerate(panels):
        left, top = i % 2 * WIDTH, i // 2 * HEIGHT
        xs = sorted({x for line in p["series"].values() for x, _, _ in line})
        panel = Panel(left, top, xs, low, high)
        out += panel.axes(p) + panel.rule(p) + panel.lines(p) + [text(left + LEFT - 6, top + TOP - 14, unit, "end")]
    return "\n".join(out + legend(panels[0]["series"], rows * HEIGHT + 20, note) + ["</svg>"]) + "\n"
