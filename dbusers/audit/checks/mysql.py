"""Checks of MySQL users."""

import re
from typing import Final

from dbusers.audit.checks import remedies
from dbusers.audit.findings import (
    FAIL,
    PASS,
    UNKNOWN,
    Check,
    Facts,
    Judgement,
    Said,
    Severity,
    check,
    each_user,
)
from dbusers.audit.records import Engine, UserRecord
from dbusers.openenum import normal_form

NATIVE: Final = normal_form("mysql_native_password")
OFF_BY_DEFAULT: Final = (8, 4)  # MySQL 8.4 reference manual, "Native Pluggable Authentication"


@check(
    "MY001",
    "Login by mysql_native_password",
    Severity.MEDIUM,
    engines={Engine.MYSQL},
    rationale="Its unsalted SHA-1 is cheap to break. MySQL 8.4 has it switched off, so that there "
    "somebody switched it on again, and MySQL 9 does not have it any more.",
    remedy="Reset the user with caching_sha2_password, once its drivers know that.",
    source='MySQL reference manual, "Native Pluggable Authentication"',
    call=f"await {remedies.USER}.reset_auth.post("
    'ResetAuth(mysql_settings=MySQLSettings("caching_sha2_password")))',
    command="dbusers users reset --auth-plugin caching_sha2_password {database} {user}",
)
@each_user
def native_password(facts: Facts, user: UserRecord) -> Said:
    """Fail a login by the plugin of MySQL 4.1; it is worse where the server has it off."""
    if user.auth_plugin is None:
        return UNKNOWN
    if normal_form(user.auth_plugin) != NATIVE:
        return PASS
    version = facts.database.version
    if _numbers(version) < OFF_BY_DEFAULT:
        return FAIL
    return Judgement(FAIL, severity=Severity.HIGH, detail=f"on MySQL {version}")


def _numbers(version: str | None) -> tuple[int, ...]:
    """Return a version's leading numbers; none sort before any."""
    found = re.match(r"[0-9]+(\.[0-9]+)*", version or "")
    return tuple(int(number) for number in found[0].split(".")) if found else ()


CHECKS: Final[tuple[Check, ...]] = (native_password,)
