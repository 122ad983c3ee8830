"""Drawing kernels: a small software renderer. Depth-tested polygons, lamplight per pixel, walking figures.

Backgrounds are drawn once per camera in linear RGB at twice the size; what moves is drawn per frame straight into the
three planes of an I420 picture and tested against the background's depth, so walls hide people by the pixel.

Camera space: x right, y up, z forward, metres. Absent on purpose: what a street looks like (scene).
"""

import math
from typing import Any, Final

import numba
import numpy as np
import numpy.typing as npt

NEAR_M: Final = 0.35
PLAIN, GLOW, FACADE, ASPHALT, PAVING, GRASS, WATER, LEAF, PAINT, BODY = range(10)
# Row of a material: kind, r, g, b, origin x, y, along x, y, length, height, seed, shop, sign r, g, b, normal kind.
FOG_M: Final = 260.0
AMBIENT: Final = (0.040, 0.053, 0.082)
"""Light of the dusk sky on an upward surface, linear."""


def jit(function: Any) -> Any:
    return numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")(function)


@jit
def hash01(a: int, b: int, c: int) -> Any:
    """A repeatable value in [0, 1) for three whole numbers."""
    h = np.uint32((a * 374761393 + b * 668265263 + c * 974634599) & 0xFFFFFFFF)
    h = np.uint32((np.uint64(h ^ (h >> np.uint32(13))) * np.uint64(1274126177)) & np.uint64(0xFFFFFFFF))
    h = h ^ (h >> np.uint32(16))
    return np.float64(h) / 4294967296.0


@jit
def noise(x: float, y: float, salt: int) -> float:
    xi, yi = math.floor(x), math.floor(y)
    u, v = x - xi, y - yi
    u, v = u * u * (3 - 2 * u), v * v * (3 - 2 * v)
    i, j = int(xi), int(yi)
    top = hash01(i, j, salt) * (1 - u) + hash01(i + 1, j, salt) * u
    low = hash01(i, j + 1, salt) * (1 - u) + hash01(i + 1, j + 1, salt) * u
    mixed: float = top * (1 - v) + low * v
    return mixed


@jit
def clip_near(corners: npt.NDArray[np.float64], count: int, out: npt.NDArray[np.float64]) -> int:
    kept = 0
    for i in range(count):
        j = (i + 1) % count
        here, there = corners[i, 2] > NEAR_M, corners[j, 2] > NEAR_M
        if here:
            out[kept] = corners[i]
            kept += 1
        if here != there:
            t = (NEAR_M - corners[i, 2]) / (corners[j, 2] - corners[i, 2])
            for k in range(3):
                out[kept, k] = corners[i, k] + (corners[j, k] - corners[i, k]) * t
            kept += 1
    return kept


@jit
def span(sx: npt.NDArray[np.float64], sy: npt.NDArray[np.float64], count: int, y: float) -> tuple[float, float]:
    """Where a convex polygon is cut by a row."""
    low, high = 1e9, -1e9
    for i in range(count):
        j = (i + 1) % count
        if (sy[i] <= y) != (sy[j] <= y):
            x = sx[i] + (sx[j] - sx[i]) * (y - sy[i]) / (sy[j] - sy[i])
            low, high = min(low, x), max(high, x)
    return low, high


