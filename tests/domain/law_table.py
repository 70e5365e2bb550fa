"""What do the clauses say, row by row? Written from the law tables alone, to be held against the shipped rules.

Each line: rule, period, start, then what else the clause says. Periods: `2wd` working days, `3bd` business days, `48h`
hours, `10d` calendar days, `1m` months, `10-14bd` a window, `-` no number, `order` as ordered, `always` standing.
`@` names where days are counted (`|` between candidates; `+roll` moves on from a day off, `+2wd` holds two working
days, `=5d` another number, `=wd` working days after all, `+sun` with Sunday as the only weekend). `?` is not settled,
`paused` may stand still and starts afresh, `idle` are hours that run on working days only, `from` and `to` are the
first and the last day in force.
"""

from dataclasses import dataclass

EU = """
EU-GPSR-22-4 2wd receipt @order_country|establishment ? from 2024-12-13
EU-GPSR-22-5 order receipt from 2024-12-13
EU-GPSR-22-8 3wd receipt @establishment|report_countries ? from 2024-12-13
EU-GPSR-22-6 - receipt from 2024-12-13
EU-GPSR-22-12a - own_awareness from 2024-12-13
EU-GPSR-22-12b - containment from 2024-12-13
EU-GPSR-22-12d - own_awareness from 2024-12-13
EU-GPSR-22-12e - own_awareness from 2024-12-13
EU-GPSR-22-12e-M - own_awareness from 2024-12-13
EU-GPSR-20 - awareness from 2024-12-13
EU-GPSR-22-11 always intake from 2024-12-13
EU-GPSR-26 always intake from 2024-12-13
EU-PLEDGE 2wd receipt @establishment ? from 2018-06-25
EU-PLEDGE-5 5wd receipt @establishment ? from 2018-06-25
EU-DSA-9 - receipt from 2024-02-17
EU-DSA-9-5 - containment from 2024-02-17
EU-DSA-10 - receipt from 2024-02-17
EU-DSA-10-5 - decision from 2024-02-17
EU-DSA-16-4 - receipt from 2024-02-17
EU-DSA-16-5 - decision from 2024-02-17
EU-DSA-17 0d containment @establishment from 2024-02-17
EU-DSA-24-5 - containment from 2024-02-17
EU-DSA-18 - knowledge from 2024-02-17
EU-DSA-20 - receipt from 2024-02-17
EU-DSA-20-R - complaint_upheld from 2024-02-17
EU-DSA-20-6M always intake from 2024-02-17
EU-DSA-21 90d dispute_received @establishment|establishment+roll ? from 2024-02-17
EU-DSA-21-X 180d dispute_received @establishment|establishment+roll ? from 2024-02-17
EU-DSA-22 - receipt from 2024-02-17
EU-DSA-23 always intake from 2024-02-17
EU-DSA-30-3 - own_awareness from 2024-02-17
EU-DSA-30-3-S - remedy_lapsed from 2024-02-17
EU-DSA-30-5 6-7m contract_ended @establishment from 2024-02-17
EU-DSA-31-3 always intake from 2024-02-17
EU-DSA-32 - own_awareness from 2024-02-17
EU-TCO-3-3 1h receipt paused from 2022-06-07
EU-TCO-3-2 always intake ? from 2022-06-07
EU-TCO-3-6 - containment from 2022-06-07
EU-TCO-3-7 - compliance_impossible from 2022-06-07
EU-TCO-3-8 - order_unclear ? from 2022-06-07
EU-TCO-4-48H 48h receipt from 2022-06-07
EU-TCO-4-72H always intake from 2022-06-07
EU-TCO-4-R - order_annulled from 2022-06-07
EU-TCO-6 6m containment @establishment from 2022-06-07
EU-TCO-10 14d receipt @establishment|establishment+roll ? from 2022-06-07
EU-TCO-11 - containment ? from 2022-06-07
EU-TCO-11-C 42-43d containment @establishment ? from 2022-06-07
EU-TCO-14-5 - knowledge from 2022-06-07
EU-GDPR-33 72h awareness @establishment|establishment+2wd ? from 2018-05-25
EU-GDPR-33-2 - awareness from 2018-05-25
EU-GDPR-34 - awareness from 2018-05-25
EU-GDPR-12-3 1m receipt @establishment+roll from 2018-05-25
EU-GDPR-12-3-X 3m receipt @establishment+roll from 2018-05-25
EU-P2B-4 0d containment @establishment from 2020-07-12
EU-P2B-4-T - termination_decided from 2020-07-12
EU-P2B-4-30D 30-60d termination_reasons_given @establishment ? from 2020-07-12
EU-EEV-10-10D 10d receipt @establishment|establishment+roll ? from 2026-08-18
EU-EEV-10-8H 8h receipt from 2026-08-18
EU-EEV-11 60d receipt @establishment from 2026-08-18
EU-NIS2-23-24H 24h awareness from 2024-10-18
EU-NIS2-23-72H 72h awareness from 2024-10-18
EU-NIS2-23-1M 1m awareness @establishment|establishment+roll ? from 2024-10-18
EU-CRA-14-24H 24h awareness from 2026-09-11
EU-CRA-14-72H 72h awareness from 2026-09-11
EU-CRA-14-14D 14d fix_available @establishment|establishment+roll ? from 2026-09-11
EU-SANC 14d awareness @establishment|establishment+roll ? from 2014-03-17
DE-NAT order receipt ? from 2024-05-14
"""
AMERICA = """
US-INF-a1 10d qualified_high_volume @US|US+roll ? from 2023-06-27
US-INF-a1-3BD 3bd bank_data_requested @US ? from 2023-06-27
US-INF-a2 10d information_received @US|US+roll ? from 2023-06-27
US-INF-a1B always intake from 2023-06-27
US-INF-a1C 10d missing_information_notified @US|US+roll ? from 2023-06-27
US-INF-b always intake from 2023-06-27
US-INF-b-10D 10d false_disclosure_notified @US|US+roll ? from 2023-06-27
US-INF-c always intake from 2023-06-27
US-CPSA-15b 24h awareness @US idle ? from 1978-08-07
US-CPSA-15b-10D 10bd awareness @US ? from 1978-08-07
US-CPSA-15b-5D always intake from 1978-08-07
US-DMCA-c - receipt from 1998-10-28
US-DMCA-c-T - containment from 1998-10-28
US-DMCA-g-COPY - receipt from 1998-10-28
US-DMCA-g 10-14bd receipt @US ? from 1998-10-28
US-CSAM - knowledge from 2024-05-07
US-CSAM-1Y 12m knowledge @US from 2024-05-07
US-TIDA 48h receipt from 2026-05-19
US-SCA-E - receipt from 1986-10-21
US-SCA-F 90d receipt @US from 1986-10-21
US-SAR 30d suspicion_detected @US from 2011-03-01
US-SAR-60D 60d suspicion_detected @US from 2011-03-01
US-SAR-KEEP always intake from 2011-03-01
US-OFAC 10bd property_blocked @US ? from 2003-07-10
US-OFAC-R 10bd transaction_rejected @US ? from 2003-07-10
US-OFAC-Y always intake from 2003-07-10
CA-CCPSA-14-2 2d awareness @CA+sun|CA+sun+roll ? from 2011-06-20
CA-CCPSA-14-3 10d awareness @CA+sun|CA+sun+roll ? from 2011-06-20
BR-618-24H 24h awareness from 2019-07-02
BR-618-10D 10d investigation_opened @BR|BR=wd ? from 2019-07-02
BR-618-2D 2wd recall_decided @BR from 2019-07-02
BR-ANPD 3wd awareness @BR from 2024-04-26
BR-ANPD-S 3wd awareness @BR from 2024-04-26
BR-ECA - receipt ? from 2026-03-01
BR-MCI - receipt from 2025-06-26
BR-MCI-G - receipt from 2025-06-26
"""
BRITAIN_AND_AUSTRALIA = """
UK-GPSR-9 - awareness from 2005-10-01
UK-GPSR-9-3D 3d awareness @GB-ENG ? from 2005-10-01
UK-GPSR-9-10D 10d awareness @GB-ENG ? from 2005-10-01
UK-OSA-10 - own_awareness from 2025-03-17
UK-OSA-10-3A 48h receipt ? from never
UK-GDPR-33 72h awareness from 2021-01-01
AU-OSA-77 24h receipt from 2022-01-23
AU-OSA-65-48H 48h receipt from 2022-01-23
AU-OSA-65-24H 24h receipt from 2022-01-23
AU-OSA-88-48H 48h receipt from 2022-01-23
AU-OSA-88-24H 24h receipt from 2022-01-23
AU-OSA-109 24h receipt from 2022-01-23
AU-ACL-131 2d awareness @AU-NSW+roll from 2011-01-01
AU-ACL-128 2d recall_action_taken @AU-NSW+roll from 2011-01-01
AU-NDB 30d awareness @AU-NSW from 2018-02-22
AU-NDB-N - breach_assessed from 2018-02-22
"""
ASIA = """
IN-ITR-3-1-d 36h receipt from 2021-02-25 to 2026-02-19
IN-ITR-3-1-d 3h receipt from 2026-02-20
IN-ITR-3-2-b 24h receipt from 2021-02-25 to 2026-02-19
IN-ITR-3-2-b 2h receipt from 2026-02-20
IN-ITR-3-2-a-24H 24h receipt ? from 2021-02-25
IN-ITR-3-2-a 15d receipt @IN from 2021-02-25 to 2026-02-19
IN-ITR-3-2-a 7d receipt @IN from 2026-02-20
IN-ITR-3-2-a-36H 72h receipt from 2021-02-25 to 2026-02-19
IN-ITR-3-2-a-36H 36h receipt from 2026-02-20
IN-ITR-3-1-j 72h receipt from 2021-02-25
IN-ECOM-4-48H 48h receipt from 2020-07-23
IN-ECOM-4-1M 1m receipt @IN from 2020-07-23
IN-CERT 6h awareness from 2022-06-27
IN-DPDP 72h awareness ? from 2027-05-14
IN-DPDP-N - awareness ? from 2027-05-14
IN-DPDP-S - awareness ? from 2027-05-14
ID-MR5-24H 24h receipt from 2020-11-24
ID-MR5-4H 4h receipt from 2020-11-24
ID-PDP-S 72h awareness from 2024-10-17
ID-PDP-A 72h awareness from 2024-10-17
VN-147 24h receipt ? from 2024-12-25
VN-ECOM - receipt ? from 2026-07-01
VN-ECOM-ID always intake from 2026-07-01
SG-PDPA 3d breach_assessed @SG from 2021-02-01
SG-PDPA-S - breach_assessed from 2021-02-01
SG-OCHA order receipt ? from 2024-02-01
JP-CPSA 10d awareness @JP from 2007-05-14
JP-CPSA-D - receipt from 2025-12-25
JP-IDPA 7d receipt @JP ? from 2025-04-01
JP-IDPA-P 7-8d poster_asked @JP ? from 2025-04-01
JP-IDPA-E 2-3d poster_asked @JP ? from 2025-04-01
JP-APPI-3D 3d awareness @JP|JP=5d ? from 2022-04-01
JP-APPI-30D 30d awareness @JP from 2022-04-01
JP-APPI-60D 60d awareness @JP from 2022-04-01
KR-PIPA 72h awareness ? from 2023-09-15
KR-PIPA-R 72h awareness ? from 2023-09-15
KR-NET - receipt from 2007-07-27
KR-NET-30D 30d containment @KR from 2007-07-27
KR-PSFA - awareness ? from 2011-02-05
CN-ECL-43 15-16d non_infringement_stated @CN ? from 2019-01-01
CN-RECALL 24h receipt ? from 2025-12-01
CN-CYB-4H 4h awareness ? from 2025-11-01
CN-CYB-1H 1h awareness ? from 2025-11-01
PH-ITA order receipt ? from 2025-06-20
"""
HOUSE = """
ORDER-DATE-ACT order receipt from 2000-01-01
ORDER-DATE-TELL order receipt from 2000-01-01
HOUSE-RECALL-DELIST - intake from 2026-01-01
HOUSE-NCII - receipt from 2026-01-01
HOUSE-BUYERS - containment from 2026-01-01
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One line of the table."""

    rule: str
    period: str
    start: str
    counted: str
    unsettled: bool
    paused: bool
    idle: bool
    since: str
    until: str


def _clause(line: str) -> Clause:
    rule, period, start, *more = line.split()
    return Clause(
        rule=rule,
        period=period,
        start=start,
        counted=next((word[1:] for word in more if word.startswith("@")), ""),
        unsettled="?" in more,
        paused="paused" in more,
        idle="idle" in more,
        since=more[more.index("from") + 1],
        until=more[more.index("to") + 1] if "to" in more else "",
    )


CLAUSES = tuple(
    _clause(line) for table in (EU, AMERICA, BRITAIN_AND_AUSTRALIA, ASIA, HOUSE) for line in table.strip().splitlines()
)
