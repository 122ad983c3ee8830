"""Drawing what moves: walking figures and cars, straight into the planes of an I420 picture.

Every pixel is tested against the depth of the background (centimetres), so that walls, trees and parked cars hide what
is behind them. Soft rims come from coverage, never from noise: a pixel that nobody passes never changes.
"""

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from safetynet.sim.raster import clip_near, film, jit, lamplight, span

Planes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

FIGURE_WIDTH: Final = 14
"""Row of a person: x, y, heading (radians from east), gait phase, height, top rgb, trousers rgb, hood, skin, bag."""
CAR_WIDTH: Final = 8
"""Row of a car: x, y, heading, length, r, g, b, lights on."""


@jit
def tone(r: float, g: float, b: float, light: Floats, gain: float, out: Floats) -> None:
    """Lit colour as Y, U, V (BT.601, studio range)."""
    red, green, blue = film(r * light[0] * gain), film(g * light[1] * gain), film(b * light[2] * gain)
    out[0] = 16 + 65.5 * red + 128.6 * green + 25.0 * blue
    out[1] = 128 - 37.8 * red - 74.2 * green + 112.0 * blue
    out[2] = 128 + 112.0 * red - 93.8 * green - 18.2 * blue


@jit
def project(eye: Floats, axes: Floats, x: float, y: float, z: float, out: Floats) -> None:
    dx, dy, dz = x - eye[0], y - eye[1], z - eye[2]
    for k in range(3):
        out[k] = axes[k, 0] * dx + axes[k, 1] * dy + axes[k, 2] * dz


@jit
def blend(plane: Planes, row: int, column: int, value: float, cover: float) -> None:
    mixed = plane[row, column] + (value - plane[row, column]) * cover
    plane[row, column] = np.uint8(min(240.0, max(16.0, mixed + 0.5)))


@jit
def limb(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float,
    a: Floats, b: Floats, ra: float, rb: float, colour: Floats, side: float,
) -> None:  # fmt: skip
    """A tapered capsule between two points in camera space with radii in metres; `side` shades it round."""
    rows, columns = luma.shape
    ax, ay, bx, by = (columns / 2 + focal * a[0] / a[2], rows / 2 - focal * a[1] / a[2],
                      columns / 2 + focal * b[0] / b[2], rows / 2 - focal * b[1] / b[2])  # fmt: skip
    pa, pb = max(0.55, focal * ra / a[2]), max(0.55, focal * rb / b[2])
    widest = max(pa, pb) + 1
    limit = int(min(a[2], b[2]) * 100) - 25
    ex, ey = bx - ax, by - ay
    square = ex * ex + ey * ey + 1e-9
    top, bottom = max(0, int(min(ay, by) - widest)), min(rows - 1, int(max(ay, by) + widest) + 1)
    left, right = max(0, int(min(ax, bx) - widest)), min(columns - 1, int(max(ax, bx) + widest) + 1)
    long = math.sqrt(square)
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if depth[row, column] < limit:
                continue
            px, py = column + 0.5 - ax, row + 0.5 - ay
            t = min(1.0, max(0.0, (px * ex + py * ey) / square))
            qx, qy = px - t * ex, py - t * ey
            radius = pa + (pb - pa) * t
            cover = min(1.0, max(0.0, radius - math.sqrt(qx * qx + qy * qy) + 0.5))
            if cover > 0:
                turn = (px * ey - py * ex) / long / radius if long > 1 else 0.0
                blend(luma, row, column, 16 + (colour[0] - 16) * (1 + side * turn), cover)
                if (row & 1) == 0 and (column & 1) == 0:
                    blend(blue, row >> 1, column >> 1, colour[1], cover)
                    blend(red, row >> 1, column >> 1, colour[2], cover)


@jit
def shadow(luma: Planes, depth: npt.NDArray[np.uint16], focal: float, at: Floats, wide: float, flat: float) -> None:
    """A soft dark ellipse on the ground; `wide` metres, `flat` its height as a share of its width."""
    rows, columns = luma.shape
    cx, cy, r = columns / 2 + focal * at[0] / at[2], rows / 2 - focal * at[1] / at[2], focal * wide / at[2]
    low = max(1.0, r * flat)
    limit = int(at[2] * 100) - 60
    for row in range(max(0, int(cy - low)), min(rows, int(cy + low) + 1)):
        for column in range(max(0, int(cx - r)), min(columns, int(cx + r) + 1)):
            u, v = (column + 0.5 - cx) / r, (row + 0.5 - cy) / low
            reach = u * u + v * v
            if reach < 1 and depth[row, column] > limit:
                blend(luma, row, column, 16 + (luma[row, column] - 16) * 0.42, 1 - reach)


