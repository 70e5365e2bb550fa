"""Does the stand-in of the DSA Transparency Database answer as the database's code does?"""

from typing import Any

import pytest

from standins import journal, serve

from .conftest import Client

STATEMENT: dict[str, Any] = {
    "puid": "ESC-1-L-1-1",
    "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"],
    "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
    "illegal_content_legal_ground": "Regulation (EU) 2023/988",
    "illegal_content_explanation": "The product is dangerous.",
    "content_type": ["CONTENT_TYPE_PRODUCT"],
    "category": "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
    "category_specification": ["KEYWORD_UNSAFE_PRODUCTS"],
    "territorial_scope": ["FR", "DE", "DE"],
    "content_language": "EN",
    "content_date": "2026-11-01",
    "application_date": "2026-11-20",
    "decision_facts": "An authority ordered the removal.",
    "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION",
    "automated_detection": "No",
    "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
    "content_id": {"EAN-13": "9521100200110"},
}


def _with(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**STATEMENT, **changes}.items() if value is not ...}


async def test_a_statement_is_stored_and_read_back_without_its_puid(client: Client) -> None:
    regulator = client("regulator")

    stored = await regulator.post("/api/v1/statement", json=STATEMENT)
    read = await regulator.get(f"/api/v1/statement/{stored.json()['uuid']}")

    assert stored.status_code == 201
    assert stored.json()["puid"] == STATEMENT["puid"]
    assert stored.json()["territorial_scope"] == ["DE", "FR"]
    assert "puid" not in read.json()
    assert read.json()["decision_facts"] == STATEMENT["decision_facts"]


async def test_a_puid_that_exists_is_answered_with_302_and_json_and_no_location(client: Client) -> None:
    regulator = client("regulator")
    await regulator.post("/api/v1/statement", json=STATEMENT)

    found = await regulator.get(f"/api/v1/statement/existing-puid/{STATEMENT['puid']}")
    missing = await regulator.get("/api/v1/statement/existing-puid/other")

    assert (found.status_code, found.json()["message"]) == (302, "statement of reason found")
    assert "location" not in found.headers
    assert (missing.status_code, missing.json()["message"]) == (404, "statement of reason not found")


async def test_the_same_puid_twice_is_422_and_stored_once(client: Client, far_side: serve.Running) -> None:
    regulator = client("regulator")
    await regulator.post("/api/v1/statement", json=STATEMENT)

    again = await regulator.post("/api/v1/statement", json=STATEMENT)

    assert again.status_code == 422
    assert again.json()["existing"] == {"puid": STATEMENT["puid"]}
    assert journal.effects(far_side.folder, "regulator") == [("statement", STATEMENT["puid"], "")]


async def test_a_batch_is_stored_whole_or_not_at_all(client: Client, far_side: serve.Running) -> None:
    regulator = client("regulator")
    good, bad = _with(puid="a"), _with(puid="b", category="NONSENSE")

    refused = await regulator.post("/api/v1/statements", json={"statements": [good, bad]})
    nothing = await regulator.get("/api/v1/statement/existing-puid/a")
    taken = await regulator.post("/api/v1/statements", json={"statements": [good, _with(puid="b")]})

    assert refused.status_code == 422
    assert refused.json() == {"errors": {"statement_1": {"category": ["The selected category is invalid."]}}}
    assert nothing.status_code == 404
    assert [each["puid"] for each in taken.json()["statements"]] == ["a", "b"]
    assert [key for _, key, _ in journal.effects(far_side.folder, "regulator")] == ["a", "b"]


@pytest.mark.parametrize("stored_before", [True, False], ids=["already stored", "doubled within the call"])
async def test_a_batch_names_the_puids_that_are_not_unique(client: Client, stored_before: bool) -> None:
    regulator = client("regulator")
    if stored_before:
        await regulator.post("/api/v1/statement", json=STATEMENT)

    answer = await regulator.post("/api/v1/statements", json={"statements": [STATEMENT] * (1 if stored_before else 2)})

    assert answer.status_code == 422
    assert answer.json()["errors"]["existing_puids"] == [STATEMENT["puid"]]
    assert "not all unique" in answer.json()["message"]


