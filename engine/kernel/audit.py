"""Whether a shard's arrays agree with each other: for tests, after every command, slowly and plainly."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from engine.kernel import header as h
from engine.kernel.layout import (
    BUCKET,
    LADDERS_PER_ASSET,
    NODE_WAYS,
    NONE,
    ORDER_TEXT_BYTES,
    TEXT_CHUNK_BYTES,
    UNLISTED,
    WORD_BYTES,
    Ladder,
    expiry_place,
)
from engine.kernel.memory import Array, Memory
from engine.kernel.words import (
    AT_CLOSE,
    AT_OPEN,
    BUY,
    CONTINUOUS,
    DAY,
    GTD,
    NEW,
    PARTIALLY_FILLED,
    PENDING_TRIGGER,
)

_DOWN = (Ladder.BIDS, Ladder.SELL_STOPS)
# An ended id's state is the day of its end plus this, negative.
_ENDED_BEFORE = 2


def audit(memory: Memory) -> None:
    """Raise AssertionError where the arrays contradict each other. Cost O(everything in use)."""
    assert memory.header[h.STAGE] == 0, "a command is under way"
    _Audit(memory).run()


class _Audit:
    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.words = [int(word) for word in memory.header]
        self.nodes_seen = 0
        self.levels_seen = 0
        self.orders_seen: set[int] = set()
        self.held_cash: Counter[int] = Counter()
        self.held_shares: Counter[int] = Counter()

    def run(self) -> None:
        memory = self.memory
        for asset in range(self.words[h.ASSETS_USED]):
            for ladder in Ladder:
                self._check_ladder(asset, ladder)
            self._check_not_crossed(asset)
        self._check_auction_orders()
        self._check_expiries()
        assert (
            self.nodes_seen + self._chained(h.NODE_FREE, memory.nodes, "parent") == self.words[h.NODES_USED]
        )
        assert (
            self.levels_seen + self._chained(h.LEVEL_FREE, memory.levels, "head") == self.words[h.LEVELS_USED]
        )
        assert len(self.orders_seen) == self.words[h.OPEN_ORDERS]
        self._check_accounts()
        self._check_ended()
        self._check_ids()
        self._check_texts()

    # Ladders and their queues

    def _levels(self, which: int, *, down: bool) -> list[int]:
        """Walk a ladder's tree, checking it; gives its levels in order."""
        ladder = self.memory.ladders[which]
        if ladder["root"] == NONE:
            assert ladder["first"] == NONE
            return []
        levels = list(self._walk(int(ladder["root"]), NONE, int(ladder["height"]), 0))
        if down:
            levels.reverse()
        assert ladder["first"] == levels[0]
        self.levels_seen += len(levels)
        return levels

    def _walk(self, node: int, parent: int, height: int, prefix: int) -> Iterator[int]:
        row = self.memory.nodes[node]
        bits = int(row["bits"]) & ((1 << NODE_WAYS) - 1)
        self.nodes_seen += 1
        assert bits and row["parent"] == parent
        for digit in range(NODE_WAYS):
            if not bits >> digit & 1:
                continue
            child = int(self.memory.children[node, digit])
            key = prefix << 6 | digit
            if height:
                yield from self._walk(child, node, height - 1, key)
            else:
                level = self.memory.levels[child]
                assert level["key"] == key and level["node"] == node and level["count"] > 0
                yield child

    def _check_ladder(self, asset: int, ladder: Ladder) -> None:
        waits = ladder in (Ladder.BUY_STOPS, Ladder.SELL_STOPS)
        for level in self._levels(LADDERS_PER_ASSET * asset + ladder, down=ladder in _DOWN):
            for order, row in self._queued(level):
                price = int(row["stop_price"] if waits else row["price"])
                assert price == self.memory.levels[level]["key"] * self.memory.assets[asset]["tick"]
                assert (row["side"] == BUY) == (ladder in (Ladder.BIDS, Ladder.BUY_STOPS))
                assert row["time_in_force"] not in (AT_OPEN, AT_CLOSE)
                self._check_order(order, row, level, asset, waits=waits)

    def _check_auction_orders(self) -> None:
        which = LADDERS_PER_ASSET * len(self.memory.assets) + 2
        for level in self._levels(which, down=False):
            asset, kind = divmod(int(self.memory.levels[level]["key"]), 2)
            for order, row in self._queued(level):
                assert row["time_in_force"] == (AT_CLOSE if kind else AT_OPEN) and row["price"] > 0
                self._check_order(order, row, level, asset, waits=True)

    def _queued(self, level: int) -> list[tuple[int, Any]]:
        """Give the orders of a level's queue, in turn, once its sums are checked."""
        queue = self.memory.levels[level]
        orders = self._queue(level, "previous", "next")
        rows = [self.memory.orders[order] for order in orders]
        assert queue["count"] == len(orders)
        assert queue["quantity"] == sum(int(row["shown"]) for row in rows)
        assert queue["total"] == sum(_left(row) for row in rows)
        return list(zip(orders, rows, strict=True))

    def _queue(self, level: int, previous: str, following: str) -> list[int]:
        queue, orders = self.memory.levels[level], []
        order, before = int(queue["head"]), NONE
        while order != NONE:
            row = self.memory.orders[order]
            assert row[previous] == before
            orders.append(order)
            before, order = order, int(row[following])
        assert queue["tail"] == before
        return orders

    def _check_order(self, order: int, row: Any, level: int, asset: int, *, waits: bool) -> None:
        assert order not in self.orders_seen
        self.orders_seen.add(order)
        position = self.memory.positions[row["position"]]
        assert row["level"] == level and position["asset"] == asset and row["account_previous"] != UNLISTED
        assert _left(row) > 0
        if waits:
            assert row["status"] == PENDING_TRIGGER and row["shown"] == 0
        else:
            assert row["status"] == (PARTIALLY_FILLED if row["filled"] else NEW)
            shown_max = int(row["display_quantity"]) or _left(row)
            assert 0 < row["shown"] <= min(shown_max, _left(row))
        if row["side"] == BUY:
            self._check_share_cost(row)
            self.held_cash[int(position["account"])] += _left(row) * int(row["share_cost"])
        else:
            self.held_shares[int(row["position"])] += _left(row)

    def _check_share_cost(self, row: Any) -> None:
        # The band's edge, at which a stop order without a price is held, may be another one by now.
        price, rate = int(row["price"]), int(self.memory.fees[row["fees"]]["highest"])
        fee = price * rate // 1_000_000 + 1 if rate else 0
        assert row["share_cost"] == price + fee if price else row["share_cost"] >= 1

    def _check_not_crossed(self, asset: int) -> None:
        firsts = [self.memory.ladders[LADDERS_PER_ASSET * asset + side]["first"] for side in (0, 1)]
        if self.memory.assets[asset]["phase"] == CONTINUOUS and NONE not in firsts:
            bid, ask = (self.memory.levels[level]["key"] for level in firsts)
            assert bid < ask, "the book is crossed"

    def _check_expiries(self) -> None:
        which = LADDERS_PER_ASSET * len(self.memory.assets) + 1
        due: set[int] = set()
        for level in self._levels(which, down=False):
            orders = self._queue(level, "expiry_previous", "expiry_next")
            assert self.memory.levels[level]["count"] == len(orders)
            assert self.memory.levels[level]["key"] > self.words[h.TIME_MS]
            for order in orders:
                row = self.memory.orders[order]
                assert row["expiry_level"] == level
                if row["time_in_force"] == GTD:
                    assert self._kept_expiry(row) == self.memory.levels[level]["key"]
            due.update(orders)
        ending = (DAY, GTD, AT_OPEN, AT_CLOSE)
        assert due == {
            order for order in self.orders_seen if self.memory.orders[order]["time_in_force"] in ending
        }

    # Accounts, rows, ids and texts

    def _check_accounts(self) -> None:
        listed: set[int] = set()
        for account in range(self.words[h.ACCOUNTS_USED]):
            row = self.memory.accounts[account]
            if not row["open"]:
                continue
            assert row["held_cash"] == self.held_cash[account]
            order, before = int(row["first_order"]), NONE
            accepted, count = -1, 0
            while order != NONE:
                own = self.memory.orders[order]
                assert own["account_previous"] == before and own["accepted_offset"] > accepted
                assert self.memory.positions[own["position"]]["account"] == account
                listed.add(order)
                accepted, count = int(own["accepted_offset"]), count + 1
                before, order = order, int(own["account_next"])
            assert row["last_order"] == before and row["open_orders"] == count
            assert row["unlimited"] or 0 <= row["held_cash"] <= row["cash"]
            assert not (row["trading_disabled"] and count)
        assert listed == self.orders_seen
        positions = self.words[h.POSITIONS_USED]
        for position in range(positions):
            row = self.memory.positions[position]
            assert row["held_quantity"] == self.held_shares[position]
            limited = not self.memory.accounts[row["account"]]["unlimited"]
            assert not limited or 0 <= row["held_quantity"] <= row["quantity"]
        size = self.words[h.POSITION_TABLE_SIZE]
        self._check_entered(size, positions)
        if 4 * size <= len(self.memory.position_table):
            self._check_entered(2 * size, max(0, 4 * positions - 3 * size // 2))

    def _check_entered(self, size: int, positions: int) -> None:
        entered = self.memory.position_table[size : 2 * size]
        assert sorted(entered[entered != 0]) == list(range(1, positions + 1)), "a position cannot be found"

    def _check_ended(self) -> None:
        ended, order = set(), self.words[h.ENDED_FIRST]
        while order != NONE:
            ended.add(order)
            last, order = order, int(self.memory.orders[order]["next"])
        assert len(ended) == self.words[h.ENDED_COUNT]
        assert not ended or last == self.words[h.ENDED_LAST]
        assert not ended & self.orders_seen
        assert len(ended) + len(self.orders_seen) == self.words[h.ORDERS_USED]

    def _check_ids(self) -> None:
        base, size = self.words[h.IDS_BASE], self.words[h.IDS_SIZE]
        lows, states = (self._id_entries(name, base, size) for name in ("low", "state"))
        used = states.nonzero()[0]
        assert len(used) == self.words[h.IDS_COUNT]
        for place in map(int, used):
            bucket = int(lows[place]) & (size - BUCKET)
            while bucket != place & -BUCKET:
                assert states[bucket : bucket + BUCKET].all(), "an id's entry cannot be reached"
                bucket = (bucket + BUCKET) & (size - 1)
        for order in self.orders_seen:
            entry = int(self.memory.orders[order]["entry"])
            assert self.memory.ids[entry // BUCKET]["state"][entry % BUCKET] == order + 1
        tables = [states]
        if self.words[h.OLD_IDS_STEP] > 0:
            old_base = self.words[h.OLD_IDS_BASE]
            old_states = self._id_entries("state", old_base, self.words[h.OLD_IDS_SIZE])
            tables.append(old_states[self.words[h.OLD_IDS_CURSOR] :])
        for word, day in ((h.ENDED_TODAY, self.words[h.DAY]), (h.ENDED_YESTERDAY, self.words[h.DAY] - 1)):
            ended = sum(int((each == -(day + _ENDED_BEFORE)).sum()) for each in tables)
            assert self.words[word] == ended, "a new table of ids would have another size than they need"

    def _id_entries(self, name: str, first: int, entries: int) -> Array:
        return self.memory.ids[first // BUCKET : (first + entries) // BUCKET][name].ravel()

    def _check_texts(self) -> None:
        chunks = 0
        for order in range(self.words[h.ORDERS_USED]):
            row = self.memory.orders[order]
            texts, length = self._texts(row)
            kept = expiry_place(length) + WORD_BYTES if row["time_in_force"] == GTD else length
            needed = -(-max(0, kept - ORDER_TEXT_BYTES) // TEXT_CHUNK_BYTES)
            assert len(texts) == ORDER_TEXT_BYTES + needed * TEXT_CHUNK_BYTES
            behind = texts[length : -(-length // WORD_BYTES) * WORD_BYTES]
            assert not any(behind), "what stood behind the text in its batch was kept too"
            chunks += needed
        free, chunk = 0, self.words[h.TEXT_FREE]
        while chunk != NONE:
            free, chunk = free + 1, int(self.memory.text_next[chunk])
        assert chunks + free == self.words[h.TEXTS_USED]

    def _texts(self, row: Any) -> tuple[bytes, int]:
        """Give all that is kept of an order's texts, and how many bytes they are."""
        texts, chunk = row["text"].tobytes() + row["text_2"].tobytes(), int(row["more_text"])
        while chunk != NONE:
            texts += self.memory.text_chunks[chunk].tobytes()
            chunk = int(self.memory.text_next[chunk])
        return texts, int(row["id_length"]) + int(row["client_length"])

    def _kept_expiry(self, row: Any) -> int:
        texts, length = self._texts(row)
        return int.from_bytes(texts[expiry_place(length) :][:WORD_BYTES], sys.byteorder)

    def _chained(self, word: int, rows: Any, link: str) -> int:
        count, row = 0, self.words[word]
        while row != NONE:
            count, row = count + 1, int(rows[row][link])
        return count


def _left(row: Any) -> int:
    return int(row["quantity"]) - int(row["filled"])
