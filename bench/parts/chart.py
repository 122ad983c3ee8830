"""Lines and dots of a bench as a PNG for docs/."""

import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont


class Chart:
    """Lines and dots on a logarithmic y axis, as a PNG."""

    def __init__(self, title: str, x_name: str, y_name: str, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.picture = Image.new("RGB", (1_000, 620), "#ffffff")
        self.pen = ImageDraw.Draw(self.picture)
        self.small, self.large = (ImageFont.load_default(size) for size in (17, 22))
        self.x, self.y = x, y
        self.pen.text((80, 14), title, fill="#1b1b1f", font=self.large)
        self.pen.text((80, 585), x_name, fill="#1b1b1f", font=self.small)
        self.pen.text((80, 46), y_name, fill="#5a5d66", font=self.small)
        for power in range(round(math.log10(y[0])), round(math.log10(y[1])) + 1):
            _, at = self._at(x[0], 10.0**power)
            self.pen.line((80, at, 960, at), fill="#e2e2e9")
            self.pen.text((10, at - 10), f"{10.0**power:g}", fill="#5a5d66", font=self.small)
        for n in range(6):
            value = x[0] + (x[1] - x[0]) * n / 5
            at, _ = self._at(value, y[0])
            self.pen.line((at, 80, at, 540), fill="#f0f0f5")
            self.pen.text((at - 12, 548), f"{value:g}", fill="#5a5d66", font=self.small)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        low, high = math.log10(self.y[0]), math.log10(self.y[1])
        share = (math.log10(max(y, self.y[0])) - low) / (high - low)
        return 80 + (x - self.x[0]) / (self.x[1] - self.x[0]) * 880, 540 - share * 460

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        spots = [self._at(*each) for each in points if each[0] <= self.x[1]]
        if len(spots) > 1:
            self.pen.line(spots, fill=colour, width=3)
        for x, y in spots:
            self.pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=colour)

    def dot(self, x: float, y: float, text: str, colour: str, *, above: bool = False) -> None:
        px, py = self._at(min(x, self.x[1]), y)
        self.pen.ellipse((px - 7, py - 7, px + 7, py + 7), fill=colour)
        left = px > 700
        spot = (px - 12 if left else px + 12, py - (26 if above else 10))
        self.pen.text(spot, text, fill=colour, font=self.small, anchor="ra" if left else "la")

    def limit(self, y: float, text: str) -> None:
        _, at = self._at(self.x[0], y)
        self.pen.line((80, at, 960, at), fill="#2e7d32", width=1)
        self.pen.text((955, at - 22), text, fill="#2e7d32", font=self.small, anchor="ra")

    def save(self, path: Path) -> None:
        self.picture.save(path, optimize=True)
