"""What Discord is given: within all of its limits at once, every text inert, and telling what people need."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.chat_rules import refusal, units

from virtuoso.delivery.channels.discord.embed import embed_of
from virtuoso.delivery.channels.discord.text import clean, fit, plain
from virtuoso.model.alerts.incident import Severity
from virtuoso.model.alerts.notice import Context, FactorScore, Line, Notice, PriceLevel, Role

AT_MS = 1_790_000_000_000
LINK = "https://virtuoso.example.org/alerts/a1b2"
HOSTILE = (
    "@everyone @here <@123456789012345678> <@&123456789012345678> <#123456789012345678> </ban:1> <t:0:R> <:x:1> "
    "**bold** __u__ ~~s~~ ||spoiler|| `code` ```block``` [click](http://evil.example) [**a**](<http://evil.example>) "
    "http://evil.example </script><script>alert(1)</script>\n\n# head\n-# small\n> quote\n>>> all\n- list\n"
    "\u202eRTL\u202c zero\u200bwidth \ud800 \x00\x1b[31m @\u200beveryone <\u200b@123456789012345678>"
)


def line(**changes: Any) -> Line:
    given = {
        "id": "a1b2", "kind": "sudden_move", "severity": Severity.WARNING, "message": "BTCUSDT up 3.2 % in 60 s",
        "fired_ms": AT_MS - 90_000, "symbol": "BTCUSDT",
    }  # fmt: skip
    return Line(**{**given, **changes})


def notice(**changes: Any) -> Notice:
    given = {
        "id": "n1", "role": Role.ALERT, "severity": Severity.WARNING, "title": "Sudden move BTCUSDT",
        "text": "BTCUSDT up 3.2 % in 60 s", "at_ms": AT_MS, "lines": (line(),), "incidents": ("a1b2",),
        "system": False, "kind": "sudden_move", "symbol": "BTCUSDT", "labels": {"exchange": "bybit"}, "link": LINK,
    }  # fmt: skip
    return Notice(**{**given, **changes})


def context(**changes: Any) -> Context:
    given = {
        "symbol": "BTCUSDT", "price": 64_231.5, "signal": "LONG", "score": 78.4, "agreement": 0.64,
        "regime": "BULLISH", "spread_bp": 0.16, "slippage_bp": 1.34, "data_quality": "live", "data_source": "live",
        "factors": (FactorScore("order_flow", 72.0, 0.25), FactorScore("technical", None, 0.2)),
        "why": ("Buyers took 2.3 M USDT in 5 min",),
        "levels": (PriceLevel("support", 63_500.0), PriceLevel("resistance", 65_000.0)),
    }  # fmt: skip
    return Context(**{**given, **changes})


def fields(embed: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in embed["fields"]}


def refused(embed: dict[str, Any]) -> dict[str, Any] | None:
    json.dumps(embed, ensure_ascii=False).encode()  # lone surrogates would fail here
    return refusal({"embeds": [embed]}, {}, set(), new=True)


def live(text: str) -> list[str]:
    """What Discord would act on in a text that shows markdown: an escaped character is a letter like others to it."""
    bare = re.sub(r"\\[^0-9A-Za-z\s]", "·", text)
    mention, marks, link = (
        r"@(?:everyone|here)|<(?:@|#|:|a:|t:|/|id:)",
        r"[*_~|`\[\]]|(?m:^\s*(?:[>#+-]))",
        r"[a-z]+://",
    )
    return re.findall(rf"{mention}|{marks}|{link}|[\u202a-\u202e\u2066-\u2069]", bare)


def own_marks_out(embed: dict[str, Any]) -> str:
    """All texts that show markdown, without the marks that are ours."""
    texts = [embed["title"], embed.get("description", ""), *fields(embed).values(), *fields(embed)]
    joined = "\n".join(texts)
    joined = re.sub(r"\[(?:Details|Cut to fit: read all of it)\]\(https://virtuoso\.example\.org/[^)\s]*\)", "", joined)
    joined = re.sub(r"<t:\d+:[RTf]>", "", joined)
    joined = re.sub(r"```\n[^`]*\n```", "", joined)
    return re.sub(r"(?<!\\)\*\*", "", joined)


class TestWhatItTells:
    def test_an_alert_says_all_that_is_known(self) -> None:
        embed = embed_of(notice(context=context()), repeat=False)
        assert embed["title"] == "Sudden move BTCUSDT"
        assert embed["author"]["name"] == "WARNING · sudden move · BTCUSDT · bybit"
        assert embed["description"] == f"BTCUSDT up 3.2 % in 60 s\n\n[Details]({LINK})"
        assert embed["footer"]["text"] == "sudden_move · incident a1b2"
        assert embed["timestamp"] == "2026-09-21T14:13:20+00:00"
        assert fields(embed) == {
            "Factors · score, weight": "```\norder flow ███████░░░  72  25%\ntechnical  ··········   –  20%\n```",
            "Why": "• Buyers took 2.3 M USDT in 5 min",
            "Signal": "Signal: **LONG**\nRegime: **BULLISH**\nScore: 78 of 100\nAgreement: 64%",
            "Entry": "Price: 64,231.5\nSpread: 0.2 bp\nSlippage: 1.3 bp",
            "Levels": "```\nresistance 65,000 +1.20%\nsupport    63,500 -1.14%\n```",
            "State": "Fired <t:1789999910:R> · <t:1789999910:f>",
        }

    def test_what_is_unknown_is_left_out_and_never_a_number(self) -> None:
        bare = Context(symbol="BTCUSDT", score=float("nan"), factors=(FactorScore("x", float("inf"), float("nan")),))
        embed = embed_of(notice(context=bare), repeat=False)
        assert set(fields(embed)) == {"Factors · score, weight", "Signal", "State"}
        assert fields(embed)["Signal"] == "Signal: **—**\nScore: –"
        assert not re.search(r"\d", fields(embed)["Factors · score, weight"])

    @pytest.mark.parametrize("severity", list(Severity))
    def test_severity_has_a_colour_and_a_word(self, severity: Severity) -> None:
        embed = embed_of(notice(severity=severity), repeat=False)
        others = {embed_of(notice(severity=one), repeat=False)["color"] for one in Severity if one is not severity}
        assert embed["color"] not in others
        assert embed["author"]["name"].startswith(severity.upper())

    def test_a_resolution_is_green_and_says_how_long_it_held(self) -> None:
        over = notice(role=Role.RESOLVED, resolved_ms=AT_MS + 630_000, amends="n0")
        embed = embed_of(over, repeat=False)
        assert embed["color"] == 0x2FB170
        assert embed["author"]["name"].startswith("RESOLVED · ")
        assert fields(embed)["State"] == "Over <t:1790000630:R>, after 12 min · fired <t:1789999910:f>"

    def test_a_possible_repeat_is_marked_in_title_and_footer(self) -> None:
        embed = embed_of(notice(), repeat=True)
        assert embed["title"].startswith("↻ possible repeat · ")
        assert "possible repeat" in embed["footer"]["text"]
        assert "repeat" not in json.dumps(embed_of(notice(), repeat=False))

    def test_replayed_data_is_never_taken_for_live(self) -> None:
        embed = embed_of(notice(context=context(data_source="replay")), repeat=False)
        assert embed["author"]["name"].startswith("REPLAY DATA, NOT LIVE · ")

    def test_followers_are_lines_and_a_count(self) -> None:
        lines = tuple(line(id=f"i{n}", symbol=f"C{n}USDT", message=f"C{n}USDT up 3 %") for n in range(20))
        embed = embed_of(
            notice(role=Role.GROUP, lines=lines, incidents=tuple(f"i{n}" for n in range(500))), repeat=False
        )
        assert "🟠 <t:1789999910:T> C0USDT up 3 %" in embed["description"]
        assert embed["description"].count("🟠") == 20
        assert "**and 480 more**" in embed["description"]
        assert embed["footer"]["text"].endswith("incidents i0, i1, i2 and 497 more")

    def test_what_does_not_fit_is_counted_and_linked(self) -> None:
        lines = tuple(line(id=f"i{n}", message="word " * 100) for n in range(20))
        big = notice(
            role=Role.DIGEST, text="word " * 2000, lines=lines, incidents=tuple(f"i{n}" for n in range(20)),
            context=context(why=("why " * 500,) * 9),
        )  # fmt: skip
        embed = embed_of(big, repeat=True)
        assert refused(embed) is None
        shown = embed["description"].count("🟠")
        assert f"**and {20 - shown} more**" in embed["description"]
        assert embed["description"].endswith(f"[Cut to fit: read all of it]({LINK})")
        assert "word…" in embed["description"]
        assert fields(embed)["Why"].count("•") == 5

    @pytest.mark.parametrize("letter", ["w", "😀", "_"])
    def test_all_of_it_at_its_longest(self, letter: str) -> None:
        long = letter * 5000
        full = context(
            signal=long, regime=long, data_quality=long, data_source=long, why=(long,) * 5,
            factors=(FactorScore(long, 50.0, 1.0),) * 20, levels=(PriceLevel(long, 123_456_789.123),) * 20,
        )  # fmt: skip
        embed = embed_of(
            notice(
                role=Role.GROUP, title=long, text=long, kind=long, symbol=long, labels={"exchange": long}, context=full,
                lines=(line(message=long, symbol=long),) * 20, incidents=(long,) * 99,
            ),
            repeat=True,
        )  # fmt: skip
        assert refused(embed) is None
        assert units(embed["description"]) > 2000
        assert f"**and {99 - embed['description'].count('🟠')} more**" in embed["description"]

    def test_the_signal_is_linked_beside_the_incident_where_it_is_of_one(self) -> None:
        signal = "https://virtuoso.example.org/signals/" + "ab" * 16
        description = embed_of(notice(signal_link=signal), repeat=False)["description"]
        assert description.endswith(f"[Details]({LINK}) · [The signal]({signal})")
        assert "signal](" not in embed_of(notice(signal_link="javascript:alert(1)"), repeat=False)["description"]

    @pytest.mark.parametrize(
        "link", ["javascript:alert(1)", "https://a.example/) [x](https://b", "https://a b", "x" * 999]
    )
    def test_a_link_that_is_none_of_ours_is_left_out(self, link: str) -> None:
        assert "](" not in embed_of(notice(link=link), repeat=False).get("description", "")


class TestInert:
    def test_hostile_texts_in_every_place(self) -> None:
        bad = notice(
            title=HOSTILE, text=HOSTILE, kind=HOSTILE, symbol=HOSTILE, labels={"exchange": HOSTILE},
            lines=(line(message=HOSTILE, symbol=HOSTILE, id=HOSTILE),) * 3, incidents=(HOSTILE,) * 5, role=Role.GROUP,
            context=context(
                signal=HOSTILE, regime=HOSTILE, why=(HOSTILE,) * 5, data_quality=HOSTILE, data_source=HOSTILE,
                factors=(FactorScore(HOSTILE, 50.0, 0.5),) * 3, levels=(PriceLevel(HOSTILE, 1.0),) * 3,
            ),
        )  # fmt: skip
        embed = embed_of(bad, repeat=True)
        assert refused(embed) is None
        assert live(own_marks_out(embed)) == []
        assert not re.search(
            r"@(everyone|here|\d|&)|[\u202a-\u202e\x00-\x09\x0b-\x1f]", json.dumps(embed, ensure_ascii=False)
        )

    def test_the_check_finds_what_is_live(self) -> None:
        for text in ("a **b**", "x <@1>", "@everyone", "see http://x", "[a](b)", "# head", "`c`", "\n> q"):
            assert live(text), text

    def test_a_symbol_of_ten_thousand_characters(self) -> None:
        embed = embed_of(notice(symbol="A" * 10_240, title="A" * 10_240, text="😀" * 10_240), repeat=True)
        assert refused(embed) is None
        assert embed["title"].endswith("A…")
        assert embed["author"]["name"].endswith("… · bybit")

    def test_a_footer_shows_no_backslashes(self) -> None:
        assert embed_of(notice(kind="open_interest"), repeat=False)["footer"]["text"].startswith("open_interest · ")


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    """Notices with texts of any characters and any length, long ones often, in every place."""
    nasty = st.sampled_from([HOSTILE, HOSTILE * 40, "", " ", "\u200b", "😀" * 3000, "_" * 9000, "a" * 10_000, "\ud83d"])
    text = st.one_of(nasty, st.text(max_size=80))
    number = st.one_of(st.none(), st.floats())
    lines = draw(st.lists(st.builds(
        Line, id=text, kind=text, severity=st.sampled_from(Severity), message=text,
        fired_ms=st.integers(), symbol=st.one_of(st.none(), text), resolved_ms=st.one_of(st.none(), st.integers()),
    ), max_size=25))  # fmt: skip
    about = st.builds(
        Context, symbol=text, price=number, signal=st.one_of(st.none(), text), score=number, agreement=number,
        regime=st.one_of(st.none(), text), spread_bp=number, slippage_bp=number,
        factors=st.lists(st.builds(FactorScore, text, number, st.floats()), max_size=16).map(tuple),
        why=st.lists(text, max_size=7).map(tuple), data_quality=st.one_of(st.none(), text),
        levels=st.lists(st.builds(PriceLevel, text, st.floats()), max_size=12).map(tuple),
        data_source=st.one_of(st.none(), text, st.just("replay")),
    )  # fmt: skip
    return Notice(
        id="n", role=draw(st.sampled_from(Role)), severity=draw(st.sampled_from(Severity)), title=draw(text),
        text=draw(text), at_ms=draw(st.integers()), lines=tuple(lines), system=False, kind=draw(text),
        incidents=tuple(draw(st.lists(text, max_size=6))) + tuple(one.id for one in lines),
        symbol=draw(st.one_of(st.none(), text)), labels={"exchange": draw(text)},
        context=draw(st.one_of(st.none(), about)), resolved_ms=draw(st.one_of(st.none(), st.integers())),
        link=draw(st.sampled_from([None, LINK, HOSTILE, "https://virtuoso.example.org/" + "a" * 400])),
    )  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(notices(), st.booleans())
def test_whatever_is_said_keeps_every_limit_and_is_inert(said: Notice, repeat: bool) -> None:
    embed = embed_of(said, repeat=repeat)
    assert refused(embed) is None
    assert live(own_marks_out(embed)) == []
    assert not re.search(r"@(everyone|here|[!&]?\d)", json.dumps(embed, ensure_ascii=False))
    assert embed["title"].startswith("↻ possible repeat · ") == repeat


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.integers(0, 120))
def test_fit_keeps_the_limit_and_says_when_it_cut(text: str, limit: int) -> None:
    fitted, cut = fit(text, limit, plain)
    assert units(fitted) <= limit
    whole = "".join(plain(clean(text, 10_000)))
    assert fitted == whole if not cut else fitted.rstrip("…") != whole


def test_fit_cuts_at_a_word_when_one_ends_near() -> None:
    assert fit("one two three four", 10) == ("one two…", True)
    assert fit("a" * 50, 10) == ("a" * 9 + "…", True)
    assert fit("*" * 10, 8) == (r"\*\*\*…", True)
