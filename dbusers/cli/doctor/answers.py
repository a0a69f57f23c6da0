"""What one answer, or the error in its place, says of a token, its limit, and this clock."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from dbusers.audit.report.text import duration
from dbusers.cli.doctor.diagnosis import Finding, State
from dbusers.cli.exits import ExitCode, advice
from dbusers.errors import DbusersError, Forbidden, RateLimited, Unauthorized
from dbusers.response import Response

SKEW: Final = 30.0  # seconds; bearers are renewed five minutes before they expire
NO_ANSWER: Final = "there was no answer to tell"
NO_WAY: Final = "see what was found of the host; a proxy may not let through to it"
LITTLE: Final = 0.1  # the share of the limit under which there is a warning


@attrs.frozen
class Trial:
    """One call of a token, at a time in Unix seconds."""

    account: str
    call: str
    seconds: float
    now: float
    response: Response | None = None
    error: DbusersError | None = None

    @property
    def answer(self) -> Response | DbusersError | None:
        """Return what has the status and the headers, if there are any."""
        return self.error or self.response

    @property
    def status(self) -> int | None:
        """Return the status that was answered, None if nothing was."""
        return self.answer.status if self.answer else None


def judged(trial: Trial) -> list[Finding]:
    """Return what the call shows, whoever the provider is."""
    return [_answer(trial), _token(trial), _limit(trial), _clock(trial)]


def _answer(trial: Trial) -> Finding:
    error = trial.error
    took = round(trial.seconds * 1000)
    facts = {"status": trial.status, "milliseconds": took}
    # Some refusals are as they should be: what is wrong stands with the token or the limit.
    if error is None or isinstance(error, Unauthorized | Forbidden | RateLimited):
        found = f"{trial.call}: {trial.status} in {took} ms"
        return Finding(trial.account, "answer", State.OK, found, facts=facts)
    found = f"{trial.call}: {error}"
    advised = NO_WAY if trial.status is None else advice(error)
    return Finding(trial.account, "answer", State.FAILED, found, advised, facts=facts)


def _token(trial: Trial) -> Finding:
    match trial.error:
        case None | Forbidden():
            return Finding(trial.account, "token", State.OK, "the provider takes it")
        case Unauthorized() as error:
            return Finding(
                trial.account,
                "token",
                State.FAILED,
                f"the provider refuses it: {error}",
                "it is mistyped, expired or revoked: make a new one",
                ends=ExitCode.USAGE,
            )
        case _:
            return Finding(trial.account, "token", State.UNKNOWN, NO_ANSWER)


def _limit(trial: Trial) -> Finding:
    said = trial.answer.rate_limit if trial.answer else None
    facts = {
        "limit": said.limit if said else None,
        "remaining": said.remaining if said else None,
        "resets_at": said.resets_at if said else None,
        "retry_after": said.retry_after if said else None,
    }
    state, advised = State.OK, None
    if isinstance(trial.error, RateLimited):
        state, found = State.FAILED, "it is used up"
        seconds = trial.error.retry_after
        advised = f"try again in {duration(seconds)}" if seconds else "try again in a minute"
    elif said is None or said.remaining is None:
        untold = "the provider does not say what is left"
        state, found = State.UNKNOWN, NO_ANSWER if trial.status is None else untold
    else:
        of = f" of {said.limit:,}" if said.limit else ""
        found = f"{said.remaining:,}{of} requests are left"
        if said.limit and said.remaining < LITTLE * said.limit:
            state, advised = State.WARNING, "let other programs with this token finish first"
    return Finding(trial.account, "limit", state, found, advised, facts=facts)


def _clock(trial: Trial) -> Finding:
    date = trial.answer.headers.get("date") if trial.answer else None
    skew = None if date is None else _ahead(date, trial.now)
    facts = {"seconds_ahead": skew}
    if skew is None:
        undated = "the answer has no date to compare with"
        found = NO_ANSWER if trial.status is None else undated
        return Finding(trial.account, "clock", State.UNKNOWN, found, facts=facts)
    if abs(skew) <= SKEW:
        found = f"agrees with the provider's within {SKEW:g} s"
        return Finding(trial.account, "clock", State.OK, found, facts=facts)
    found = f"{duration(abs(skew))} {'ahead of' if skew > 0 else 'behind'} the provider's"
    advised = "set it, by NTP: bearers and waits are reckoned by it"
    return Finding(trial.account, "clock", State.WARNING, found, advised, facts=facts)


def _ahead(date: str, now: float) -> float | None:
    """Return by how many seconds `now` is ahead of an HTTP date, None if that is none."""
    try:
        told = parsedate_to_datetime(date)
    except ValueError:
        return None
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(now - told.timestamp(), 1)