@jit
def fill(
    polygons: npt.NDArray[np.float64],
    counts: npt.NDArray[np.int64],
    ground: int,
    focal: float,
    nearness: npt.NDArray[np.float32],
    owner: npt.NDArray[np.int32],
) -> None:
    """Polygons (n, 4, 3) in camera space. The first `ground` lie on the ground and are painted in order, the rest by
    depth. `nearness` is 1/z; `owner` the index of the polygon, or -1 for the sky.
    """
    rows, columns = nearness.shape
    clipped = np.empty((10, 3))
    sx, sy = np.empty(10), np.empty(10)
    for n in range(len(polygons)):
        count = clip_near(polygons[n], counts[n], clipped)
        if count < 3:
            continue
        ax, ay, az = polygons[n, 1] - polygons[n, 0]
        bx, by, bz = polygons[n, 2] - polygons[n, 0]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        d = nx * polygons[n, 0, 0] + ny * polygons[n, 0, 1] + nz * polygons[n, 0, 2]
        if abs(d) < 1e-9:
            continue
        top, bottom = 1e9, -1e9
        for i in range(count):
            sx[i] = columns / 2 + focal * clipped[i, 0] / clipped[i, 2]
            sy[i] = rows / 2 - focal * clipped[i, 1] / clipped[i, 2]
            top, bottom = min(top, sy[i]), max(bottom, sy[i])
        for row in range(max(0, math.ceil(top - 0.5)), min(rows, math.ceil(bottom - 0.5))):
            low, high = span(sx, sy, count, row + 0.5)
            ry = (rows / 2 - row - 0.5) / focal
            for column in range(max(0, math.ceil(low - 0.5)), min(columns, math.ceil(high - 0.5))):
                rx = (column + 0.5 - columns / 2) / focal
                near = (nx * rx + ny * ry + nz) / d
                if n < ground or near > nearness[row, column]:
                    nearness[row, column] = near
                    owner[row, column] = n


@jit
def fill_balls(
    balls: npt.NDArray[np.float64],
    first: int,
    focal: float,
    nearness: npt.NDArray[np.float32],
    owner: npt.NDArray[np.int32],
) -> None:
    """Leaf clusters (n, 4): centre in camera space and radius, with a ragged rim; facing discs with a round depth."""
    rows, columns = nearness.shape
    for n in range(len(balls)):
        x, y, z, radius = balls[n]
        if z < 1.5:
            continue
        cx, cy, r = columns / 2 + focal * x / z, rows / 2 - focal * y / z, focal * radius / z
        for row in range(max(0, int(cy - r * 1.2)), min(rows, int(cy + r * 1.2) + 1)):
            for column in range(max(0, int(cx - r * 1.2)), min(columns, int(cx + r * 1.2) + 1)):
                u, v = (column + 0.5 - cx) / r, (row + 0.5 - cy) / r
                rag = 0.42 * (noise(u * 3.4 + n * 7.1, v * 3.4, n) - 0.5) + 0.3 * (noise(u * 9, v * 9, n + 5) - 0.5)
                reach = math.sqrt(u * u + v * v) + rag
                if reach < 1.0:
                    near = 1.0 / (z - radius * 0.8 * math.sqrt(1 - min(1.0, max(0.0, reach)) ** 2))
                    if near > nearness[row, column]:
                        nearness[row, column] = near
                        owner[row, column] = first + n


