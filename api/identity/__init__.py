"""Who a request comes from: users, passwords, sessions, tokens, API keys, and the record of what was done.

What is kept is in `tables`; `users`, `sessions`, `keys` and `audit` are its reads and writes, each within a
transaction that `database` opens. `recognition` makes a `Caller` of what a request carries, `sign_in` checks
passwords, and `service` puts all of it together.
"""
