"""The records of the topics: the only place where a record's field names are written.

`commands` reads and writes what enters on `orders`; `records` what the engine sends out.
"""
