"""What a check knows for the public summary of training content (pure).

Article 53(1)(d) of Regulation (EU) 2024/1689 (AI Act) demands such a summary of providers of
general-purpose AI models; the Commission published its template on 24 July 2025. The keys follow
the sections of the template. A check knows one dataset and the reservations in it: every other
value is null, and `to_be_filled_by_the_provider` lists it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from registry.checking.report import ranked
from registry.checking.reports import facts
from registry.checking.tally import MOST_COUNTED
from registry.signals import readers
from registry.urls.hosts import bare
from registry.urls.sites import site_of

if TYPE_CHECKING:
    from registry.checking.report import Report

TEMPLATE = (
    "Template for the Public Summary of Training Content for general-purpose AI models, "
    "required by Article 53(1)(d) of Regulation (EU) 2024/1689 (AI Act), 24 July 2025"
)
NOTICE = (
    "Made by a check of one dataset. It holds what the check knows and nothing else: it is a draft "
    "of parts of a summary, no summary, and no legal advice."
)
# The part of the domain names that the template asks for, and that of small and medium-sized
# enterprises: the smaller of a part and a number.
TOP_SHARE, TOP_SHARE_SMALL, MOST_SMALL = 0.10, 0.05, 1000
_SIZES = (
    (1_000_000, "less than 1 million images"),
    (1_000_000_000, "1 million to 1 billion images"),
)
_LARGEST = "more than 1 billion images"


def to_ai_act(report: Report) -> dict[str, Any]:
    """Return the summary as values of JSON. The same report gives the same values."""
    sections = {
        "1_general_information": _general(report),
        "2_list_of_data_sources": _sources(report),
        "3_data_processing_aspects": _processing(report),
    }
    return {
        "template": TEMPLATE,
        "notice": NOTICE,
        "version_of_the_summary": None,
        "last_update": None,
        **sections,
        "to_be_filled_by_the_provider": [
            *("version_of_the_summary", "last_update"),
            *_empty(sections, ""),
        ],
    }


def _general(report: Report) -> dict[str, Any]:
    return {
        "1_1_provider_identification": dict.fromkeys(
            (
                "provider_name_and_contact_details",
                "authorised_representative_name_and_contact_details",
            )
        ),
        "1_2_model_identification": dict.fromkeys(
            (
                "versioned_model_names",
                "model_dependencies",
                "date_of_placement_on_the_union_market",
            )
        ),
        "1_3_modalities_and_overall_training_data_size": {
            "modalities": {
                "text": None,
                "image": {
                    "training_data_size": None,
                    "types_of_content": None,
                    "of_this_dataset": {
                        "rows": report.tally.rows,
                        "range_if_each_row_is_one_image": _range(report.tally.rows),
                    },
                },
                **dict.fromkeys(("audio", "video", "other")),
            },
            "latest_date_of_data_acquisition": None,
            "linguistic_characteristics": None,
            "other_characteristics": None,
            "additional_comments": None,
        },
    }


def _range(rows: int) -> str:
    return next((name for most, name in _SIZES if rows < most), _LARGEST)


def _sources(report: Report) -> dict[str, Any]:
    return {
        "2_1_publicly_available_datasets": {
            "used": None,
            "modalities": None,
            "large_publicly_available_datasets": None,
            "other_publicly_available_datasets": None,
            "of_this_dataset": {
                "name": report.dataset,
                "layout_of_a_known_dataset": report.layout or "none recognised",
                "format": report.format,
                "files": report.files.files,
                "bytes": report.files.size if report.files.size is not None else "unknown",
            },
        },
        "2_2_private_datasets_of_third_parties": dict.fromkeys(
            (
                "2_2_1_commercially_licensed_by_rightsholders",
                "2_2_2_obtained_from_other_third_parties",
            )
        ),
        "2_3_data_crawled_and_scraped": {
            **dict.fromkeys(
                (
                    *("crawlers_used", "crawler_names", "purposes_of_the_crawlers"),
                    *("crawler_behaviour", "period_of_data_collection"),
                    *("content_and_online_sources_crawled", "modalities"),
                )
            ),
            "most_relevant_domain_names": _domains(report),
        },
        "2_4_user_data": dict.fromkeys(("of_the_model", "of_other_services_or_products")),
        "2_5_synthetic_data": None,
        "2_6_other_sources": None,
    }


def _domains(report: Report) -> dict[str, Any]:
    """Return the domain names with the most rows: the tenth part that the template asks for."""
    hosts = report.tally.all_hosts
    domains = Counter[str]()
    for host, rows in hosts.items():
        domains[site_of(bare(host))] += rows
    top = math.ceil(TOP_SHARE * len(domains))
    small = min(math.ceil(TOP_SHARE_SMALL * len(domains)), MOST_SMALL)
    forgotten = report.tally.forgotten["all_hosts"]
    return {
        "measured_by": "rows of this dataset whose URL is on the domain; the size of content is "
        "not known to a check",
        "is_exact": not forgotten,
        "how_counted": "all hosts"
        if not forgotten
        else f"the {MOST_COUNTED['all_hosts']:,} hosts with the most rows; {forgotten:,} dropped",
        "domain_names_in_all": len(domains),
        "rows_with_a_url": sum(domains.values()),
        "rows_without_a_url": report.tally.rows - sum(domains.values()),
        "top_10_percent": ranked(domains, top),
        "of_these_for_small_and_medium_sized_enterprises": small,
    }


def _processing(report: Report) -> dict[str, Any]:
    outcomes = report.tally.outcomes
    return {
        "3_1_respect_of_reservation_of_rights": {
            "signatory_of_the_code_of_practice": None,
            "measures": None,
            "additional_comments": None,
            "of_this_dataset": {
                "measure": "each row was compared with recorded reservations of rights (Article "
                "4(3) of Directive (EU) 2019/790), by URL, digest, fingerprint and site",
                "opt_out_protocols_read": sorted(name.replace("_", "-") for name in readers()),
                "rows_with_a_reservation": outcomes["reserved"] + outcomes["conditional"],
                "rows_for_a_person_to_decide": outcomes["review"],
                "rows_not_checked": outcomes["unchecked"],
                "rows_that_were_removed": None,
                "meaning": facts.NO_PERMISSION,
                "result": facts.as_values(report),
            },
        },
        "3_2_removal_of_illegal_content": None,
        "3_3_other_information": None,
    }


def _empty(values: Mapping[str, Any], above: str) -> Iterator[str]:
    """Yield the path of every value that is null, but those of the result itself."""
    for name, value in values.items():
        path = f"{above}{name}"
        if value is None:
            yield path
        elif isinstance(value, Mapping) and name != "result":
            yield from _empty(value, f"{path}/")
