"""Tracking parameters: they identify the visitor's source, never the file.

Networks and mail services append them to links for their statistics; servers
of pictures ignore them. A name is in the table if the service that sets it
says so, or if a browser removes it from URLs: Brave
(`components/query_filter/utils.cc` of brave-core, read in 2026) or Firefox (the
collection `query-stripping` of its remote settings). Names of common words (`ref`, `source`,
`si`) are not: a server may use them to select a file.
"""

from __future__ import annotations

# Who sets them, and who lists them: the names, in lower case.
TRACKING: dict[str, tuple[str, ...]] = {
    "Google Ads, Campaign Manager, Analytics, Merchant Center (their help pages; Brave, Firefox)": (
        *("gclid", "gclsrc", "dclid", "gbraid", "wbraid", "gad_source", "gad_campaignid"),
        *("_ga", "_gac", "_gl", "srsltid"),
    ),
    "Facebook and Instagram (Brave, Firefox)": (
        *("fbclid", "fb_action_ids", "fb_comment_id", "igshid", "igsh"),
    ),
    "Microsoft Advertising (its help pages; Brave, Firefox)": ("msclkid",),
    "X, TikTok, LinkedIn, Snap, Reddit, Pinterest: click ids (their ads' help pages; Brave)": (
        *("twclid", "ttclid", "li_fat_id", "sccid", "rdt_cid", "epik"),
    ),
    "Yandex (Brave, Firefox)": ("yclid", "ysclid", "ymclid", "_openstat"),
    "Mailchimp (its help pages; Brave, Firefox)": ("mc_cid", "mc_eid"),
    "HubSpot (its help pages; Brave, Firefox)": (
        *("_hsenc", "_hsmi", "__hssc", "__hstc", "__hsfp", "hsctatracking"),
    ),
    "Marketo, Klaviyo, MailerLite, Omeda, Vero, Drip, Branch (Brave, Firefox)": (
        *("mkt_tok", "_kx", "ml_subscriber", "ml_subscriber_hash", "oly_anon_id", "oly_enc_id"),
        *("vero_conv", "vero_id", "__s", "_branch_match_id", "_branch_referrer"),
    ),
    "Impact, Beehiiv, Yahoo and others (Brave)": (
        *("irclickid", "rb_clickid", "wickedid", "_bhlid", "guce_referrer", "guce_referrer_sig"),
    ),
    "Matomo (its help pages; Brave)": ("mtm_cid", "pk_cid"),
}
# Names that begin so: campaign parameters of Google Analytics (its help pages).
PREFIXES = ("utm_",)

NAMES = frozenset(name for names in TRACKING.values() for name in names)


def is_tracking(parameter: str) -> bool:
    """Return whether `name=value` of a query, percent-encoding in normal form, is for tracking."""
    name = parameter.partition("=")[0].lower()
    return name in NAMES or name.startswith(PREFIXES)
