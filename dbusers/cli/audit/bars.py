"""A bar for each token: how much is read, what its rate limit allows, and the time left."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Final, Self

import attrs
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.progress import BarColumn, Progress, Task, TaskID, TextColumn
from rich.table import Column

from dbusers.audit import Listed, NotListed, NotRead, Outcome
from dbusers.audit.accounts.account import Account
from dbusers.audit.plan import Plan, TokenPlan
from dbusers.audit.report.text import duration
from dbusers.cli.audit.words import Voice
from dbusers.cli.output import printable

REDRAWN: Final = 0.25  # seconds
NAME: Final = 20  # columns


@attrs.frozen
class _Narrower:
    """Leaves room for the terminal's own ^C: on a full line it would begin another one."""

    content: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.content, options.update(width=options.max_width - 3))


class _Progress(Progress):
    def get_renderables(self) -> Iterable[RenderableType]:
        yield _Narrower(self.make_tasks_table(self.tasks))


class Bars:
    """The bars of a run; draws nothing where there is no terminal to draw on.

    They go when the run ends: the report takes their place.
    """

    def __init__(
        self,
        accounts: Iterable[Account],
        voice: Voice,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._clock = clock
        self._begun = clock()
        self._tokens: dict[TaskID, TokenPlan] = {}
        self._bar_of: dict[str, TaskID] = {}
        self._listed: dict[str, int] = {}
        self._not_read: Counter[TaskID] = Counter()
        self._bars = _Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None, complete_style="cyan", finished_style="green"),
            TextColumn("{task.fields[done]}", justify="right", markup=False),
            TextColumn(
                "{task.fields[state]}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis"),
            ),
            console=voice.console,
            auto_refresh=False,
            transient=True,
            expand=True,
            disable=not voice.can_draw,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def plan(self, plan: Plan) -> None:
        """Show what is planned: a bar for each token."""
        for token in plan.tokens:
            bar = self._bar_of.get(token.accounts[0])
            if bar is None:
                bar = self._bars.add_task(_name(token), total=None, done="", state="")
                self._bar_of.update(dict.fromkeys(token.accounts, bar))
            self._tokens[bar] = token

    def move(self, outcome: Outcome) -> None:
        """Show one outcome more."""
        if isinstance(outcome, Listed | NotListed):
            self._listed[outcome.account] = (
                len(outcome.databases) if isinstance(outcome, Listed) else 0
            )
            bar = self._bar_of[outcome.account]
            accounts = self._tokens[bar].accounts
            if all(account in self._listed for account in accounts):
                total = sum(self._listed[account] for account in accounts)
                self._bars.update(bar, total=total)
        else:
            bar = self._bar_of[outcome.database.account]
            self._not_read[bar] += isinstance(outcome, NotRead)
            self._bars.advance(bar)

    async def keep_drawing(self) -> None:
        """Draw for ever; to be cancelled."""
        while True:
            self.draw()
            await asyncio.sleep(REDRAWN)

    def draw(self) -> None:
        """Draw the bars as they are now."""
        for bar, (_, done, state) in zip(self._bars.task_ids, self.told(), strict=True):
            self._bars.update(bar, done=done, state=state)
        self._bars.refresh()

    def told(self) -> list[tuple[str, str, str]]:
        """Return what stands beside each bar: whose it is, how much is done, and its state."""
        return [(bar.description, _done(bar), self._state(bar.id)) for bar in self._bars.tasks]

    def _state(self, bar: TaskID) -> str:
        token = self._tokens[bar]
        accounts = [self._accounts[name] for name in token.accounts]
        sent = sum(account.sent or 0 for account in accounts)
        meters = [account.meter for account in accounts if account.meter is not None]
        delay = max((meter.delay() for meter in meters), default=0.0)
        left = seconds_left(token, sent, self._clock() - self._begun, delay)
        said = [f"{self._not_read[bar]:,} not read"] if self._not_read[bar] else []
        if any(name not in self._listed for name in token.accounts):
            said.append("listing")
        if delay >= 1:
            said.append(f"limit: {duration(delay)}")
        if token.exact and left >= 1:
            said.append(f"{duration(left)} left")
        return ", ".join(said)


def seconds_left(token: TokenPlan, sent: int, elapsed: float, delay: float) -> float:
    """Return about how long a token will take: as planned, and then as fast as it was so far."""
    if sent >= token.requests:
        return 0.0
    if elapsed < token.floor:
        return max(token.floor - elapsed, delay)
    return max((token.requests - sent) * elapsed / sent if sent else 0.0, delay)


def _done(bar: Task) -> str:
    total = "?" if bar.total is None else f"{bar.total:,.0f}"
    return f"{bar.completed:,.0f}/{total} databases"


def _name(token: TokenPlan) -> str:
    name = printable(token.name)
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"
