"""The networks that are not public: one list for all versions of Python.

`ipaddress.is_global` differs between versions of Python and ignores IPv6 addresses
that embed IPv4 addresses (NAT64, 6to4, ISATAP). An address is public if it is in no network
of NETWORKS and its embedded IPv4 address, if it has one, is public. IPv6 addresses are public
only in 2000::/3, which is allocated for global use.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import cache

from registry.urls.hosts import bare, ip_of, spelled_host

IP = ipaddress.IPv4Address | ipaddress.IPv6Address

# Network, name, source. "IANA 4" and "IANA 6" are the special-purpose address registries.
NETWORKS = (
    ("0.0.0.0/8", "this network", "RFC 791, IANA 4"),
    ("10.0.0.0/8", "private use", "RFC 1918, IANA 4"),
    ("100.64.0.0/10", "shared by carriers (CGNAT)", "RFC 6598, IANA 4"),
    ("127.0.0.0/8", "loopback", "RFC 1122, IANA 4"),
    (
        "168.63.129.16/32",
        "services of the Azure platform",
        "Microsoft Learn, What is 168.63.129.16",
    ),
    ("169.254.0.0/16", "link-local", "RFC 3927, IANA 4"),
    ("172.16.0.0/12", "private use", "RFC 1918, IANA 4"),
    ("192.0.0.0/24", "IETF protocol assignments", "RFC 6890, IANA 4"),
    ("192.0.2.0/24", "documentation", "RFC 5737, IANA 4"),
    ("192.88.99.0/24", "6to4 relays", "RFC 7526, IANA 4"),
    ("192.168.0.0/16", "private use", "RFC 1918, IANA 4"),
    ("198.18.0.0/15", "benchmarking", "RFC 2544, IANA 4"),
    ("198.51.100.0/24", "documentation", "RFC 5737, IANA 4"),
    ("203.0.113.0/24", "documentation", "RFC 5737, IANA 4"),
    ("224.0.0.0/4", "multicast", "RFC 5771"),
    ("255.255.255.255/32", "broadcast", "RFC 919, IANA 4"),
    ("240.0.0.0/4", "reserved", "RFC 1112, IANA 4"),
    ("::/128", "unspecified", "RFC 4291, IANA 6"),
    ("::1/128", "loopback", "RFC 4291, IANA 6"),
    ("::/96", "IPv4-compatible", "RFC 4291, section 2.5.5.1"),
    ("64:ff9b:1::/48", "NAT64, local use", "RFC 8215, IANA 6"),
    ("100::/64", "discard only", "RFC 6666, IANA 6"),
    ("100:0:0:1::/64", "dummy prefix", "RFC 9780, IANA 6"),
    ("2001::/32", "Teredo", "RFC 4380, IANA 6"),
    ("2001:2::/48", "benchmarking", "RFC 5180, IANA 6"),
    ("2001:10::/28", "ORCHID", "RFC 4843, IANA 6"),
    ("2001:20::/28", "ORCHIDv2", "RFC 7343, IANA 6"),
    ("2001:db8::/32", "documentation", "RFC 3849, IANA 6"),
    ("2001::/23", "IETF protocol assignments", "RFC 2928, IANA 6"),
    ("3fff::/20", "documentation", "RFC 9637, IANA 6"),
    ("5f00::/16", "segment routing identifiers", "RFC 9602, IANA 6"),
    ("fc00::/7", "unique local", "RFC 4193, IANA 6"),
    ("fe80::/10", "link-local", "RFC 4291, IANA 6"),
    ("fec0::/10", "site-local", "RFC 3879"),
    ("ff00::/8", "multicast", "RFC 4291"),
)
# Networks of IPv6 addresses with an embedded IPv4 address, and its bit position (0: the last).
CARRIERS = (
    ("::ffff:0:0/96", "IPv4-mapped", "RFC 4291, section 2.5.5.2", 0),
    ("::ffff:0:0:0/96", "IPv4-translated", "RFC 2765, section 2.1", 0),
    ("64:ff9b::/96", "NAT64", "RFC 6052, IANA 6", 0),
    ("2002::/16", "6to4", "RFC 3056, IANA 6", 80),
)
GLOBAL_UNICAST = "2000::/3"
# The upper half of an ISATAP interface identifier, its global bit aside (RFC 5214, section 6.1).
_ISATAP = 0x5EFE
_GLOBAL_BIT = 0x02000000
# Names outside the public DNS: RFC 6761, RFC 6762, RFC 8375, and ICANN's resolution of 2024.
_PRIVATE_ENDINGS = (".localhost", ".local", ".home.arpa", ".internal")


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is not public: its addresses, its name, and the source."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network
    name: str
    source: str


def is_public(address: str) -> bool:
    """Return whether an IP address is public, not of this machine or a private network.

    An IPv6 address may have a zone (`fe80::1%eth0`). Raises ValueError for
    an invalid address.
    """
    return private_network(address) is None


def private_network(address: str) -> Network | None:
    """Return the non-public network of an IP address; None for a public address."""
    return _network_of(ipaddress.ip_address(address.partition("%")[0]))


def is_ip(hostname: str) -> bool:
    """Return whether a host name, without port and brackets, is an IP address."""
    return ip_of(hostname) is not None


def is_loopback(hostname: str) -> bool:
    """Return whether a host name, without port, can only mean this machine."""
    host = _spelled(hostname)
    address = ip_of(host)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address is not None:
        return address.is_loopback
    return host == "localhost" or host.endswith(".localhost")


def is_private(hostname: str) -> bool:
    """Return whether a host name, without port, is private by its spelling alone.

    Private are addresses that are not public, names of one label, names under suffixes
    that are not in the public DNS, and invalid hosts. The name is not resolved: the address
    of a connection is tested with `is_public` again.
    """
    host = _spelled(hostname)
    address = ip_of(host)
    if address is not None:
        return _network_of(address) is not None
    return "." not in host or host.endswith(_PRIVATE_ENDINGS)


def _spelled(hostname: str) -> str:
    return bare(spelled_host(f"[{hostname}]" if ":" in hostname else hostname) or "")


def _network_of(address: IP) -> Network | None:
    carried = _carried(address) if isinstance(address, ipaddress.IPv6Address) else None
    if carried is not None and (inner := _network_of(carried)):
        return inner
    for network in _networks():
        if address in network.network:
            return network
    if address.version == 4 or _is_carrier(address) or address in _global_unicast().network:
        return None
    return Network(ipaddress.IPv6Network("::/0"), "not in global use", "IANA IPv6 address space")


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address embedded in an IPv6 address, or None."""
    for network, place in _carriers():
        if address in network:
            return ipaddress.IPv4Address(int(address) >> place & 0xFFFFFFFF)
    if (int(address) >> 32 & 0xFFFFFFFF) & ~_GLOBAL_BIT == _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _is_carrier(address: IP) -> bool:
    return any(address in network for network, _ in _carriers())


@cache
def _networks() -> tuple[Network, ...]:
    return tuple(Network(ipaddress.ip_network(text), name, rfc) for text, name, rfc in NETWORKS)


@cache
def _carriers() -> tuple[tuple[ipaddress.IPv6Network, int], ...]:
    return tuple((ipaddress.IPv6Network(text), place) for text, _, _, place in CARRIERS)


@cache
def _global_unicast() -> Network:
    return Network(ipaddress.IPv6Network(GLOBAL_UNICAST), "global unicast", "RFC 4291")