@jit
def person(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float, eye: Floats, axes: Floats,
    lamps: Floats, p: Floats,
) -> None:  # fmt: skip
    joint = np.empty((14, 3))
    x, y, h = p[0], p[1], p[4]
    fx, fy = math.cos(p[2]), math.sin(p[2])
    lx, ly = -fy, fx
    swing = math.sin(p[3])
    lift = 0.018 * h * abs(math.cos(p[3]))
    light, colour, spot = np.zeros(3), np.empty(3), np.empty(3)
    light[0], light[1], light[2] = 0.055, 0.068, 0.095
    away = math.sqrt((eye[0] - x) ** 2 + (eye[1] - y) ** 2) + 1e-6
    lamplight(lamps, x, y, 1.1, (eye[0] - x) / away * 0.6, (eye[1] - y) / away * 0.6, 0.8, light)
    # A little more than the ground gets: clothes are rough, and a person must be found in the picture.
    light *= 1.45
    project(eye, axes, x, y, 0.0, joint[0])
    if joint[0, 2] < 1.2:
        return
    shadow(luma, depth, focal, joint[0], 0.42, 0.45)
    hip, shoulder, head = 0.53 * h + lift, 0.805 * h + lift, 0.925 * h + lift
    project(eye, axes, x, y, hip, joint[1])
    project(eye, axes, x + fx * 0.03, y + fy * 0.03, shoulder, joint[2])
    project(eye, axes, x + fx * 0.055, y + fy * 0.055, head, joint[3])
    for s in range(2):
        sign = 1.0 if s == 0 else -1.0
        a = 0.50 * swing * sign
        bend = 0.16 + 0.55 * max(0.0, math.cos(p[3]) * sign)
        ox, oy = lx * 0.085 * sign, ly * 0.085 * sign
        kx, kz = math.sin(a) * 0.25 * h, hip - math.cos(a) * 0.25 * h
        project(eye, axes, x + ox + fx * kx, y + oy + fy * kx, kz, joint[4 + s])
        tx, tz = kx + math.sin(a - bend) * 0.255 * h, max(0.05, kz - math.cos(a - bend) * 0.255 * h)
        project(eye, axes, x + ox + fx * tx, y + oy + fy * tx, tz, joint[6 + s])
        project(eye, axes, x + ox + fx * (tx + 0.15), y + oy + fy * (tx + 0.15), max(0.03, tz - 0.03), joint[12 + s])
        w = -0.55 * swing * sign
        ox, oy = lx * 0.205 * sign, ly * 0.205 * sign
        ex, ez = math.sin(w) * 0.17 * h, shoulder - 0.03 - math.cos(w) * 0.17 * h
        project(eye, axes, x + ox + fx * ex, y + oy + fy * ex, ez, joint[8 + s])
        gx, gz = ex + math.sin(w + 0.5) * 0.16 * h, ez - math.cos(w + 0.5) * 0.16 * h
        project(eye, axes, x + ox + fx * gx, y + oy + fy * gx, gz, joint[10 + s])
    far = 0 if lx * (eye[0] - x) + ly * (eye[1] - y) < 0 else 1
    for turn in range(2):
        s = far if turn == 0 else 1 - far
        dim = 0.72 if turn == 0 else 1.0
        tone(p[8], p[9], p[10], light, dim, colour)
        limb(luma, blue, red, depth, focal, joint[1], joint[4 + s], 0.088, 0.068, colour, 0.22)
        limb(luma, blue, red, depth, focal, joint[4 + s], joint[6 + s], 0.066, 0.05, colour, 0.22)
        tone(0.55, 0.55, 0.56, light, dim, colour)
        limb(luma, blue, red, depth, focal, joint[6 + s], joint[12 + s], 0.045, 0.04, colour, 0.1)
        if turn == 0:
            arm(luma, blue, red, depth, focal, joint, s, p, light, 0.75, colour)
            if p[13] > 0:
                tone(0.12, 0.10, 0.09, light, 1.0, colour)
                project(eye, axes, x - fx * 0.17, y - fy * 0.17, hip + 0.12, spot)
                project(eye, axes, x - fx * 0.15, y - fy * 0.15, shoulder - 0.08, joint[0])
                limb(luma, blue, red, depth, focal, spot, joint[0], 0.13, 0.12, colour, 0.15)
            tone(p[5], p[6], p[7], light, 1.0, colour)
            limb(luma, blue, red, depth, focal, joint[1], joint[2], 0.15, 0.185, colour, 0.28)
    arm(luma, blue, red, depth, focal, joint, 1 - far, p, light, 1.08, colour)
    if p[11] > 0:
        tone(p[5], p[6], p[7], light, 0.92, colour)
        limb(luma, blue, red, depth, focal, joint[3], joint[2], 0.135, 0.12, colour, 0.25)
        toward = fx * (eye[0] - x) + fy * (eye[1] - y)
        if toward > 0:
            project(eye, axes, x + fx * 0.13, y + fy * 0.13, head - 0.02, spot)
            tone(0.30, 0.22, 0.17, light, 0.7, colour)
            limb(luma, blue, red, depth, focal, spot, spot, 0.075, 0.075, colour, 0.0)
        return
    tone(p[12], p[12] * 0.74, p[12] * 0.58, light, 1.0, colour)
    limb(luma, blue, red, depth, focal, joint[3], joint[2], 0.10, 0.06, colour, 0.2)
    project(eye, axes, x + fx * 0.02, y + fy * 0.02, head + 0.05, spot)
    tone(0.05, 0.045, 0.045, light, 1.0, colour)
    limb(luma, blue, red, depth, focal, spot, spot, 0.108, 0.108, colour, 0.0)


