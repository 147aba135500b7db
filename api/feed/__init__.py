"""Sends events to many listeners: each is encoded once, queued for each, and kept for those who come back.

Publisher -> Feed.add -> ring of entries -----------.
                 |                                  | Feed.since: what a returning listener missed
                 '--> Subscription -> frames -> HTTP'
"""

from api.feed.feed import Feed, Resumption, TooManySubscribersError, private_feed
from api.feed.subscription import Subscription

__all__ = ["Feed", "Resumption", "Subscription", "TooManySubscribersError", "private_feed"]
