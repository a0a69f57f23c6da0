"""The whole fleet: so many databases and users, shared out between and within the providers."""

from collections.abc import Sequence
from random import Random

from attrs import field, frozen

from dbusers.testing.digitalocean.fleet import Cluster, ClusterSeed, with_users
from dbusers.testing.scalingo.fleet import WITH_USERS, Database, ScalingoFleet, ScalingoSeed

# Of 60 databases 14 are at Scalingo: finding them and listing their users stays under the 60
# requests that it allows in a minute.
_SCALINGO_SHARE = 14 / 60
_ONLY_BUILT_IN_SHARE = 0.12  # databases that nobody has added a user to


@frozen
class Fleet:
    """What the sandbox holds, as the wire objects that its APIs answer with.

    Secrets in them are strings that their repr hides. What a test changes in them shows in the next
    answer; adding or removing a cluster or a database does not.
    """

    digitalocean: list[Cluster] = field(repr=lambda clusters: f"<{len(clusters)} clusters>")
    scalingo: ScalingoFleet = field(repr=lambda fleet: f"<{len(fleet.databases)} databases>")


def seeded_fleet(seed: int, databases: int, users: int) -> Fleet:
    """Make the fleet of a seed, the same every time, with exactly so many databases and users.

    Every user counts, built-in ones included. Raises `ValueError` when there are fewer users than
    databases that have a built-in one, or more users than no database can hold.
    """
    rng = Random(seed)  # noqa: S311  a reproducible fleet is the point; nothing is protected by it
    scalingo_count = round(databases * _SCALINGO_SHARE)
    cluster_seed, scalingo_seed = ClusterSeed(rng), ScalingoSeed(rng)
    clusters = cluster_seed.clusters(databases - scalingo_count)
    scalingo = scalingo_seed.fleet(scalingo_count)

    homes: list[Cluster | Database] = [*with_users(clusters)]
    homes += [database for database in scalingo.databases if database["type_name"] in WITH_USERS]
    kinds = [home.get("engine") or home["type_name"] for home in homes]
    for home, count in zip(homes, _shares(rng, kinds, users), strict=True):
        if isinstance(home, Cluster):
            cluster_seed.add_users(home, count)
        else:
            scalingo_seed.add_users(home, count)
    return Fleet(clusters, scalingo)


def _shares(rng: Random, kinds: Sequence[str], users: int) -> Sequence[int]:
    homes = len(kinds)
    if users < homes or (users and not homes):
        raise ValueError(f"{homes} databases with users cannot have {users} users in all")
    if not homes:
        return []
    weights = []
    for position, kind in enumerate(kinds):
        # The first of a kind has other users too, so that a small fleet shows every kind's.
        only_built_in = kind in kinds[:position] and rng.random() < _ONLY_BUILT_IN_SHARE
        weights.append(0.0 if only_built_in else rng.lognormvariate(0, 0.7))
    extra, whole = users - homes, sum(weights)
    shares = [1 + int(extra * weight / whole) for weight in weights]
    # Rounding down loses less than one user for each weight that is not zero.
    heaviest = sorted(range(homes), key=weights.__getitem__, reverse=True)
    for position in heaviest[: users - sum(shares)]:
        shares[position] += 1
    return shares