@jit
def facade(m: npt.NDArray[np.float64], u: float, z: float, out: npt.NDArray[np.float64]) -> None:
    """Colour (3) and own light (3) of a wall at `u` metres along and `z` up: windows, shopfront, sign, cornice."""
    seed, shop = int(m[10]), m[11]
    shade = 0.92 + 0.16 * noise(u * 0.7, z * 0.5, seed & 1023)
    out[0], out[1], out[2] = m[1] * shade, m[2] * shade, m[3] * shade
    out[3] = out[4] = out[5] = 0.0
    if shop > 0 and z < 3.75:
        shopfront(m, u, z, out)
        return
    if z > m[9] - 0.7 or z < 0.5:
        for k in range(3):
            out[k] *= 0.6 if z < 0.5 else 1.25
        return
    width = 2.4 + (seed % 7) * 0.18
    bays = max(1.0, math.floor((m[8] - 1.0) / width))
    step = (m[8] - 1.0) / bays
    bay = math.floor((u - 0.5) / step)
    floor = math.floor((z - 0.9) / 3.1)
    across, up = (u - 0.5) / step - bay, (z - 0.9) - floor * 3.1
    tall = 1.5 if seed % 3 else 1.9
    if bay < 0 or bay >= bays or across < 0.2 or across > 0.8 or up < 0.85 or up > 0.85 + tall:
        return
    lit = hash01(int(bay), int(floor), seed)
    frame = across < 0.235 or across > 0.765 or abs(across - 0.5) < 0.017 or up < 0.93 or up > 0.77 + tall
    if frame:
        out[0], out[1], out[2] = out[0] * 0.5, out[1] * 0.5, out[2] * 0.52
    elif lit < 0.30:
        fall = 0.55 + 0.45 * (up - 0.85) / tall
        curtain = 0.7 if hash01(int(bay), int(floor), seed + 9) < 0.45 and (across < 0.36 or across > 0.64) else 1.0
        warm = 0.75 if lit < 0.22 else 0.3
        power = 0.62 * fall * curtain * (0.55 + lit * 1.5)
        out[3], out[4], out[5] = power * 1.05, power * (0.62 + 0.28 * (1 - warm)), power * (0.34 + 0.75 * (1 - warm))
    else:
        out[0], out[1], out[2] = 0.045, 0.055, 0.075
        glint = 0.02 + 0.035 * up / tall
        out[3], out[4], out[5] = glint * 0.7, glint * 0.85, glint * 1.2


@jit
def shopfront(m: npt.NDArray[np.float64], u: float, z: float, out: npt.NDArray[np.float64]) -> None:
    seed, on = int(m[10]), m[11] > 0.5
    width = m[8] / max(1.0, math.floor(m[8] / 5.2))
    unit = math.floor(u / width)
    across = u / width - unit
    is_open = on and hash01(int(unit), 3, seed) < 0.72
    pick = hash01(int(unit), 1, seed)
    if z > 2.75 and 0.03 < across < 0.97:
        sign = hash01(int(unit), 7, seed)
        r, g, b = 0.55 + 0.45 * math.cos(6.28 * sign), 0.5 + 0.4 * math.cos(6.28 * (sign + 0.35)), 0.0
        b = 0.5 + 0.45 * math.cos(6.28 * (sign + 0.68))
        stroke = 0.24 < across < 0.76 and 2.95 < z < 3.5
        if stroke:
            cell, gap = math.floor(across * width / 0.42), (across * width / 0.42) % 1.0
            inner = hash01(int(cell), int((z - 2.95) / 0.14), seed + int(unit)) < 0.66
            stroke = gap < 0.8 and inner
        power = 0.5 if is_open else 0.05
        if stroke:
            out[3], out[4], out[5] = power * 1.5, power * 1.45, power * 1.3
        else:
            out[3], out[4], out[5] = power * (r * 0.5 + 0.04), power * (g * 0.42 + 0.04), power * (b * 0.48 + 0.04)
        out[0], out[1], out[2] = 0.1 * r, 0.1 * g, 0.1 * b
        return
    if across < 0.04 or across > 0.96 or z < 0.35 or z > 2.7:
        out[0], out[1], out[2] = out[0] * 0.55, out[1] * 0.55, out[2] * 0.55
        return
    if abs((across * 4) % 1.0 - 0.5) > 0.47:
        out[0] = out[1] = out[2] = 0.06
        return
    if not is_open:
        ribs = 0.8 + 0.2 * ((z * 7) % 1.0 > 0.5)
        out[0], out[1], out[2] = 0.16 * ribs, 0.165 * ribs, 0.175 * ribs
        return
    goods = 0.55 + 0.45 * hash01(int(u * 3.5), int(z * 2.4), seed + 4)
    inside = (0.5 + 0.5 * min(1.0, z / 2.2)) * (goods if z < 1.7 else 1.0)
    power = 0.85 * inside
    cool = pick > 0.62
    out[3], out[4], out[5] = (
        power * (0.86 if cool else 1.05),
        power * (0.95 if cool else 0.78),
        power * (1.0 if cool else 0.47),
    )


