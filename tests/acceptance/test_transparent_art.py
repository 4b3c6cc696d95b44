"""Copies of transparent pictures: a small version of `bench.transparent_art`, on drawn ones."""

from pathlib import Path

from PIL import Image
from test_transparent_pictures import drawing

from bench.alpha_copies import SIDES, WAYS, choose
from bench.transparent_art import checked, misses, registered, strangers_met


def soft(seed: int) -> Image.Image:
    """Return strokes that fade out towards the edges of the picture."""
    image = drawing(seed)
    fade = Image.radial_gradient("L").resize(image.size).point(lambda value: max(0, 190 - value))
    image.putalpha(fade)
    return image


def arts(folder: Path, first: int):
    folder.mkdir()
    for seed in range(first, first + 2):
        drawing(seed).save(folder / f"hard-{seed}.png")
        soft(seed + 100).save(folder / f"soft-{seed}.png")
    drawing(first).convert("RGB").save(folder / "opaque.png")
    drawing(first).resize((90, 60)).save(folder / "small.png")
    (folder / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return list(choose(folder, 9, least=100, most=1000, seed=1, seen=set()))


def test_copies_are_recognised_and_strangers_are_not(registry_home: Path, tmp_path: Path):
    known = arts(tmp_path / "known", 50)
    assert sorted(art.path.name[:4] for art in known) == ["hard", "hard", "opaq", "soft", "soft"]
    clear = [art for art in known if art.is_transparent]
    assert len(clear) == 4
    registry = registered(clear, registry_home)
    rows = checked(registry, clear)
    assert len(rows) == len(clear) * len(WAYS) * len(SIDES) * 2
    assert not misses(registry, rows)
    assert {row.all_views for row in rows} == {"reserved"}
    assert {row.way for row in rows if row.white_alone == "clear"} == set(WAYS) - {"white"}
    assert not any(row.others(*WAYS, "cleared") for row in rows)
    others = checked(registry, arts(tmp_path / "strangers", 60), with_file=True)
    assert {row.all_views for row in others} == {"clear"}
    assert "| transparent, the file itself | 4 | 0 | 0 | 0 |" in strangers_met(others)
