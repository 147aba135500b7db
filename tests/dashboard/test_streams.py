"""How all tabs of a browser share streams: the hub's own modules, in Chromium but without a market."""

from __future__ import annotations

import pytest

from tests.dashboard.conftest import Scripts

pytestmark = pytest.mark.browser

# A hub whose sources are lists of what was opened, and pages that write down what they are told.
SETTING = """
    const sources = [];
    const hub = new it.Hub((handlers) => {
      const source = { ...handlers, opened: [], closed: 0, retries: 0 };
      source.open = (what) => source.opened.push(what);
      source.close = () => (source.closed += 1);
      source.again = () => (source.retries += 1);
      sources.push(source);
      return source;
    });
    const page = () => {
      const told = [];
      const port = { postMessage: (message) => told.push(message) };
      hub.connect(port);
      told.length = 0;
      return { told, say: (data) => port.onmessage({ data }) };
    };
    const market = (symbol, channels = ["trades"], events = ["trade"]) =>
      ({ origin: "o", path: "/stream", isOwn: false, who: null, channels, symbol, events });
    const own = (name) => {
      const account = { path: "/stream/account", isOwn: true, who: [name, name] };
      return { origin: "o", ...account, channels: null, symbol: null, events: ["execution"] };
    };
    const soon = () => new Promise((resolve) => setTimeout(resolve, 90));
"""
HUB = "streams/hub.js"


def test_tabs_share_a_stream_of_all_their_symbols_and_each_gets_its_own(scripts: Scripts) -> None:
    said = scripts.ask(
        HUB,
        SETTING
        + """
        const [a, b] = [page(), page()];
        const candles = ["candles:1m", "trades"];
        a.say({ kind: "follow", id: 1, wish: market("PETR4") });
        b.say({ kind: "follow", id: 7, wish: market("VALE3", candles, ["trade", "candle"]) });
        await soon();
        const [source] = sources;
        source.onOpen();
        source.onEvent("trade", { symbol: "PETR4" });
        source.onEvent("trade", { symbol: "VALE3" });
        source.onEvent("candle", { symbol: "VALE3", interval: "1m" });
        source.onEvent("candle", { symbol: "VALE3", interval: "5m" });
        source.onEvent("candle", { symbol: "PETR4", interval: "1m" });
        source.onBroken(7);
        return { count: sources.length, opened: source.opened, a: a.told, b: b.told };
        """,
    )
    assert said["count"] == 1
    url = "o/stream?channels=candles%3A1m%2Ctrades&symbols=PETR4%2CVALE3"
    assert said["opened"] == [{"url": url, "isOwn": False, "events": ["candle", "trade"]}]
    assert [(m["id"], m["kind"], m.get("name")) for m in said["a"]] == [
        (1, "open", None),
        (1, "event", "trade"),
        (1, "broken", None),
    ]
    assert said["a"][-1]["lastMs"] == said["b"][-1]["lastMs"] == 7
    assert [(m["kind"], m.get("name")) for m in said["b"]] == [
        ("open", None),
        ("event", "trade"),
        ("event", "candle"),
        ("broken", None),
    ]


def test_who_joins_has_the_stream_opened_anew_for_the_book_that_it_opens_with(scripts: Scripts) -> None:
    said = scripts.ask(
        HUB,
        SETTING
        + """
        const [a, b] = [page(), page()];
        a.say({ kind: "follow", id: 1, wish: market("PETR4") });
        await soon();
        b.say({ kind: "follow", id: 1, wish: market("PETR4") });
        await soon();
        a.say({ kind: "again", id: 1 });
        const [source] = sources;
        const before = source.closed;
        a.say({ kind: "leave", id: 1 });
        a.say({ kind: "leave", id: 1 });
        source.onEvent("trade", { symbol: "PETR4" });
        const between = source.closed;
        b.say({ kind: "bye" });
        const counts = [source.retries, before, between, source.closed, a.told.length, b.told.length];
        return [sources.length, source.opened.map(({ url }) => url), ...counts, hub.groups.size];
        """,
    )
    url = "o/stream?channels=trades&symbols=PETR4"
    assert said == [1, [url, url], 1, 0, 0, 1, 0, 1, 0]


def test_nobody_s_own_stream_is_another_s_and_all_symbols_are_a_stream_apart(scripts: Scripts) -> None:
    said = scripts.ask(
        HUB,
        SETTING
        + """
        const tabs = [own("ana"), own("ana"), own("bia"), market(null), market("PETR4")].map((wish) => {
          const tab = page();
          tab.say({ kind: "follow", id: 1, wish });
          return tab;
        });
        await soon();
        sources[0].onEvent("execution", { symbol: "PETR4" });
        const opened = sources.map((source) => source.opened.map(({ url, isOwn }) => [url, isOwn]));
        return [opened, tabs.map(({ told }) => told.length)];
        """,
    )
    account = [["o/stream/account", True]]
    assert said == [
        [
            account,
            account,
            [["o/stream?channels=trades", False]],
            [["o/stream?channels=trades&symbols=PETR4", False]],
        ],
        [1, 1, 0, 0, 0],
    ]


