"""Recorded order flow: files read and checked, mapped to commands, and run through the market again.

`reading` knows the files, `mapping` turns rows into commands with nothing but the engine's own shard,
`replay` sends them through Kafka and waits for the answers. The package is not named `replay`, because
`homebroker.replay` is the research face's function.
"""