@jit
def arm(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float, joint: Floats, s: int,
    p: Floats, light: Floats, gain: float, colour: Floats,
) -> None:  # fmt: skip
    tone(p[5], p[6], p[7], light, gain * 0.9, colour)
    top = joint[2] + (joint[8 + s] - joint[2]) * 0.35
    limb(luma, blue, red, depth, focal, top, joint[8 + s], 0.068, 0.058, colour, 0.2)
    limb(luma, blue, red, depth, focal, joint[8 + s], joint[10 + s], 0.056, 0.045, colour, 0.2)


@jit
def face(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float,
    corners: Floats, colour: Floats,
) -> None:  # fmt: skip
    """One flat polygon of four corners in camera space, if it looks at the camera (corners counter-clockwise)."""
    ax, ay, az = corners[1] - corners[0]
    bx, by, bz = corners[2] - corners[0]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    d = nx * corners[0, 0] + ny * corners[0, 1] + nz * corners[0, 2]
    if d >= -1e-9:
        return
    rows, columns = luma.shape
    clipped, sx, sy = np.empty((10, 3)), np.empty(10), np.empty(10)
    count = clip_near(corners, 4, clipped)
    top, bottom = 1e9, -1e9
    for i in range(count):
        sx[i], sy[i] = (
            columns / 2 + focal * clipped[i, 0] / clipped[i, 2],
            rows / 2 - focal * clipped[i, 1] / clipped[i, 2],
        )
        top, bottom = min(top, sy[i]), max(bottom, sy[i])
    if count < 3:
        return
    for row in range(max(0, math.ceil(top - 0.5)), min(rows, math.ceil(bottom - 0.5))):
        low, high = span(sx, sy, count, row + 0.5)
        ry = (rows / 2 - row - 0.5) / focal
        for column in range(max(0, int(low)), min(columns, int(high) + 1)):
            cover = min(1.0, min(column + 1.0, high) - max(float(column), low))
            near = (nx * (column + 0.5 - columns / 2) / focal + ny * ry + nz) / d
            if cover <= 0 or near <= 0 or depth[row, column] < 100 / near - 25:
                continue
            blend(luma, row, column, colour[0], cover)
            if (row & 1) == 0 and (column & 1) == 0:
                blend(blue, row >> 1, column >> 1, colour[1], cover)
                blend(red, row >> 1, column >> 1, colour[2], cover)


@jit
def body(length: float, out: Floats) -> None:
    """Faces of a car as 12 quads (n, 4, 3): along, aside, up; then 2 pairs of lamps."""
    half = length / 2
    w, low, belt, roof = 0.9, 0.28, 0.92, 1.45
    c0, c1, r0, r1, v = -half + 0.15, half - 1.1, -half + 0.75, half - 1.95, 0.70
    quads = (
        ((-half, w, low), (half, w, low), (half, w, belt), (-half, w, belt)),
        ((half, -w, low), (-half, -w, low), (-half, -w, belt), (half, -w, belt)),
        ((half, w, low), (half, -w, low), (half, -w, belt), (half, w, belt)),
        ((-half, -w, low), (-half, w, low), (-half, w, belt), (-half, -w, belt)),
        ((-half, w, belt), (half, w, belt), (half, -w, belt), (-half, -w, belt)),
        ((c0, w * 0.96, belt), (c1, w * 0.96, belt), (r1, v, roof), (r0, v, roof)),
        ((c1, -w * 0.96, belt), (c0, -w * 0.96, belt), (r0, -v, roof), (r1, -v, roof)),
        ((c1, w * 0.96, belt), (c1, -w * 0.96, belt), (r1, -v, roof), (r1, v, roof)),
        ((c0, -w * 0.96, belt), (c0, w * 0.96, belt), (r0, v, roof), (r0, -v, roof)),
        ((r0, v, roof), (r1, v, roof), (r1, -v, roof), (r0, -v, roof)),
    )
    for i in range(10):
        for j in range(4):
            for k in range(3):
                out[i, j, k] = quads[i][j][k]


