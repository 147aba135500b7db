"""The market's no to a command."""

from __future__ import annotations

from engine.messages import SENTENCES, Message


class Refusal(Exception):  # noqa: N818 - a refusal is the market's answer, not an error of the program
    """A command that the rules do not allow.

    Parameters
    ----------
    message : Message
        What is said of it.
    **values : object
        What stands in the sentence's braces.
    """

    def __init__(self, message: Message, **values: object) -> None:
        sentence = SENTENCES[message]
        self.reason = sentence.reason
        self.text = sentence.template.format(**values)
        super().__init__(self.text)
