"""Which report starts which clock outside the EU, and when is it due? One line for each rule and version."""

from tests.domain.clock_cases import BREACH, HIDDEN, S3, Case, psafe

US_SUMMER_ENDS = "2026-11-01T02:15Z"
AU_SUMMER_BEGINS = "2026-10-03T10:00Z"
SATURDAY = "2026-11-07T10:00Z"


def at(place, rule, start, due, domain="PSAFE", **more):
    if domain == "PSAFE":
        return psafe(rule, start, due, place=place, **more)
    return Case(rule=rule, at=start, due=due, domain=domain, place=place, **more)


COPYRIGHT = ("copyright",)
CSAM = ("csam",)
US = (
    at("US", "US-INF-a1", "2026-10-22T15:00Z", "2026-11-02T04:59:59Z", "IDV", event="qualified_high_volume"),
    at("US", "US-INF-a1-3BD", "2026-11-25T15:00Z", "2026-12-02T04:59:59Z", "IDV", event="bank_data_requested"),
    at("US", "US-INF-a2", "2026-12-22T15:00Z", "2027-01-02T04:59:59Z", "IDV", event="information_received"),
    at("US", "US-INF-a1C", "2027-03-04T15:00Z", "2027-03-15T03:59:59Z", "IDV", event="missing_information_notified"),
    at(
        "US",
        "US-INF-b-10D",
        "2026-07-04T01:30Z",
        "2026-07-14T03:59:59Z",
        "IDV",
        event="false_disclosure_notified",
        marks=("disclosing_seller",),
    ),
    at("US", "US-CPSA-15b", "2026-11-20T22:00Z", "2026-11-23T22:00Z"),
    at("US", "US-CPSA-15b-10D", "2026-12-24T09:05Z", "2027-01-12T04:59:59Z", marks=("reportability_unclear",)),
    at("US", "US-DMCA-c", US_SUMMER_ENDS, "2026-11-02T02:15Z", "IPR", kind="notice", marks=COPYRIGHT),
    at("US", "US-DMCA-c-T", US_SUMMER_ENDS, "2026-11-02T02:15Z", "IPR", kind="notice", marks=COPYRIGHT, act=HIDDEN),
    at("US", "US-DMCA-g-COPY", "2026-11-20T15:00Z", "2026-11-21T15:00Z", "IPR", kind="counter_notice", marks=COPYRIGHT),
    at(
        "US",
        "US-DMCA-g",
        "2026-11-20T15:00Z",
        "2026-12-12T04:59:59Z",
        "IPR",
        kind="counter_notice",
        marks=COPYRIGHT,
        opens="2026-12-07",
    ),
    at("US", "US-CSAM", "2026-11-01T05:32Z", "2026-11-01T09:32Z", "MINOR", marks=CSAM),
    at("US", "US-CSAM-1Y", "2026-11-01T05:32Z", "2027-11-02T03:59:59Z", "MINOR", marks=CSAM),
    at("US", "US-TIDA", US_SUMMER_ENDS, "2026-11-03T02:15Z", "NCII", kind="notice", basis="TAKE IT DOWN Act s. 3"),
    at("US", "US-SCA-E", US_SUMMER_ENDS, "2026-11-01T04:15Z", "LERQ", kind="request", marks=("emergency_request",)),
    at(
        "US",
        "US-SCA-F",
        "2026-10-01T15:00Z",
        "2026-12-31T04:59:59Z",
        "LERQ",
        kind="request",
        marks=("preservation_order",),
    ),
    at("US", "US-SAR", "2026-10-16T15:00Z", "2026-11-16T04:59:59Z", "PAYAML", event="suspicion_detected"),
    at(
        "US",
        "US-SAR-60D",
        "2026-10-16T15:00Z",
        "2026-12-16T04:59:59Z",
        "PAYAML",
        event="suspicion_detected",
        marks=("suspect_unknown",),
    ),
    at(
        "US",
        "US-OFAC",
        "2026-11-06T15:00Z",
        "2026-11-24T04:59:59Z",
        "PAYAML",
        event="property_blocked",
        marks=("sanctions_match",),
    ),
    at(
        "US",
        "US-OFAC-R",
        "2026-12-23T15:00Z",
        "2027-01-09T04:59:59Z",
        "PAYAML",
        event="transaction_rejected",
        marks=("sanctions_match",),
    ),
    at("CA", "CA-CCPSA-14-2", "2026-12-24T15:00Z", "2026-12-27T04:59:59Z"),
    at(
        "CA",
        "CA-CCPSA-14-3",
        "2026-12-15T15:00Z",
        "2026-12-26T04:59:59Z",
        marks=("manufacturer_role",),
        latest="2026-12-27T04:59:59Z",
    ),
)
NEVER = ""
GB_AU = (
    at("GB", "UK-GPSR-9", "2026-10-24T22:00Z", "2026-10-25T22:00Z"),
    at("GB", "UK-GPSR-9-3D", "2026-10-23T10:00Z", "2026-10-26T23:59:59Z", told={"serious_injuries": 1}),
    at("GB", "UK-GPSR-9-10D", "2026-12-16T10:00Z", "2026-12-26T23:59:59Z"),
    at("GB", "UK-OSA-10", "2026-10-24T22:00Z", "2026-10-25T22:00Z", "ILLEG"),
    at("GB", "UK-OSA-10-3A", US_SUMMER_ENDS, NEVER, "NCII", kind="notice"),
    at("GB", "UK-GDPR-33", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH),
    at(
        "AU",
        "AU-OSA-77",
        "2026-11-01T03:00Z",
        "2026-11-02T03:00Z",
        "NCII",
        kind="authority_order",
        basis="Online Safety Act 2021 s. 77",
    ),
    at(
        "AU",
        "AU-OSA-65-48H",
        AU_SUMMER_BEGINS,
        "2026-10-05T10:00Z",
        "MINOR",
        kind="complaint",
        marks=("child_bullied",),
    ),
    at(
        "AU",
        "AU-OSA-65-24H",
        AU_SUMMER_BEGINS,
        "2026-10-04T10:00Z",
        "MINOR",
        kind="authority_order",
        basis="Online Safety Act 2021 s.65",
    ),
    at(
        "AU", "AU-OSA-88-48H", AU_SUMMER_BEGINS, "2026-10-05T10:00Z", "ILLEG", kind="complaint", marks=("adult_abused",)
    ),
    at(
        "AU",
        "AU-OSA-88-24H",
        AU_SUMMER_BEGINS,
        "2026-10-04T10:00Z",
        "ILLEG",
        kind="authority_order",
        basis="Online Safety Act 2021 s.88",
    ),
    at(
        "AU",
        "AU-OSA-109",
        AU_SUMMER_BEGINS,
        "2026-10-04T10:00Z",
        "TVEC",
        kind="authority_order",
        basis="Online Safety Act 2021 s.109",
    ),
    at("AU", "AU-ACL-131", "2026-12-24T09:05Z", "2026-12-29T12:59:59Z", told={"serious_injuries": 1}),
    at("AU", "AU-ACL-128", "2026-10-01T02:00Z", "2026-10-06T12:59:59Z", event="recall_action_taken"),
    at("AU", "AU-NDB", "2026-09-10T02:00Z", "2026-10-10T12:59:59Z", "PRIV", marks=BREACH),
    at("AU", "AU-NDB-N", AU_SUMMER_BEGINS, "2026-10-06T10:00Z", "PRIV", marks=BREACH, event="breach_assessed"),
)
COMPLAINT = "2026-11-01T04:10Z"
OLD = "2026-02-15T10:00Z"
INTIMATE = ("intimate_image",)
SPECIFIED = ("specified_grievance",)
INDIA = (
    at("IN", "IN-ITR-3-1-d", OLD, "2026-02-16T22:00Z", "ILLEG", kind="authority_order"),
    at("IN", "IN-ITR-3-1-d", SATURDAY, "2026-11-07T13:00Z", "ILLEG", kind="authority_order", version=2),
    at("IN", "IN-ITR-3-2-b", OLD, "2026-02-16T10:00Z", "ILLEG", kind="complaint", marks=INTIMATE),
    at("IN", "IN-ITR-3-2-b", COMPLAINT, "2026-11-01T06:10Z", "NCII", kind="complaint", version=2),
    at("IN", "IN-ITR-3-2-a-24H", COMPLAINT, "2026-11-02T04:10Z", "NCII", kind="complaint"),
    at("IN", "IN-ITR-3-2-a", "2026-01-05T10:00Z", "2026-01-20T18:29:59Z", "ILLEG", kind="complaint"),
    at("IN", "IN-ITR-3-2-a", COMPLAINT, "2026-11-08T18:29:59Z", "ILLEG", kind="complaint", version=2),
    at("IN", "IN-ITR-3-2-a-36H", OLD, "2026-02-18T10:00Z", "ILLEG", kind="complaint", marks=SPECIFIED),
    at("IN", "IN-ITR-3-2-a-36H", COMPLAINT, "2026-11-02T16:10Z", "ILLEG", kind="complaint", marks=SPECIFIED, version=2),
    at("IN", "IN-ITR-3-1-j", COMPLAINT, "2026-11-04T04:10Z", "LERQ", kind="request"),
    at("IN", "IN-ECOM-4-48H", COMPLAINT, "2026-11-03T04:10Z", "FRAUD", kind="complaint"),
    at("IN", "IN-ECOM-4-1M", "2026-01-31T10:00Z", "2026-02-28T18:29:59Z", "FRAUD", kind="complaint"),
    at("IN", "IN-CERT", S3, "2026-10-23T20:20Z", "PRIV", marks=BREACH),
    at("IN", "IN-DPDP", "2027-05-15T14:20Z", "2027-05-18T14:20Z", "PRIV", marks=BREACH),
    at("IN", "IN-DPDP-N", "2027-05-15T14:20Z", "2027-05-16T14:20Z", "PRIV", marks=BREACH),
    at("IN", "IN-DPDP-S", "2027-05-15T14:20Z", "2027-05-17T14:20Z", "PRIV", marks=BREACH),
)
ASIA = (
    at("ID", "ID-MR5-24H", SATURDAY, "2026-11-08T10:00Z", "ILLEG", kind="authority_order"),
    at("ID", "ID-MR5-4H", SATURDAY, "2026-11-07T14:00Z", "TVEC", kind="authority_order", marks=("urgent_request",)),
    at("ID", "ID-PDP-S", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH),
    at("ID", "ID-PDP-A", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH),
    at("VN", "VN-147", SATURDAY, "2026-11-08T10:00Z", "ILLEG", kind="authority_order"),
    at("VN", "VN-ECOM", SATURDAY, "2026-11-07T22:00Z", "PROHIB", kind="authority_order"),
    at(
        "SG",
        "SG-PDPA",
        "2026-10-24T03:00Z",
        "2026-10-27T15:59:59Z",
        "PRIV",
        marks=BREACH,
        told={"people_affected": 612},
        event="breach_assessed",
    ),
    at(
        "SG",
        "SG-PDPA-S",
        "2026-10-24T03:00Z",
        "2026-10-28T03:00Z",
        "PRIV",
        marks=(*BREACH, "sensitive_data"),
        event="breach_assessed",
    ),
    at("SG", "SG-OCHA", SATURDAY, "2026-11-07T16:00Z", "ILLEG", kind="authority_order", ordered="2026-11-07T16:00Z"),
    at("JP", "JP-CPSA", "2026-12-22T16:00Z", "2027-01-02T14:59:59Z", marks=("manufacturer_role",), told={"deaths": 1}),
    at("JP", "JP-CPSA-D", SATURDAY, "2026-11-09T10:00Z", kind="authority_order"),
    at("JP", "JP-IDPA", "2026-09-15T03:00Z", "2026-09-22T14:59:59Z", "ILLEG", kind="request"),
    at(
        "JP",
        "JP-IDPA-P",
        "2026-09-15T03:00Z",
        "2026-09-23T14:59:59Z",
        "ILLEG",
        event="poster_asked",
        opens="2026-09-22",
    ),
    at(
        "JP",
        "JP-IDPA-E",
        "2026-09-15T03:00Z",
        "2026-09-18T14:59:59Z",
        "ILLEG",
        event="poster_asked",
        marks=("election_period",),
        opens="2026-09-17",
    ),
    at("JP", "JP-APPI-3D", S3, "2026-10-26T14:59:59Z", "PRIV", marks=BREACH),
    at("JP", "JP-APPI-30D", S3, "2026-11-22T14:59:59Z", "PRIV", marks=BREACH),
    at("JP", "JP-APPI-60D", S3, "2026-12-22T14:59:59Z", "PRIV", marks=(*BREACH, "outside_intrusion")),
    at("KR", "KR-PIPA", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH),
    at("KR", "KR-PIPA-R", S3, "2026-10-26T14:20Z", "PRIV", marks=BREACH, told={"people_affected": 1150}),
    at("KR", "KR-NET", SATURDAY, "2026-11-08T10:00Z", "ILLEG", kind="request"),
    at("KR", "KR-NET-30D", "2026-09-24T03:00Z", "2026-10-24T14:59:59Z", "ILLEG", kind="request", act=HIDDEN),
    at("KR", "KR-PSFA", SATURDAY, "2026-11-08T10:00Z", told={"deaths": 1}),
    at(
        "CN",
        "CN-ECL-43",
        "2026-09-25T03:00Z",
        "2026-10-11T15:59:59Z",
        "IPR",
        event="non_infringement_stated",
        opens="2026-10-10",
    ),
    at("CN", "CN-RECALL", SATURDAY, "2026-11-08T10:00Z", kind="recall_notice"),
    at("CN", "CN-CYB-4H", SATURDAY, "2026-11-07T14:00Z", "INTEG", marks=("significant_incident",)),
    at("CN", "CN-CYB-1H", SATURDAY, "2026-11-07T11:00Z", "INTEG", marks=("significant_incident", "major_incident")),
    at("PH", "PH-ITA", SATURDAY, "2026-11-09T16:00Z", "FRAUD", kind="authority_order", ordered="2026-11-09T16:00Z"),
)
BRAZIL_DE = (
    at("BR", "BR-618-24H", SATURDAY, "2026-11-08T10:00Z"),
    at("BR", "BR-618-10D", "2026-10-30T13:00Z", "2026-11-10T02:59:59Z", event="investigation_opened"),
    at("BR", "BR-618-2D", "2026-10-30T13:00Z", "2026-11-05T02:59:59Z", event="recall_decided"),
    at("BR", "BR-ANPD", S3, "2026-10-29T02:59:59Z", "PRIV", marks=BREACH),
    at("BR", "BR-ANPD-S", S3, "2026-10-29T02:59:59Z", "PRIV", marks=BREACH),
    at("BR", "BR-ECA", SATURDAY, "2026-11-07T12:00Z", "MINOR", kind="notice"),
    at("BR", "BR-MCI", SATURDAY, "2026-11-09T10:00Z", "ILLEG", kind="notice"),
    at("BR", "BR-MCI-G", SATURDAY, "2026-11-07T14:00Z", "TVEC", kind="notice", marks=("terrorist_content",)),
    at("DE", "DE-NAT", SATURDAY, "2026-11-09T16:00Z", "NCII", kind="authority_order", ordered="2026-11-09T16:00Z"),
)
CASES = (*US, *GB_AU, *INDIA, *ASIA, *BRAZIL_DE)
