"""The page in a real browser: no errors, no request, tables that sort, nothing wider than a telephone, and a printout.

The page is copied with a script at its end that looks around and tells the page around it what it found; Chromium prints that
when it is done. Skipped, and said so, where no Chromium is installed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import report_cases
from neuropinn_lava.hardware_sim.report.page import report_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium: the report is not tested in a browser"),
]
TIME_LIMIT = 300
"""Seconds for Chromium to draw a page, on a machine that does other work."""
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-breakpad",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
)  # fmt: skip

LOOK_AROUND = """
<script>
const found = {};
found.tables = document.querySelectorAll("table").length;
found.figures = document.querySelectorAll("figure svg").length;
found.captions = [...document.querySelectorAll("figcaption")].filter((c) => c.textContent.trim()).length;
found.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
found.width = document.documentElement.clientWidth;
found.widest = document.documentElement.scrollWidth;
found.drawn = [...document.querySelectorAll("figure svg")].filter((s) => s.getBoundingClientRect().height > 40).length;
found.scripts = document.querySelectorAll("h1 script, td script").length;
found.title = document.querySelector("h1").textContent;
const table = document.querySelector("#counts-table");
const column = (index) => [...table.tBodies[0].rows].map((row) => Number(row.cells[index].dataset.value));
const press = (index) => table.tHead.rows[0].cells[index].querySelector("button").click();
press(3); found.up = column(3);
press(3); found.down = column(3);
found.sorted = table.tHead.rows[0].cells[3].getAttribute("aria-sort");
found.total = table.tFoot.rows.length;
found.ink = getComputedStyle(document.body).color;
parent.postMessage(JSON.stringify(found), "*");
</script>
"""
EXPLORE = """
<script>
const errors = [];
addEventListener("error", (event) => errors.push(event.message));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const all = (selector) => [...document.querySelectorAll(selector)];
const shown = (selector) => all(selector).filter((e) => e.getBoundingClientRect().height > 40).length;
const titles = () => all("#fields-explorer .gtitle").map((t) => t.textContent);
(async () => {
  await wait(1500);
  const found = { errors };
  found.requests = performance.getEntriesByType("resource").map((entry) => entry.name);
  found.explorers = [...document.querySelectorAll(".explorer:not([hidden])")].map((e) => e.id);
  found.plots = shown(".plot .main-svg") > 0 && all(".plot").every((p) => p.querySelector(".main-svg"));
  found.solid = document.querySelectorAll("#solid-explorer canvas").length;
  found.pictures = shown(".live > .pictures figure svg");
  found.contents = document.querySelectorAll("#contents a").length;
  found.headings = document.querySelectorAll("main section[id] > h2").length;
  found.width = document.documentElement.clientWidth;
  found.widest = document.documentElement.scrollWidth;
  const controls = [...document.querySelectorAll(".explorer :is(input, button)")];
  found.named = controls.every((c) => c.tabIndex === 0 && (c.closest("label") || c.getAttribute("aria-label")));
  found.before = titles();
  document.querySelector("#fields-explorer input[value=float]").click();
  document.querySelector("#fields-explorer input[value=difference]").click();
  const slider = document.querySelector("#fields-explorer input[type=range]");
  slider.value = 0;
  slider.dispatchEvent(new Event("input"));
  document.querySelector("#fields-explorer button[title='Zoom in']").click();
  await wait(1500);
  found.after = titles();
  const [map] = document.querySelectorAll("#fields-explorer .map");
  const [heat] = map.data;
  const share = (axis, places) => (axis.range[1] - axis.range[0]) / (places.at(-1) - places[0]);
  const shares = () => [share(map._fullLayout.xaxis, heat.x), share(map._fullLayout.yaxis, heat.y)];
  found.zoomed = shares();
  document.querySelector("#fields-explorer button[title='Show the whole domain']").click();
  await wait(1500);
  found.whole = shares();
  found.holes = heat.z.flat().filter((value) => value === null).length;
  parent.postMessage(JSON.stringify(found), "*");
})();
</script>
"""
HARMLESS = (
    "GL Driver Message",
    "Canvas2D: Multiple readback",
    "Automatic fallback to software WebGL",
    "GroupMarkerNotSet",
)
"""Remarks of Chromium on how its own software draws."""
FRAME = """<!DOCTYPE html><meta charset="utf-8"><pre id="found"></pre>
<script>addEventListener("message", (event) => { document.querySelector("#found").textContent = event.data; });</script>
<iframe src="report.html" style="border: 0; width: %dpx; height: 900px"></iframe>
"""
"""A window is never narrower than 500 pixels; a frame in it may be."""


@cache
def page(is_live: bool) -> str:
    with pytest.MonkeyPatch.context() as patch:
        if not is_live:
            patch.setattr("neuropinn_lava.hardware_sim.report.page.library_script", lambda: None)
        return report_page(report_cases.full_report(), report_cases.full_figures())


def browse(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    assert BROWSER is not None
    folder = path.parent
    command = [BROWSER, *OPTIONS, f"--user-data-dir={folder / 'profile'}", *options, path.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIME_LIMIT)
    assert done.returncode == 0, done.stderr
    return done


def look_around(folder: Path, width: int, *options: str, is_live: bool = False) -> dict[str, Any]:
    """Open the page in so many pixels and give what the script found; a console message is a failure."""
    head, _, tail = page(is_live).rpartition("</body>")
    script = EXPLORE if is_live else LOOK_AROUND
    (folder / "report.html").write_text(f"{head}{script}</body>{tail}", encoding="utf-8")
    (folder / "frame.html").write_text(FRAME % width)
    done = browse(
        folder / "frame.html", "--dump-dom", "--window-size=1300,1000", "--virtual-time-budget=9000", *options
    )
    said = [
        line for line in done.stderr.splitlines() if "CONSOLE" in line and not any(word in line for word in HARMLESS)
    ]
    assert said == []
    note = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert note is not None, done.stdout[-2000:]
    found: dict[str, Any] = json.loads(note.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    return found


@pytest.mark.parametrize("width", [1200, 400])
def test_renders_without_errors_or_requests(tmp_path: Path, width: int) -> None:
    found = look_around(tmp_path, width)
    n_figures = len(report_cases.full_figures())
    assert (found["figures"], found["captions"], found["drawn"]) == (n_figures,) * 3
    assert found["tables"] >= 8
    assert found["requests"] == []
    assert width - 20 <= found["width"] <= width  # but for a scroll bar
    assert found["widest"] <= found["width"]  # wide tables scroll within themselves
    assert found["scripts"] == 0
    assert found["title"].startswith(report_cases.HOSTILE)  # shown, not run


def test_a_table_sorts_on_click(tmp_path: Path) -> None:
    found = look_around(tmp_path, 1200)
    assert found["up"] == sorted(found["up"])
    assert found["down"] == sorted(found["down"], reverse=True)
    assert found["up"] != found["down"]
    assert found["sorted"] == "descending"
    assert found["total"] == 1  # the sums stay below


def test_dark_pages_have_light_ink(tmp_path: Path) -> None:
    colours = []
    for name, dark in (("light", False), ("dark", True)):
        folder = tmp_path / name
        folder.mkdir()
        options = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0") if dark else ()
        ink = look_around(folder, 1200, *options)["ink"]
        colours.append(sum(int(part) for part in re.findall(r"\d+", ink)[:3]))
    assert colours[0] < 200 < 600 < colours[1]


@pytest.mark.parametrize("width", [1280, 400])
def test_explorers_answer_without_errors_or_requests(tmp_path: Path, width: int) -> None:
    pytest.importorskip("plotly")
    found = look_around(tmp_path, width, "--enable-unsafe-swiftshader", is_live=True)
    assert found["errors"] == []
    assert found["requests"] == []
    assert found["explorers"] == ["fields-explorer", "solid-explorer", "activity-explorer"]
    assert found["plots"]
    assert found["solid"] >= 1
    assert found["pictures"] == 0  # they are for paper
    assert found["contents"] == found["headings"] >= 8
    assert found["widest"] <= found["width"]
    assert found["named"]  # every control can be reached by keyboard, and has a name
    assert found["before"][:2] == ["u, deployed network", "u, deployed − reference"]
    assert found["after"][:2] == ["u, float network", "u, deployed − float"]
    assert found["before"][2] != found["after"][2]  # the cut has moved
    assert (
        min(found["zoomed"]) < 0.75 < 1 <= min(found["whole"])
    )  # half, but for panels that equal scales leave to be filled
    assert found["holes"] > 0  # the corner that the domain leaves out


@pytest.mark.parametrize("is_live", [True, False])
def test_prints_to_paper(tmp_path: Path, is_live: bool) -> None:
    (tmp_path / "report.html").write_text(page(is_live), encoding="utf-8")
    browse(tmp_path / "report.html", f"--print-to-pdf={tmp_path / 'report.pdf'}", "--no-pdf-header-footer")
    paper = (tmp_path / "report.pdf").read_bytes()
    assert paper.startswith(b"%PDF")
    assert paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") >= 3
