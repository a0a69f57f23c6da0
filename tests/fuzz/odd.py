"""Values that a document or a header should not have there, but is valid with."""

import copy
from typing import Final

from hypothesis import strategies as st

from tests.canary import GENERATED, MARK, TOKEN

URLS: Final = (
    "https://api.digitalocean.com/v2/databases?page=2",
    "https://api.digitalocean.com:443/v2/databases?page=2",
    "https://api.digitalocean.com:99999/",
    "https://api.digitalocean.com/v2/../..?a=%zz&b=\ud800",
    "https://api.digitalocean.com/v2/databases#é \r\n",
    "https://api.digitalocean.com\\@evil.example/",
    "https://[::1",
    "//api.digitalocean.com/v2/databases",
    "https://evil.example/v2/databases?page=2",
    "",
)
DATES: Final = (
    "2026-01-01T00:00:00Z",
    "2026-01-01",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59.999999999Z",
    "2026-13-45T99:99:99Z",
    "2026-W01-1",
    "-1",
)
HTTP_DATES: Final = (
    "Wed, 21 Oct 2026 07:28:00 GMT",
    "Wed Oct 21 07:28:00 2026",
    "Wed, 21 Oct 0000 07:28:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "1 Jan 70 0:0:99999999999999999999",
    ", , ,",
)
HEADERS: Final = (
    "retry-after",
    "date",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "content-type",
    "x-request-id",
    "set-cookie",
)


numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from((10**19, -(10**19), 10**400, 2**63, -(2**63), 1e308, 5e-324, -0.0)),
)
texts = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=("Cs", "Cc", "Cf")), max_size=5),
    st.sampled_from((GENERATED, f"Bearer {TOKEN}", "", "null", *URLS, *DATES)),
)
small = st.one_of(st.sampled_from((None, True, False, 0, 1.5, "x")), numbers, texts)
values = st.one_of(
    small,
    small,
    st.sampled_from(([], {}, [[]], [{}], {"": None}, [None], ["x"], [1, "1"], {"x": {"x": []}})),
    st.lists(small, max_size=3),
    st.dictionaries(texts, small, max_size=3),
).map(copy.deepcopy)  # what is sampled is shared, and changed afterwards
pages = st.one_of(
    values,
    st.builds(lambda value: {"pages": value}, values),
    st.builds(lambda value: {"pages": {"next": value}}, values | st.sampled_from(URLS)),
    st.builds(lambda value: {"pagination": value}, values),
    st.builds(lambda value: {"pagination": {"next_page": value}}, values | numbers),
)
# Headers are kept in errors as they are, but for our own secrets. (The library tries constants that
# it finds in the code, the mark of a planted secret among them.)
header_values = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.text(st.characters(categories=("Nd", "No")), max_size=20),
    st.text(st.characters(categories=("L", "P", "S", "Cs", "Cf")), max_size=30).filter(
        lambda text: MARK not in text
    ),
    st.sampled_from((f"Bearer {TOKEN}", "5000", "0", "250", "9" * 400, *HTTP_DATES)),
)
headers = st.one_of(
    st.just(()),
    st.lists(st.tuples(st.sampled_from(HEADERS), header_values), max_size=4).map(tuple),
)
