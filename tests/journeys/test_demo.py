"""The demo, as a person would run it: a process of its own, held to what it counts."""

from __future__ import annotations

import contextlib
import html
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.browser import ATTRIBUTE, FIELD, FORM
from tests.support.mosquitto import wait_for

ETALAGE = [sys.executable, "-m", "gateway"]


def test_every_offer_of_the_demo_is_acknowledged_and_followed_by_receipts() -> None:
    command = [*ETALAGE, "demo", "--minutes", "0.75", "--no-browser", "--json", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told = json.loads(done.stdout)
    assert told["shoppers_with_offers"] >= 20
    assert told["offers_announced"] >= 20
    assert told["offers_acknowledged"] == told["offers_announced"]
    assert told["offers_at_the_backend"] == told["offers_announced"] - told["staff_calls"]
    assert told["receipts"]["delivered"] == told["offers_at_the_backend"]
    assert told["receipts"]["shown"] > 0
    assert told["refused_messages"] == 0
    assert told["strangers_dropped"] > 0
    heard = told["strangers_dropped"] + told["other_traffic"] + told["sightings"]
    assert told["advertisements_heard"] == heard
    assert done.stderr == ""


def test_one_shopper_s_phone_is_a_page_in_a_person_s_hand() -> None:
    with demo() as running, httpx.Client(base_url=address(running, "Phone"), timeout=10) as phone:
        assert wait_for(lambda: phone.get("cards").json()["cards"], 90, 0.2), "an offer arrives"
        newest = phone.get("cards").json()["cards"][0]
        assert phone.post("reactions", json={"promise": newest["promise"], "what": "dismissed"}).status_code == 202
        reactions = {card["promise"]: card["did"] for card in phone.get("cards").json()["cards"]}
        assert reactions.pop(newest["promise"]) == ["delivered", "dismissed"]
        assert all(did == ["delivered"] for did in reactions.values()), "nothing acts by chance for this shopper"
        ends_in_time(running)  # with the browser still there


def test_every_page_that_leads_from_the_first_opens_for_the_owner_of_a_shop_with_everything_in_it() -> None:
    with demo() as running:
        link = address(running, "Come in as owner", r"enter/[\w-]+")
        base = link.partition("/enter/")[0]
        with httpx.Client(base_url=base, timeout=30, follow_redirects=True, headers={"Accept": "text/html"}) as browser:
            form = FORM.search(browser.get(link).text)
            assert form is not None
            fields = [dict(ATTRIBUTE.findall(one)) for one in FIELD.findall(form["inside"])]
            sent = {one["name"]: html.unescape(one.get("value", "")) for one in fields}
            assert browser.post(link, data=sent, headers={"Origin": base}).url.path == "/"
            seen: dict[str, int] = {}
            ahead = ["/", "/setup"]
            while ahead:
                path = ahead.pop()
                page = browser.get(path)
                seen[path] = page.status_code
                if page.headers.get("content-type", "").startswith("text/html"):
                    found = {html.unescape(one) for one in re.findall(r'href="(/[^"#]*)', page.text)}
                    ahead += sorted(found - seen.keys() - set(ahead))
    assert {path: status for path, status in seen.items() if status != 200} == {}
    assert {"/shop", "/shop/plan", "/shop/plan/edit", "/shop/scanners", "/shop/broker", "/shop/privacy"} <= seen.keys()


def test_the_demo_ends_cleanly_at_ctrl_c() -> None:
    with demo() as running:
        assert running.stdout is not None
        assert address(running, "Dashboard").startswith("http://127.0.0.1:")
        for line in running.stdout:  # the first line of figures: it lives
            if "heard" in line:
                break
        ends_in_time(running)


@pytest.mark.parametrize(("process", "part"), [("iotcore", "broker"), ("spawn_main", "simulated world")])
def test_a_part_that_dies_ends_the_demo_with_a_line_and_leaves_nothing(tmp_path: Path, process: str, part: str) -> None:
    with demo(tmp_path) as running:
        address(running, "Dashboard")
        os.kill(child(running, process), signal.SIGKILL)
        _, errors = running.communicate(timeout=180)
        assert running.returncode == 1
        assert errors.startswith(f"etalage: the {part} has died (")
        assert errors.count("\n") == 1
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("begun", ["etalage-demo-", "etalage-broker-"])
def test_ctrl_c_at_the_very_beginning_leaves_nothing(tmp_path: Path, begun: str) -> None:
    with demo(tmp_path) as running:
        assert wait_for(lambda: list(tmp_path.glob(f"{begun}*")), 60)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=180)
        assert (running.returncode, errors) == (0, "")
        assert list(tmp_path.iterdir()) == []


def child(running: subprocess.Popen[str], process: str) -> int:
    """The id of a process of the demo's, by a word of its command."""
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    return next(int(pid) for pid in children if process in Path(f"/proc/{pid}/cmdline").read_text())


@contextlib.contextmanager
def demo(folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """A demo that runs; `folder` is for what it keeps while it does."""
    command = [*ETALAGE, "demo", "--no-browser", "--port", "0"]
    kept = {} if folder is None else {"TMPDIR": str(folder)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | kept)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def address(running: subprocess.Popen[str], page: str, path: str = "") -> str:
    """Where the demo says that a page of its is."""
    assert running.stdout is not None
    for line in running.stdout:
        found = re.search(rf"{page}:? +(http://127\.0\.0\.1:\d+/{path})", line)
        if found:
            return found.group(1)
    raise AssertionError(f"the demo ended without naming its {page}")


def ends_in_time(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 0
    assert errors == ""
