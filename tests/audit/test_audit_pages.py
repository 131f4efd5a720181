import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from bus_toolkit.annotation import Annotation
from bus_toolkit.audit.report import MAX_THUMBNAILS, choose_evenly, write_report
from bus_toolkit.audit.review import write_review
from bus_toolkit.audit.wording import count, duration, percent
from bus_toolkit.manifest import Row, row_of
from bus_toolkit.outcome import Outcome, Reason
from bus_toolkit.record import Record
from bus_toolkit.stage import Finding, Kind, Plan

Make = Callable[..., Record]
Summarise = Callable[..., dict[str, Any]]

VOID = {"meta", "img", "input", "br", "rect", "link"}
HEADING = re.compile(r"h[1-6]")


class Page(HTMLParser):
    """Reads a page strictly: every tag that opens must close, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text, self.headings = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if HEADING.fullmatch(tag):
            self.headings.append(int(tag[1]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: bytes) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, Any]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def policy(self) -> str:
        (rule,) = [meta["content"] for meta in self.all("meta") if "http-equiv" in meta]
        return rule


def rows_of(records: list[Record], *, anonymised: bool = True) -> list[Row]:
    return [row_of(record, anonymised=anonymised) for record in records]


@pytest.fixture
def report(out: Path, records: list[Record], summarise: Summarise) -> str:
    write_report(out / "report.html", summarise(records), rows_of(records))
    return (out / "report.html").read_text("utf-8")


@pytest.fixture
def review(tmp_path: Path, records: list[Record]) -> str:
    path = write_review(tmp_path, iter(records))
    assert path == tmp_path / "review.html"
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text("utf-8")


def check_page(text: str) -> Page:
    page = Page(text)
    assert re.search(r"(https?:)?//[a-z]", text) is None
    assert page.all("link") == []
    assert all("style" not in attrs for _, attrs in page.tags)
    assert all(not any(name.startswith("on") for name in attrs) for _, attrs in page.tags)
    assert all(image["alt"] for image in page.all("img"))
    assert page.all("html")[0]["lang"] == "en"
    assert page.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert "default-src 'none'" in page.policy
    assert "unsafe" not in page.policy
    return page


def test_the_report_is_sound_and_self_contained(report: str) -> None:
    page = check_page(report)
    images = page.all("img")
    assert len(images) == 8
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in images)
    assert "script" not in page.policy
    assert page.all("a") == page.all("script") == []
    assert "img-src data:;" in page.policy


def test_the_report_holds_nothing_private(report: str, secrets: tuple[str, ...]) -> None:
    for secret in secrets:
        assert secret not in report


def test_the_report_says_what_happened(report: str) -> None:
    text = " ".join("".join(Page(report).text).split())
    assert "<dt>Kept</dt><dd>8<span>50.0 %</span></dd>" in report
    assert "3 quarantined." in text
    assert "1 failed." in text
    assert "Not anonymised" not in text
    assert "It was rejected for a test" in text
    assert "Reject a scan when a caliper is drawn on the picture." in text


def test_both_pages_show_what_is_written_on_the_scans(out: Path, summarise: Summarise, make_record: Make) -> None:
    said = Annotation(laterality="left", region="axilla", measurements_mm=(12.3, 8.0))
    records = [make_record(0, annotation=said), make_record(1, Outcome.QUARANTINED, annotation=said), make_record(2)]
    write_report(out / "report.html", summarise(records), rows_of(records))
    text = " ".join("".join(check_page((out / "report.html").read_text("utf-8")).text).split())
    assert "1 of 2 kept and rejected scans say something of themselves" in text
    assert "laterality1left 1" in text.replace("\u2009", "")
    assert "measurements mm1given 1" in text
    assert "12.3" not in text
    review = (write_review(out, records)).read_text("utf-8")
    shown = " ".join("".join(check_page(review).text).split())
    assert shown.count("Understood: laterality left, region axilla, measurements mm 12.3, 8") == 2


def test_a_report_that_is_not_anonymised_says_so_and_names_no_file(
    out: Path, records: list[Record], summarise: Summarise
) -> None:
    write_report(out / "report.html", summarise(records, anonymised=False), rows_of(records, anonymised=False))
    text = (out / "report.html").read_text("utf-8")
    assert "Not anonymised." in text
    assert "s00000" not in text


def test_a_report_without_inputs_or_pictures(tmp_path: Path, summarise: Summarise, records: list[Record]) -> None:
    write_report(tmp_path / "report.html", summarise([]), [])
    assert "No input was found." in (tmp_path / "report.html").read_text("utf-8")
    (tmp_path / "images" / "benign").mkdir(parents=True)
    (tmp_path / records[0].image).write_bytes(b"broken")
    write_report(tmp_path / "report.html", summarise(records), rows_of(records))
    page = check_page((tmp_path / "report.html").read_text("utf-8"))
    assert page.all("img") == []


def test_labels_and_reasons_cannot_bring_markup(out: Path, summarise: Summarise, make_record: Make) -> None:
    evil = "<script>alert(1)</script>"
    record = make_record(0, Outcome.REJECTED, label=evil, reasons=(Reason(code="x", detail=evil),))
    write_report(out / "report.html", summarise([record], sentences=(evil,)), rows_of([record]))
    write_review(out, [record])
    for name in ("report.html", "review.html"):
        text = (out / name).read_text("utf-8")
        assert evil not in text
        assert "&lt;script&gt;alert" in text
        check_page(text)


def test_the_contact_sheet_is_even_over_labels_and_always_the_same(make_record: Make) -> None:
    many = [make_record(number, label="benign" if number < 300 else "normal") for number in range(305)]
    rows = rows_of(many)
    chosen = choose_evenly(rows, MAX_THUMBNAILS)
    assert [row.label for row in chosen] == ["benign"] * 55 + ["normal"] * 5
    assert len({row.id for row in chosen}) == 60
    assert chosen == choose_evenly(rows[::-1], MAX_THUMBNAILS)
    assert int(chosen[54].id[1:]) > 290  # spread to the end
    assert choose_evenly(rows[:3], MAX_THUMBNAILS) == rows[:3]
    assert choose_evenly([], MAX_THUMBNAILS) == []


def test_the_review_is_sound_and_loads_only_its_own_pictures(review: str) -> None:
    page = check_page(review)
    assert "PRIVATE: do not give away." in review
    assert "img-src 'self' data: file:" in page.policy
    sources = [unquote(image["src"]) for image in page.all("img")]
    assert len(sources) == 16 + 8
    assert all(source.startswith("./review/CANARYREVIEW ") for source in sources)
    assert all(image["loading"] == "lazy" for image in page.all("img"))
    assert len(page.all("script")) == 1


def test_the_review_shows_everything_the_doubtful_first(review: str, records: list[Record]) -> None:
    page = Page(review)
    articles = [attrs["data-outcome"] for attrs in page.all("article")]
    assert articles == ["quarantined"] * 3 + ["failed"] + ["rejected"] * 4 + ["kept"] * 8
    text = "".join(page.text)
    for record in records:
        assert record.file in text
        for plan in record.plans:
            assert plan.findings[0].text in text
    assert page.all("article")[0]["data-kinds"] == "text"
    assert page.all("article")[0]["data-reasons"] == "why-quarantined"


def test_a_review_picture_outside_the_private_folder_is_not_shown(tmp_path: Path, make_record: Make) -> None:
    write_review(tmp_path, [make_record(0, before="../../etc/x.jpg", after="/etc/x.jpg")])
    assert Page((tmp_path / "review.html").read_text("utf-8")).all("img") == []


def test_the_review_survives_odd_names_and_many_findings(tmp_path: Path, make_record: Make) -> None:
    seen = tuple(Finding(kind=Kind.TEXT, box=None, score=1.0, detector="eye", text=f"w{n}") for n in range(99))
    plans = (Plan(stage="find-text", findings=seen),)
    write_review(tmp_path, [make_record(0, file="\udcff\u202e<i>.png", plans=plans, media="", rows=0)])
    text = (tmp_path / "review.html").read_text("utf-8")
    assert "\\udcff" in text
    assert "and 59 more" in text
    assert "w98" in text
    check_page(text)


def test_an_empty_review(tmp_path: Path) -> None:
    write_review(tmp_path, [])
    assert "No input was found." in (tmp_path / "review.html").read_text("utf-8")


def test_numbers_in_words() -> None:
    assert [percent(0, 9), percent(9, 9), percent(1, 9999), percent(9998, 9999), percent(0, 0)] == [
        "0 %",
        "100 %",
        "0.1 %",
        "99.9 %",
        "0 %",
    ]
    assert [duration(3.14), duration(75), duration(3 * 3600 + 130)] == ["3.1 s", "1 min 15 s", "3 h 2 min"]
    assert count(1234567) == "1\u2009234\u2009567"
