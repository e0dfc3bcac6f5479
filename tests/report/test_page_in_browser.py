import json
import shutil
import subprocess
from html import unescape

import pytest

from ravine.report.page import write_report

PROBE = """<!doctype html>
<title>waiting</title>
<iframe src="report.html" style="border: 0; width: {width}px; height: 900px"></iframe>
<script>
onload = () => setTimeout(() => {{
  const inner = document.querySelector("iframe").contentWindow, page = inner.document;
  const drawn = [...page.querySelectorAll(".plot")].map((plot) => plot.querySelectorAll(".trace, .bars .point").length);
  document.title = JSON.stringify({{
    width: inner.innerWidth,
    needed: page.documentElement.scrollWidth,
    drawn,
    fetched: inner.performance.getEntriesByType("resource").map((entry) => entry.name.slice(0, 40)),
    scripts: page.scripts.length,
  }});
}}, 1500);
</script>"""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium here (Debian: apt install chromium)")
    return found


@pytest.mark.assets
@pytest.mark.parametrize("width", [375, 1280])
def test_the_page_draws_its_charts_and_fits_the_screen(full, browser, tmp_path, width):
    write_report(full, tmp_path / "report.html")
    frame = tmp_path / "frame.html"
    frame.write_text(PROBE.format(width=width))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    size, patience = f"--window-size={max(width, 500) + 40},1000", "--virtual-time-budget=8000"
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [browser, *options, size, patience, profile, frame.as_uri()]
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    seen = json.loads(unescape(page.partition("<title>")[2].partition("</title>")[0]))
    assert seen["width"] == width
    assert seen["needed"] <= width
    assert len(seen["drawn"]) == 8 and min(seen["drawn"]) > 0
    assert not [name for name in seen["fetched"] if not name.startswith("data:")]