@pytest.mark.parametrize("body", [{}, {"statements": []}, {"statements": "x"}, {"statements": [STATEMENT] * 101}, [1]])
async def test_an_envelope_that_is_not_1_to_100_statements_is_refused(asking: Client, body: Any) -> None:
    answer = await asking("regulator").post("/api/v1/statements", json=body)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["statements"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"puid": ...}, "puid"),
        ({"puid": " "}, "puid"),
        ({"puid": "with space"}, "puid"),
        ({"puid": "x" * 501}, "puid"),
        ({"puid": 7}, "puid"),
        ({"decision_visibility": ...}, "decision_visibility"),
        ({"decision_visibility": "DECISION_VISIBILITY_CONTENT_DISABLED"}, "decision_visibility"),
        ({"decision_visibility": ["DECISION_VISIBILITY_OTHER"]}, "decision_visibility_other"),
        ({"decision_monetary": "DECISION_MONETARY_OTHER"}, "decision_monetary_other"),
        ({"decision_ground": "OTHER"}, "decision_ground"),
        ({"illegal_content_legal_ground": ...}, "illegal_content_legal_ground"),
        ({"illegal_content_explanation": "x" * 2001}, "illegal_content_explanation"),
        ({"decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT"}, "incompatible_content_ground"),
        ({"content_type": []}, "content_type"),
        ({"category_addition": ["x"]}, "category_addition"),
        ({"category_specification": ["KEYWORD_UNKNOWN"]}, "category_specification"),
        ({"territorial_scope": ["EL"]}, "territorial_scope"),
        ({"content_language": "GR"}, "content_language"),
        ({"content_date": ...}, "content_date"),
        ({"content_date": "2026-11-31"}, "content_date"),
        ({"content_date": "20261101"}, "content_date"),
        ({"content_date": "1999-12-31"}, "content_date"),
        ({"application_date": "2019-12-31"}, "application_date"),
        ({"end_date_visibility_restriction": "2038-01-02"}, "end_date_visibility_restriction"),
        ({"decision_facts": "x" * 5001}, "decision_facts"),
        ({"source_type": ...}, "source_type"),
        ({"automated_detection": True}, "automated_detection"),
        ({"automated_decision": "Yes"}, "automated_decision"),
        ({"content_id": {"EAN-13": "123"}}, "content_id"),
        ({"content_id": {"ISBN": "9521100200110"}}, "content_id"),
        ({"decision_ground_reference_url": "nowhere"}, "decision_ground_reference_url"),
    ],
    ids=str,
)
async def test_a_statement_that_breaks_a_rule_is_refused_by_field(
    asking: Client, changes: dict[str, Any], field: str
) -> None:
    answer = await asking("regulator").post("/api/v1/statement", json=_with(**changes))

    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert answer.json()["message"].startswith("The ")


@pytest.mark.parametrize(
    "changes",
    [
        {"territorial_scope": ...},
        {"content_language": "EL"},
        {"account_type": "null"},
        {"end_date_visibility_restriction": "2020-01-01"},
        {"decision_visibility": ..., "decision_account": "DECISION_ACCOUNT_SUSPENDED"},
        {"source_type": "SOURCE_VOLUNTARY", "source_identity": "dropped"},
    ],
    ids=str,
)
async def test_what_the_code_takes_is_taken_whatever_the_documentation_says(
    client: Client, changes: dict[str, Any]
) -> None:
    answer = await client("regulator").post("/api/v1/statement", json=_with(**changes))

    assert answer.status_code == 201
    assert answer.json()["source_identity"] is None
    assert answer.json()["account_type"] is None


async def test_the_summary_counts_the_other_errors(asking: Client) -> None:
    answer = await asking("regulator").post("/api/v1/statement", json=_with(puid=..., category=...))

    assert answer.json()["message"] == "The puid field is required. (and 1 more error)"


async def test_a_stranger_who_asks_for_json_gets_401_and_another_the_login_page(asking: Client) -> None:
    regulator = asking("regulator")

    as_program = await regulator.post("/api/v1/statement", json=STATEMENT, headers={"Authorization": "Bearer x"})
    as_browser = await regulator.post(
        "/api/v1/statement", json=STATEMENT, headers={"Authorization": "Bearer x", "Accept": "text/html"}
    )

    assert (as_program.status_code, as_program.json()) == (401, {"message": "Unauthenticated."})
    assert (as_browser.status_code, as_browser.headers["location"]) == (302, "/login")


async def test_too_many_requests_are_answered_in_plain_text(client: Client, far_side: serve.Running) -> None:
    far_side.script("regulator", [{"id": "busy", "op": "statement", "kind": "429", "retry_after": 3}])

    answer = await client("regulator").post("/api/v1/statement", json=STATEMENT)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")
    assert answer.text.startswith("Limit Reached")
