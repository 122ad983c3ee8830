"""What drawing costs: the first picture of a camera, each further one, and that against a camera's frame time."""

import json
import time

import numpy as np

from safetynet.core.terms import Instant
from safetynet.sim.scene import HEIGHT, WIDTH, Scene
from safetynet.sim.world import World

CAMERAS = 12
FRAMES = 60
FRAME_MS = 100.0
START = 1_795_436_880_000


def main() -> None:
    began = time.perf_counter()
    world = World()
    build_s = time.perf_counter() - began
    lenses = {each.id: each for each in world.cameras()}
    scene = Scene(world.streets, world, lenses)
    scene.warm()
    planes = np.empty(WIDTH * HEIGHT * 3 // 2, np.uint8)
    copy = np.empty_like(planes)
    backgrounds, frames, copies, blocks = [], [], [], []
    for camera in sorted(lenses)[:: len(lenses) // CAMERAS][:CAMERAS]:
        began = time.perf_counter()
        scene.background(camera)
        backgrounds.append(time.perf_counter() - began)
        last = None
        for k in range(FRAMES):
            began = time.perf_counter()
            scene.draw(camera, Instant(START + k * 100), planes)
            frames.append(time.perf_counter() - began)
            began = time.perf_counter()
            copy[:] = planes
            copies.append(time.perf_counter() - began)
            luma = planes[: WIDTH * HEIGHT].reshape(HEIGHT, WIDTH)[:352].reshape(22, 16, 40, 16)
            if last is not None:
                blocks.append(int((luma != last).any(axis=(1, 3)).sum()))
            last = luma.copy()
    draw_ms, copy_ms = float(np.median(frames)) * 1000, float(np.median(copies)) * 1000
    print(json.dumps({
        "bench": "scene", "world_build_s": round(build_s, 2), "background_ms_median": round(float(np.median(backgrounds)) * 1000, 1),
        "draw_ms_median": round(draw_ms, 3), "draw_ms_p95": round(float(np.percentile(frames, 95)) * 1000, 3),
        "copy_ms_median": round(copy_ms, 4), "draw_over_copy": round(draw_ms / copy_ms, 1),
        "draw_share_of_frame": round(draw_ms / FRAME_MS, 4), "changed_blocks_median": float(np.median(blocks)),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
