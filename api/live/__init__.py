"""The market as it is now, kept in memory from the log: books, candles, tickers, orders and accounts."""
