"""A secret shows itself to nobody but who asks it to."""

import copy
import json
import logging
import pickle
import time

import orjson
import pytest

from dbusers.secret import Secret, SecretBuffer, SecretBytes, SecretText, mask

TEXT = "correct-horse-battery-staple"


def test_reveal_returns_the_text() -> None:
    assert Secret(TEXT).reveal() == TEXT


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r}".format,
        "{:>40}".format,
        "%s".__mod__,
        "%r".__mod__,
        lambda secret: str([secret]),
        lambda secret: str({"password": secret}),
        ascii,
    ],
)
def test_no_way_of_printing_shows_the_text(show: object) -> None:
    assert callable(show)
    shown = show(Secret(TEXT))

    assert TEXT not in shown
    assert "*" in shown


def test_the_mask_does_not_tell_the_length() -> None:
    assert str(Secret("x")) == str(Secret("x" * 60))


def test_a_log_record_does_not_show_the_text(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("someone").warning("password: %s", Secret(TEXT))

    assert "password: *" in caplog.text
    assert TEXT not in caplog.text


@pytest.mark.parametrize(
    "serialise",
    [pickle.dumps, json.dumps, orjson.dumps, lambda secret: pickle.dumps([secret], protocol=2)],
)
def test_it_is_not_serialised(serialise: object) -> None:
    assert callable(serialise)
    with pytest.raises(TypeError) as caught:
        serialise(Secret(TEXT))

    assert TEXT not in str(caught.value)


@pytest.mark.parametrize("use", [len, iter, list, bytes, lambda secret: secret[0]])
def test_it_is_not_a_sequence(use: object) -> None:
    assert callable(use)
    with pytest.raises(TypeError):
        use(Secret(TEXT))


def test_it_has_no_dictionary_that_would_show_it() -> None:
    assert not hasattr(Secret(TEXT), "__dict__")


def test_a_copy_is_still_a_secret() -> None:
    secret = Secret(TEXT)

    assert copy.copy(secret).reveal() == TEXT
    assert copy.deepcopy([secret])[0].reveal() == TEXT


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret("another")
    assert len({Secret(TEXT), Secret(TEXT), Secret("another")}) == 2


def test_a_secret_does_not_equal_its_text() -> None:
    different: object = TEXT

    assert Secret(TEXT) != different


def test_secrets_of_any_text_can_be_compared() -> None:
    # An encoding error would hold the text.
    assert Secret("\ud800") == Secret("\ud800")
    assert Secret("\ud800") != Secret("é")


def test_an_empty_secret_is_falsy() -> None:
    assert not Secret("")
    assert Secret("0")


def test_of_takes_a_text_or_a_secret() -> None:
    secret = Secret(TEXT)

    assert Secret.of(secret) is secret
    assert Secret.of(TEXT) == secret


@pytest.mark.parametrize(
    "value",
    [SecretText(TEXT), SecretBytes(TEXT.encode()), SecretBuffer(TEXT.encode())],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_over_the_socket_is_itself_but_does_not_show_it(value: object) -> None:
    assert value in (TEXT, TEXT.encode())
    assert TEXT not in repr(value)
    assert TEXT not in repr({"Authorization": value})


@pytest.mark.parametrize("symbol", ["-", "/", "é", "%", "&", '"'])
def test_a_text_that_only_begins_like_a_secret_takes_no_time(symbol: str) -> None:
    # If a symbol had two readings of one spelling, this would take 2 ** 23 steps: a second.
    beginning = symbol * 23
    text = f"the password is wrong: {beginning}{'x' * 1000}"

    began = time.process_time()
    assert mask(text, [Secret(beginning + "!")]) == text
    assert time.process_time() - began < 0.2
