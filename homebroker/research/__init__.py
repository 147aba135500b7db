"""The research face: the market's topics as tables, its trades as they come, and the engine in memory.

    topics, candles   what a notebook asks for
      └── reading     which offsets of a topic answer it, in pieces
            ├── rows      a record as the rows of a table
            └── frames    rows as a DataFrame
    live              what happens next
    replaying         commands through the engine's own shard

Reading joins no consumer group and commits nothing, so it never disturbs a running market.
"""