@jit
def surface(m: npt.NDArray[np.float64], x: float, y: float, z: float, out: npt.NDArray[np.float64]) -> None:
    """Albedo (out[0:3]) and own light (out[3:6]) of a material at a point of the world."""
    kind = int(m[0])
    out[0], out[1], out[2] = m[1], m[2], m[3]
    out[3] = out[4] = out[5] = 0.0
    if kind == FACADE:
        facade(m, (x - m[4]) * m[6] + (y - m[5]) * m[7], z, out)
    elif kind == ASPHALT:
        k = 0.8 + 0.25 * noise(x * 0.35, y * 0.35, 3) + 0.22 * (noise(x * 3.1, y * 3.1, 4) - 0.5)
        k += 0.14 * (hash01(int(x * 14), int(y * 14), 5) - 0.5)
        out[0], out[1], out[2] = out[0] * k, out[1] * k, out[2] * k
    elif kind == PAVING:
        u, v = x * m[6] + y * m[7], y * m[6] - x * m[7]
        k = 0.93 + 0.14 * hash01(math.floor(u / 0.6), math.floor(v / 0.6), 8)
        if (u / 0.6) % 1.0 < 0.06 or (v / 0.6) % 1.0 < 0.06:
            k *= 0.78
        k *= 0.9 + 0.2 * noise(x * 0.4, y * 0.4, 2)
        out[0], out[1], out[2] = out[0] * k, out[1] * k, out[2] * k
    elif kind == GRASS:
        k = 0.62 + 0.5 * noise(x * 0.3, y * 0.3, 6) + 0.4 * (noise(x * 4.0, y * 4.0, 7) - 0.5)
        out[0], out[1], out[2] = out[0] * k, out[1] * k, out[2] * k
    elif kind == WATER:
        k = 0.55 + 0.9 * noise(x * 0.25 + y * 0.05, y * 0.9, 9)
        out[3], out[4], out[5] = 0.018 * k, 0.026 * k, 0.042 * k
    elif kind == LEAF:
        k = 0.6 + 0.8 * noise((x + z) * 2.6, (y - z) * 2.6, 11)
        out[0], out[1], out[2] = out[0] * k, out[1] * k, out[2] * k
    elif kind == PAINT:
        k = 0.72 + 0.35 * noise(x * 2.2, y * 2.2, 12)
        out[0], out[1], out[2] = out[0] * k, out[1] * k, out[2] * k
    elif kind == GLOW:
        out[3], out[4], out[5] = m[1], m[2], m[3]


