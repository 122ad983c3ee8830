"""Copies the few files that pages load out of node_modules into safetynet/console/vendor. Fails if one is missing."""

import shutil
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
SOURCE = TREE / "node_modules"
TARGET = TREE / "safetynet" / "console" / "vendor"
FILES = {
    "lit/": ["index.js", "html.js", "directives/repeat.js", "directives/class-map.js"],
    "lit-html/": [
        "lit-html.js",
        "is-server.js",
        "directive.js",
        "directive-helpers.js",
        "directives/repeat.js",
        "directives/class-map.js",
    ],
    "lit-element/": ["lit-element.js", "index.js"],
    "@lit/reactive-element/": ["reactive-element.js", "css-tag.js"],
    "maplibre-gl/dist/": ["maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"],
    "pretendard/dist/web/static/woff2-subset/": ["Pretendard-Regular.subset.woff2", "Pretendard-SemiBold.subset.woff2"],
    "pretendard/dist/": ["LICENSE.txt"],
    "pretendard/dist/public/static/alternative/": ["Pretendard-Regular.ttf", "Pretendard-SemiBold.ttf"],
}


def main() -> int:
    shutil.rmtree(TARGET, ignore_errors=True)
    missing: list[str] = []
    for folder, names in FILES.items():
        for name in names:
            source = SOURCE / folder / name
            if not source.is_file():
                missing.append(f"{folder}{name}")
                continue
            target = TARGET / folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    for name in missing:
        print(f"vendor: missing {name}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
