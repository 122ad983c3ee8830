"""The list of pictures, and that what is shown in docs/ is what the list says."""

from pathlib import Path

import pytest

from safetynet.sim import pictures
from safetynet.sim.pictures import LANGUAGES, PICTURES, TOTAL_BYTES_MAX, Where

HOUSE = Path(__file__).parents[2]
SCREENS = HOUSE / pictures.OUT


def test_the_table_is_that_of_the_list() -> None:
    assert (HOUSE / pictures.TABLE).read_text(encoding="utf-8") == pictures.table(), "make pictures"


def test_every_picture_is_there_in_both_languages_and_no_other() -> None:
    wanted = {f"{each.name}.{language}.webp" for each in PICTURES for language in LANGUAGES}
    assert {each.name for each in SCREENS.iterdir()} == wanted, "make pictures"
    assert all(each.read_bytes()[8:12] == b"WEBP" for each in SCREENS.iterdir())
    assert sum(each.stat().st_size for each in SCREENS.iterdir()) <= TOTAL_BYTES_MAX


def test_every_page_of_the_product_is_in_the_list() -> None:
    pages = {each.stem for each in (HOUSE / "safetynet/console").glob("*.html")}
    shown = {
        "index" if each.path == "/" else each.path.strip("/") for each in PICTURES if each.where is not Where.STORIES
    }
    assert pages <= shown, "a line in sim/pictures for each page"


@pytest.mark.parametrize("words", [[each.ko for each in PICTURES], [each.name for each in PICTURES]])
def test_no_two_pictures_have_one_name(words: list[str]) -> None:
    assert len(set(words)) == len(words)