def test_a_page_that_is_gone_without_a_word_is_noticed_by_its_lock(scripts: Scripts) -> None:
    said = scripts.ask(
        HUB,
        SETTING
        + """
        const a = page();
        let crash;
        const life = new Promise((gone) => (crash = gone));
        await new Promise((held) => {
          navigator.locks.request("a-page", () => {
            held();
            return life;
          });
        });
        a.say({ kind: "alive", lock: "a-page" });
        a.say({ kind: "follow", id: 1, wish: market("PETR4") });
        await soon();
        const before = hub.groups.size;
        crash();
        await soon();
        return [before, hub.groups.size, sources[0].closed];
        """,
    )
    assert said == [1, 0, 1]


MADE = """
    const made = [];
    window.EventSource = class extends EventTarget {
      constructor(url) {
        super();
        Object.assign(this, { url, atMs: performance.now() });
        made.push(this);
      }
      close() { this.isClosed = true; }
      tell(name, data) { this.dispatchEvent(new MessageEvent(name, { data })); }
    };
    const until = async (count) => {
      for (let turn = 0; made.length < count; turn += 1) {
        if (turn === 800) throw new Error(`there are ${made.length} of ${count} streams`);
        await new Promise((on) => setTimeout(on, 10));
      }
    };
"""
"""Streams as a browser makes them, which tell what they are told to."""


def test_a_source_comes_back_after_growing_pauses_and_passes_nothing_of_an_older_stream(
    scripts: Scripts,
) -> None:
    said = scripts.ask(
        "streams/source.js",
        MADE
        + """
        const told = [];
        const source = new it.Source({
          onOpen: () => told.push("open"),
          onEvent: (name, data) => told.push([name, data]),
          onBroken: () => told.push("broken"),
        });
        source.open({ url: "one", isOwn: true, events: ["trade"] });
        made[0].tell("open");
        made[0].tell("trade", "{");
        made[0].tell("trade", "1");
        await until(2);
        made[1].tell("error");
        made[1].tell("error");
        await until(3);
        made[2].tell("trade", '{"a":1}');
        source.open({ url: "two", isOwn: false, events: ["trade"] });
        made[2].tell("trade", '{"a":2}');
        source.close();
        made[3].tell("open");
        const pausesMs = [made[1].atMs - made[0].atMs, made[2].atMs - made[1].atMs];
        return [told, made.map(({ url, isClosed }) => [url, isClosed]), ...pausesMs];
        """,
    )
    told, made, first_ms, second_ms = said
    assert told == ["open", "broken", "broken", ["trade", {"a": 1}]]
    assert made == [["one", True], ["one", True], ["one", True], ["two", True]]
    assert 300 <= first_ms < second_ms, "400 ms and twice as long, a quarter less or more"


CLOCKS = """
    const clocks = [0, 0];
    let told = 0;
    const onSilent = () => (told += 1);
    const silence = new it.Silence(onSilent, { maxMs: 900, clocks: [() => clocks[0], () => clocks[1]] });
    const after = (...elapsed) => {
      elapsed.forEach((ms, index) => (clocks[index] += ms));
      silence.look();
      return told;
    };
"""


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("silence.begin(); return [after(899, 899), after(1, 1)];", [0, 1]),
        # A machine that slept: one of its clocks went on.
        ("silence.begin(); return [after(10, 899), after(10, 1)];", [0, 1]),
        # A clock that is set back says nothing about how long it is.
        ("silence.begin(); return [after(500, -90000), after(400, 400)];", [0, 1]),
        (
            "silence.begin(); after(800, 800); silence.heard(); return [after(800, 800), after(100, 100)];",
            [0, 1],
        ),
        ("silence.begin(300); return [after(299, 299), after(1, 1)];", [0, 1]),
        # The server beats faster, and then in another rhythm; the next connection goes by what is known.
        ("silence.begin(); silence.beat(100); return [after(299, 299), after(1, 1)];", [0, 1]),
        (
            "silence.begin(); silence.beat(100); silence.beat(500); silence.begin(); "
            "return [after(1499, 1499), after(1, 1)];",
            [0, 1],
        ),
        (
            "silence.begin(); silence.beat(100); after(200, 200); silence.beat(100); "
            "return [after(299, 0), after(1, 0)];",
            [0, 1],
        ),
    ],
)
def test_a_silence_is_noticed_once_it_is_longer_than_some_beats(
    scripts: Scripts, script: str, expected: list[int]
) -> None:
    assert scripts.ask("streams/silence.js", CLOCKS + script) == expected