@jit
def car(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float, eye: Floats, axes: Floats,
    lamps: Floats, p: Floats,
) -> None:  # fmt: skip
    fx, fy = math.cos(p[2]), math.sin(p[2])
    quads, corners = np.empty((10, 4, 3)), np.empty((4, 3))
    light, colour, spot = np.zeros(3), np.empty(3), np.empty(3)
    project(eye, axes, p[0], p[1], 0.0, spot)
    if spot[2] < 3.0:
        return
    shadow(luma, depth, focal, spot, p[3] * 0.62, 0.42)
    body(p[3], quads)
    for turn in range(10):
        # The lower body first, then the cabin: convex both, so faces that look away are simply left out.
        q = quads[turn]
        mx, my, mz = q[:, 0].mean(), q[:, 1].mean(), q[:, 2].mean()
        nx, ny, nz = mx / (p[3] / 2), my / 0.9, (mz - 0.7) * 1.1
        light[0], light[1], light[2] = 0.055, 0.068, 0.095
        wx, wy = fx * nx - fy * ny, fy * nx + fx * ny
        size = math.sqrt(wx * wx + wy * wy + nz * nz) + 1e-6
        lamplight(lamps, p[0], p[1], 1.0, wx / size, wy / size, nz / size, light)
        for i in range(4):
            project(
                eye, axes, p[0] + fx * q[i, 0] - fy * q[i, 1], p[1] + fy * q[i, 0] + fx * q[i, 1], q[i, 2], corners[i]
            )
        if 5 <= turn <= 8:
            tone(0.05, 0.06, 0.075, light, 1.0, colour)
        else:
            tone(p[4], p[5], p[6], light, 1.0, colour)
        face(luma, blue, red, depth, focal, corners, colour)
    beside = -fy * (eye[0] - p[0]) + fx * (eye[1] - p[1])
    for s in range(2):
        along, aside = p[3] * (0.31 if s else -0.31), 0.88 if beside > 0 else -0.88
        project(eye, axes, p[0] + fx * along - fy * aside, p[1] + fy * along + fx * aside, 0.31, spot)
        if spot[2] > 2.0 and abs(beside) > 1.5:
            colour[0], colour[1], colour[2] = 22.0, 128.0, 127.0
            limb(luma, blue, red, depth, focal, spot, spot, 0.31, 0.31, colour, 0.0)
    for s in range(4):
        along, aside = (p[3] / 2 + 0.02) * (1.0 if s < 2 else -1.0), 0.62 * (1.0 if s % 2 else -1.0)
        if (eye[0] - p[0]) * fx * along + (eye[1] - p[1]) * fy * along < 0:
            continue
        project(eye, axes, p[0] + fx * along - fy * aside, p[1] + fy * along + fx * aside, 0.68, spot)
        if spot[2] < 2.0:
            continue
        if s < 2:
            colour[0], colour[1], colour[2] = 236.0, 122.0, 132.0
        else:
            colour[0], colour[1], colour[2] = 112.0, 108.0, 206.0
        limb(luma, blue, red, depth, focal, spot, spot, 0.12 if s < 2 else 0.1, 0.12 if s < 2 else 0.1, colour, 0.0)


@jit
def draw(
    luma: Planes, blue: Planes, red: Planes, depth: npt.NDArray[np.uint16], focal: float, eye: Floats, axes: Floats,
    lamps: Floats, people: Floats, cars: Floats, order: npt.NDArray[np.int64],
) -> None:  # fmt: skip
    """Far to near: `order` counts people first, then cars."""
    for each in order:
        if each < len(people):
            person(luma, blue, red, depth, focal, eye, axes, lamps, people[each])
        else:
            car(luma, blue, red, depth, focal, eye, axes, lamps, cars[each - len(people)])
