"""SIGINT and SIGTERM: held back they are obeyed at the end, and every handler is given back."""

from __future__ import annotations

import signal

import pytest

from rnnlab.signals import INTERRUPTS, interrupts_held_back, interrupts_noted, sigterm_as_sigint


@pytest.mark.parametrize("number", INTERRUPTS)
def test_a_signal_that_is_held_back_is_obeyed_at_the_end(number):
    done = []

    def load() -> None:
        with sigterm_as_sigint():
            with interrupts_held_back():
                signal.raise_signal(number)
                done.append("the import")
            done.append("too far")

    with pytest.raises(KeyboardInterrupt):
        load()
    assert done == ["the import"]


@pytest.mark.parametrize("around", [sigterm_as_sigint, interrupts_held_back, interrupts_noted])
def test_every_handler_is_given_back(around):
    before = [signal.getsignal(number) for number in INTERRUPTS]
    with pytest.raises(ValueError, match="inside"), around():
        raise ValueError("inside")
    assert [signal.getsignal(number) for number in INTERRUPTS] == before