@pytest.mark.parametrize("every", ["undefined", "null", "'x'", "0", "-5", "NaN", "Infinity", "1e9", "[]"])
def test_a_beat_that_tells_no_sound_time_is_still_a_word(scripts: Scripts, every: str) -> None:
    script = (
        f"silence.begin(); after(800, 800); silence.beat({every}); return [after(899, 899), after(1, 1)];"
    )
    assert scripts.ask("streams/silence.js", CLOCKS + script) == [0, 1]


def test_an_answer_that_does_not_begin_and_a_stream_that_falls_silent_are_opened_anew(
    scripts: Scripts,
) -> None:
    said = scripts.ask(
        "streams/source.js",
        MADE
        + """
        const broken = [];
        const begunMs = Date.now();
        const handlers = { onOpen: () => {}, onEvent: () => {}, onBroken: (lastMs) => broken.push(lastMs) };
        const source = new it.Source(handlers, { openingMaxMs: 60, silenceMaxMs: 7000 });
        source.open({ url: "one", isOwn: false, events: [] });
        await until(2);
        made[1].tell("open");
        const openMs = source.silence.limitMs;
        made[1].tell("heartbeat", '{"every_ms":50}');
        await until(3);
        const open = made.map(({ isClosed }) => !isClosed);
        source.close();
        return [open, broken[0], broken[1] >= begunMs && broken[1] <= Date.now(), broken.length, openMs];
        """,
    )
    assert said == [[False, False, True], None, True, 2, 7000]


def test_a_page_tells_of_which_time_it_is_for_as_long_as_it_is_not_live(scripts: Scripts) -> None:
    said = scripts.ask(
        "feed.js",
        """
        const sources = [];
        window.SharedWorker = undefined;
        window.EventSource = class extends EventTarget {
          constructor() { super(); sources.push(this); }
          close() {}
          tell(name, data) { this.dispatchEvent(new MessageEvent(name, { data })); }
        };
        let nowMs = 1000;
        const [kept, later] = [Date.now, window.setTimeout];
        window.setTimeout = (act, ms) => later(act, ms / 20);
        Date.now = () => nowMs;
        const told = [];
        const wish = { origin: "o", path: "/", isOwn: false, channels: null, symbol: null, events: [] };
        let isThere = false;
        const load = async () => { if (!isThere) throw new Error("away"); };
        const onLive = (...now) => String(told.at(-1)) === String(now) || told.push(now);
        const feed = new it.Feed({ wish, load, onLoaded: () => {}, onEvent: () => true, onLive });
        const soon = () => new Promise((on) => later(on, 5));
        const next = async (count) => {
          while (sources.length < count) await soon();
          return sources[count - 1];
        };
        (await next(1)).tell("open"); // its history is away: nothing was there yet
        isThere = true;
        (await next(2)).tell("open");
        await soon();
        nowMs = 2000;
        sources[1].tell("heartbeat", "{}"); // a quiet market's
        nowMs = 9000;
        sources[1].tell("error");
        isThere = false;
        (await next(3)).tell("open");
        await soon(); // still away: what is shown is no younger
        nowMs = 12000;
        isThere = true;
        (await next(4)).tell("open");
        await soon();
        sources[3].tell("error"); // nothing was told, but loaded
        feed.close();
        [Date.now, window.setTimeout] = [kept, later];
        return told;
        """,
    )
    assert said == [[False, None], [True, None], [False, 2000], [True, None], [False, 12000]]


def test_a_page_passes_on_when_the_market_was_last_heard_and_a_dead_hub_when_itself_was(
    scripts: Scripts,
) -> None:
    said = scripts.ask(
        "streams/following.js?of-a-hub",
        """
        const kept = [window.SharedWorker, window.EventSource];
        const workers = [];
        window.EventSource = class extends EventTarget { close() {} };
        window.SharedWorker = class extends EventTarget {
          constructor() { super(); this.port = { postMessage: () => {} }; workers.push(this); }
        };
        const told = [];
        const tell = (what) => told.push(what);
        const handlers = { onOpen: () => tell("open"), onEvent: () => {}, onBroken: tell };
        const wish = { origin: "o", path: "/", isOwn: false, channels: null, symbol: null, events: [] };
        const following = it.follow(wish, handlers);
        const [worker] = workers;
        const say = (data) => worker.port.onmessage({ data });
        say({ kind: "open", id: 1 });
        say({ kind: "broken", id: 1, lastMs: 7 });
        const fromMs = Date.now();
        say({ kind: "pong" });
        const toMs = Date.now();
        worker.dispatchEvent(new Event("error"));
        following.close();
        [window.SharedWorker, window.EventSource] = kept;
        const heardMs = told.pop();
        return [told, fromMs <= heardMs && heardMs <= toMs];
        """,
    )
    assert said == [["open", 7], True]