@jit
def lamplight(
    lamps: npt.NDArray[np.float64], x: float, y: float, z: float, nx: float, ny: float, nz: float,
    out: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Adds the light that falls on a point. Rows of lamps: x, y, z, r, g, b, reach in metres, 1 when it shines down."""
    for n in range(len(lamps)):
        dx, dy, dz = lamps[n, 0] - x, lamps[n, 1] - y, lamps[n, 2] - z
        square = dx * dx + dy * dy + dz * dz
        reach = lamps[n, 6]
        if square > reach * reach:
            continue
        distance = math.sqrt(square) + 1e-6
        lean = (dx * nx + dy * ny + dz * nz) / distance
        facing = 0.12 + 0.88 * lean if lean > 0 else 0.12 * max(0.0, 1 + lean)
        if lamps[n, 7] > 0:
            facing *= min(1.0, max(0.04, (dz / distance - 0.04) * 1.9))
        fade = 1 - square / (reach * reach)
        power = facing * fade * fade / (1.0 + square * 0.055)
        for k in range(3):
            out[k] += lamps[n, 3 + k] * power


@jit
def sky(up: float, side: float, out: npt.NDArray[np.float64]) -> None:
    """Dusk: a warm rim towards the side where the sun went down, deep blue above."""
    t = min(1.0, max(0.0, up * 2.4))
    rim = math.exp(-max(0.0, up) * 9.0) * (0.45 + 0.55 * max(0.0, side))
    out[0] = 0.030 * (1 - t) + 0.010 * t + 0.16 * rim
    out[1] = 0.042 * (1 - t) + 0.017 * t + 0.085 * rim
    out[2] = 0.072 * (1 - t) + 0.036 * t + 0.055 * rim


@jit
def film(value: float) -> float:
    """Linear light to a display value in [0, 1]: a soft shoulder, then gamma."""
    bright = max(0.0, value) * 1.9
    return math.pow(bright * (1 + bright * 0.16) / (1 + bright), 1 / 2.2)


@jit
def shade(
    nearness: npt.NDArray[np.float32],
    owner: npt.NDArray[np.int32],
    materials: npt.NDArray[np.float64],
    normals: npt.NDArray[np.float64],
    balls: npt.NDArray[np.float64],
    first_ball: int,
    lamps: npt.NDArray[np.float64],
    eye: npt.NDArray[np.float64],
    axes: npt.NDArray[np.float64],
    focal: float,
    picture: npt.NDArray[np.float32],
) -> None:
    """Adds the light of every pixel to `picture`, which has half as many rows and columns: linear values. `axes` rows:
    right, up, forward. Lamplight is smooth, so the four pixels of a block share it where they show one surface.
    """
    rows, columns = nearness.shape
    out, light, haze = np.empty(6), np.empty(3), np.empty(3)
    shared, of = np.zeros((columns // 2, 3)), np.full(columns // 2, -2, np.int64)
    for row in range(rows):
        for column in range(columns):
            rx, ry = (column + 0.5 - columns / 2) / focal, (rows / 2 - row - 0.5) / focal
            dx = axes[0, 0] * rx + axes[1, 0] * ry + axes[2, 0]
            dy = axes[0, 1] * rx + axes[1, 1] * ry + axes[2, 1]
            dz = axes[0, 2] * rx + axes[1, 2] * ry + axes[2, 2]
            size = math.sqrt(dx * dx + dy * dy + dz * dz)
            sky(max(0.0, dz / size), -dx / size, haze)
            n = owner[row, column]
            if n >= 0:
                z = 1.0 / nearness[row, column]
                x, y, h = eye[0] + dx * z, eye[1] + dy * z, eye[2] + dz * z
                if of[column // 2] != n or ((row & 1) == 0 and (column & 1) == 0):
                    nx, ny, nz = normals[n, 0], normals[n, 1], normals[n, 2]
                    if n >= first_ball:
                        ball = balls[n - first_ball]
                        nx, ny, nz = (x - ball[0]) / ball[3], (y - ball[1]) / ball[3], (h - ball[2]) / ball[3]
                    elif nx * dx + ny * dy + nz * dz > 0:
                        nx, ny, nz = -nx, -ny, -nz
                    dome = 0.7 + 0.3 * nz
                    light[0], light[1], light[2] = AMBIENT[0] * dome, AMBIENT[1] * dome, AMBIENT[2] * dome
                    lamplight(lamps, x, y, h, nx, ny, nz, light)
                    shared[column // 2] = light
                    of[column // 2] = n
                surface(materials[n], x, y, h, out)
                fog = 1 - math.exp(-z * size / FOG_M)
                for k in range(3):
                    haze[k] = (out[k] * shared[column // 2, k] + out[3 + k]) * (1 - fog) + haze[k] * fog * 0.9
            corner = (rx * rx + ry * ry * 1.6) / (0.5 * columns / focal) ** 2
            dim = 0.25 * (1 - 0.34 * min(1.4, corner))
            for k in range(3):
                picture[row // 2, column // 2, k] += haze[k] * dim


@jit
def develop(picture: npt.NDArray[np.float32]) -> None:
    """Linear light to display values, in place."""
    rows, columns, _ = picture.shape
    for row in range(rows):
        for column in range(columns):
            for k in range(3):
                picture[row, column, k] = film(picture[row, column, k])
