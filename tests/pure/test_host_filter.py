"""The filter of hosts passes every host that was asked for, and few others."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from registry.urls import columns
from registry.urls.columns import key_column
from registry.urls.host_filter import HostFilter
from registry.urls.key import split_key, url_key
from registry.urls.key_hash import hash64

NAMES = [
    "a.example",
    "www.a.example",
    "b.a.example",
    "c.b.a.example",
    "example",
    "d.test",
    "e.test",
]
LONG = "x" * 40 + ".long.example"
FORMS = [
    *("https://{}/p.jpg", "http://{}/", "HTTPS://{}/p.jpg", "https://{}", "https://{}:8443/p"),
    *("https://{}/" + "p" * 60 + ".jpg?a=1", "https://{}./p", "//{}/p", "not a url {}"),
]


def hashes(hosts: list[str]) -> np.ndarray:
    return np.array([hash64(host.encode()) for host in hosts], np.uint64)


def asked(url: str, hosts: list[str], wider: list[str]) -> bool:
    """Return by texts whether a URL is on one of the hosts, or on a subdomain of another."""
    key = url_key(url)
    if key is None:
        return False
    host = split_key(key)[0].partition(":")[0]
    return split_key(key)[0] in hosts or any(host.endswith("." + name) for name in wider)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_no_host_asked_for_is_left_out(seed: int, compiled: bool, monkeypatch):
    monkeypatch.setattr(columns, "is_compiled", lambda rows: compiled)
    rng = random.Random(seed)
    names = [*NAMES, LONG, "bücher.example", "192.0.2.1", "[2001:db8::1]"]
    hosts = rng.sample(NAMES, rng.randrange(4))
    wider = rng.sample(["a.example", "b.a.example", "example", "long.example"], rng.randrange(3))
    urls = [form.format(name) for form in FORMS for name in names] + [None]
    rng.shuffle(urls)
    keys = key_column(pa.array(urls))
    rows = HostFilter(hashes(hosts), hashes(wider)).rows(keys).tolist()
    assert {n for n, url in enumerate(urls) if url and asked(url, hosts, wider)} <= set(rows)
    assert not {n for n in rows if not keys.has[n]}


def test_few_other_hosts_pass(monkeypatch):
    monkeypatch.setattr(columns, "is_compiled", lambda rows: True)
    known = [f"art{n}.example" for n in range(500)]
    keys = key_column(pa.array([f"https://sub.other{n}.test/p.jpg" for n in range(2_000)]))
    assert len(HostFilter(hashes(known), hashes(known)).rows(keys)) < 300
