"""What a token gets to see of clusters and users: the credentials need a scope of their own."""

from dbusers.testing.digitalocean.fleet import CONNECTIONS, Cluster
from dbusers.testing.wire import JsonObject

_USER_SECRETS = frozenset({"password", "access_cert", "access_key"})
_CONNECTION_SECRETS = frozenset({"uri", "user", "password"})


def user_view(
    user: JsonObject, cluster: Cluster, *, sees_credentials: bool, fresh: bool = False
) -> JsonObject:
    """Return the user as answered; `fresh` is for one whose password was just made."""
    # MongoDB tells a password only where it was just made.
    told = fresh or cluster["engine"] != "mongodb"
    return user if told and sees_credentials else _without(user, _USER_SECRETS)


def cluster_view(cluster: Cluster, *, sees_credentials: bool) -> JsonObject:
    """Return the cluster as answered."""
    if sees_credentials and cluster["engine"] != "mongodb":
        return cluster
    view = dict(cluster)
    for name in CONNECTIONS:
        if view.get(name) is not None:
            view[name] = _without(view[name], _CONNECTION_SECRETS)
    if view["users"] is not None:
        view["users"] = [_without(user, _USER_SECRETS) for user in view["users"]]
    return view


def _without(fields: JsonObject, hidden: frozenset[str]) -> JsonObject:
    return {name: value for name, value in fields.items() if name not in hidden}
