"""Is nobody's data left in a redacted history, and does it still replay?"""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent

from activities import asked
from escalations import personal
from escalations.personal import TABLE
from replay import clear_text, histories, payload_types, reading, redaction, reliving, replacement
from replay.check import Verdict, check
from replay.histories import Recorded
from replay.payload_types import Types
from replay.redaction import Bench
from replay.substitutes import Substitutes
from starter.errors import Problem
from starter.keyring import KeyRing, fresh
from starter.sealing import data_converter, unseal
from tests.replay import corpus
from tests.replay.opened import everything_said

FILES = histories.files([corpus.HISTORIES]) if corpus.HISTORIES.is_dir() else []
CANARY = "Wilhelmina Quackenbush, 14 Elm Row"


def types() -> Types:
    return payload_types.defined(reading.workflows(), payload_types.our_hands())


def bench() -> Bench:
    return Bench(workflows=reading.workflows(), types=types(), converter=data_converter(corpus.ring()), ring=fresh())


async def redacted(run: Recorded, held: Bench) -> Recorded:
    await redaction.learn(run, held)
    return await redaction.redact(run, held)


@pytest.mark.parametrize("path", FILES, ids=[path.name.split(".")[0] for path in FILES])
async def test_a_recorded_case_is_lived_the_same_way_when_redacted(path: Path) -> None:
    held = bench()

    made = await redacted(histories.of_file(path), held)

    [checked] = [each async for each in check([made], workflows=held.workflows, converter=held.sealer)]
    assert checked.verdict == Verdict.SAME
    assert len(made.events) == len(histories.of_file(path).events)


async def test_every_answer_proves_the_question_as_it_is_now() -> None:
    held = bench()
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")

    made = await redacted(run, held)

    tape = await reliving.tape(made, held.living, held.sealer)
    questions = {seq: asked.of_json(arguments[0]) for seq, arguments in reliving.questions(tape)}
    proofs = [await proofs_of(each, ring) for each, ring in ((run, corpus.ring()), (made, held.ring))]
    assert len(proofs[1]) > 10
    assert proofs[1] == {seq: questions[seq] for seq in proofs[1]}
    assert proofs[0] != proofs[1]


async def proofs_of(run: Recorded, ring: KeyRing) -> dict[int, str]:
    """Read what the answers of local activities say they were asked."""
    found = {}
    for event in run.events:
        details = event.marker_recorded_event_attributes.details
        if "result" in details:
            answer = json.loads(unseal(details["result"].payloads[0], ring, "default").data)
            found[json.loads(details["data"].payloads[0].data)["seq"]] = answer["asked"]
    return found


async def test_a_digest_of_replaced_words_is_the_digest_of_the_new_ones() -> None:
    """The question of the response is bound to the digest of the notices; the case compares it when asked again."""
    held = bench()

    made = await redacted(histories.of_file(corpus.HISTORIES / "ordinary.json.gz"), held)

    tape = await reliving.tape(made, held.living, held.sealer)
    requests = [arguments[0] for _, arguments in reliving.questions(tape) if "kind" in arguments[0]]
    said = await everything_said(made, held.ring)
    assert len(requests) == 3
    for request in requests:
        assert said.count(request["digest"]) >= 2


async def test_names_of_people_and_products_are_gone_and_codes_times_and_digests_stay() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    before = await everything_said(run, corpus.ring())
    held = bench()

    after = await everything_said(await redacted(run, held), held.ring)

    for word in ("leo.legal", "sam.safety", "Ceramic Tower Heater", "Hearthlow", "HL-TH15", "can overheat"):
        assert word in before
        assert word not in after
    for word in (run.workflow_id, "psafe/1", "DSA art. 17", '"LEG"', "CONTENT_DISABLED", "recall_notice", "US-CPSC"):
        assert (word in before) == (word in after)


async def test_a_history_that_differs_from_the_code_differs_as_much_when_redacted() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    timer = next(event for event in run.events if event.HasField("timer_started_event_attributes"))
    timer.timer_started_event_attributes.start_to_fire_timeout.FromSeconds(7)
    held = bench()

    made = await redacted(run, held)

    [checked] = [each async for each in check([made], workflows=held.workflows, converter=held.sealer)]
    assert checked.verdict == Verdict.DIFFERS
    assert [each.event_id for each in checked.differences] == [timer.event_id]


async def test_a_run_sealed_with_another_key_is_refused() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    other = Bench(workflows=reading.workflows(), types=types(), converter=data_converter(fresh()), ring=fresh())

    with pytest.raises(Problem) as refused:
        await redacted(run, other)

    assert (refused.value.code, refused.value.exit_code) == ("unreadable", 1)


def _types_of(hint: Any, seen: dict[str, Any]) -> dict[str, Any]:
    if is_dataclass(hint) and isinstance(hint, type):
        assert seen.get(hint.__name__, hint) is hint, f"two types are named {hint.__name__}; the table goes by names"
    if is_dataclass(hint) and isinstance(hint, type) and hint.__name__ not in seen:
        seen[hint.__name__] = hint
        for inner in get_type_hints(hint).values():
            _types_of(inner, seen)
    for inner in get_args(hint):
        _types_of(inner, seen)
    return seen


def crossing() -> dict[str, Any]:
    """Every type that crosses a boundary of Temporal, by name."""
    seen: dict[str, Any] = {}
    known = types()
    for definition in known.workflows.values():
        for hint in (*(definition.arg_types or ()), definition.ret_type):
            _types_of(hint, seen)
        for update in definition.updates.values():
            for hint in (*(update.arg_types or ()), update.ret_type):
                _types_of(hint, seen)
    for activity in known.activities.values():
        for hint in (*(activity.arg_types or ()), activity.ret_type):
            _types_of(hint, seen)
    return seen


TYPES = crossing()


@pytest.mark.parametrize("name", sorted(TYPES))
def test_a_canary_in_any_text_of_a_message_is_gone(name: str) -> None:
    """Codes, roles and places too: where a code is expected, a sentence is none."""
    filled = _filled(TYPES[name])
    substitutes = Substitutes()
    walk = replacement.Walk(replacement.Unnamed(substitutes))
    assert CANARY in json.dumps(filled) or not list(_texts(TYPES[name]))

    substitutes.of(CANARY)
    after = walk.value(filled, TYPES[name], "", "")

    assert "Quackenbush" not in json.dumps(after)


def _filled(hint: Any) -> Any:
    """Build the JSON of a type with the canary in each of its texts."""
    hint = replacement.present(hint)
    if is_dataclass(hint):
        return {name: _filled(inner) for name, inner in get_type_hints(hint).items()}
    arguments = get_args(hint)
    if arguments and getattr(hint, "__origin__", None) is dict:
        return {CANARY: _filled(arguments[1])}
    if arguments:
        return [_filled(inner) for inner in arguments if inner is not Ellipsis]
    return CANARY if hint is str else None


def _texts(hint: Any) -> Iterator[str]:
    if hint is str:
        yield "text"
    for inner in (*get_args(hint), *(get_type_hints(hint).values() if is_dataclass(hint) else ())):
        yield from _texts(inner)


def test_the_table_names_fields_that_exist() -> None:
    known = {(name, field.name) for name, each in TYPES.items() for field in fields(each)}
    known |= {("Reasons", name) for name, _ in TABLE if name == "Reasons" for name in _reasons()}

    assert set(TABLE) <= known


def _reasons() -> list[str]:
    from escalations.notices import Reasons

    return [field.name for field in fields(Reasons)]


@pytest.mark.parametrize(
    ("kind", "text", "stays"),
    [
        (personal.Kind.CODE, "psafe/1", True),
        (personal.Kind.CODE, "Mr Smith", False),
        (personal.Kind.CODE, "smith@example.org", False),
        (personal.Kind.ROLE, "PSAF", True),
        (personal.Kind.ROLE, "seawall", True),
        (personal.Kind.ROLE, "ana.ic", False),
        (personal.Kind.PLACE, "US-CA", True),
        (personal.Kind.PLACE, "Springfield", False),
        (personal.Kind.FACT, "deaths", True),
        (personal.Kind.FACT, "12", True),
        (personal.Kind.FACT, "she died", False),
        (personal.Kind.PERSONAL, "2026-11-30T10:00:00Z", True),
        (personal.Kind.PERSONAL, "ok", False),
    ],
)
def test_what_stays_and_what_is_replaced(kind: personal.Kind, text: str, stays: bool) -> None:
    assert personal.kept(kind, text) is stays


def test_a_substitute_has_the_shape_of_its_text_and_no_other_text_has_it() -> None:
    given = Substitutes()

    made = given.of("Ana-Maria O'Neill, born 1978-03")

    assert made != "Ana-Maria O'Neill, born 1978-03"
    assert [sign.isalpha() for sign in made] == [sign.isalpha() for sign in "Ana-Maria O'Neill, born 1978-03"]
    assert [sign.isupper() for sign in made] == [sign.isupper() for sign in "Ana-Maria O'Neill, born 1978-03"]
    assert given.of("https://shop.example/x").startswith("https://")
    short = [given.of(f"{first}{second}") for first in "abcdefghij" for second in "abcdefghij"]
    assert len(set(short)) == 100
    assert given.of("ORDER-1").casefold() == given.of("order-1").casefold()
    assert given.of(" …- ") == " …- "


def test_a_sentence_of_ours_keeps_its_words_and_loses_what_it_quotes() -> None:
    given = Substitutes()
    secret = given.of("Landesamt Nordmark")

    assert given.within("binding: order X-1 (Landesamt Nordmark)") == f"binding: order X-1 ({secret})"


def _texts_in_clear(descriptor: Any, seen: dict[str, set[str]]) -> dict[str, set[str]]:
    """List the text fields of every message that an event may hold, by message."""
    if descriptor.full_name not in seen and descriptor.full_name != Payload.DESCRIPTOR.full_name:
        seen[descriptor.full_name] = {
            each.name for each in descriptor.fields if each.type == each.TYPE_STRING and not _entry(descriptor)
        }
        for each in descriptor.fields:
            if each.message_type is not None:
                _texts_in_clear(each.message_type, seen)
    return seen


def _entry(descriptor: Any) -> bool:
    return bool(descriptor.GetOptions().map_entry)


def test_every_text_that_stands_in_clear_in_an_event_is_decided_upon() -> None:
    """A new release of Temporal may bring a field: it is replaced, until somebody has decided that it may stay."""
    fields_of = _texts_in_clear(HistoryEvent.DESCRIPTOR, {})
    known = clear_text.KEPT | clear_text.BLANKED | clear_text.REPLACED | clear_text.JUDGED

    undecided = {f"{message}.{name}" for message, names in fields_of.items() for name in names - known}

    assert undecided == set()
    assert known == set().union(*fields_of.values())


def test_a_canary_in_any_text_in_clear_is_gone() -> None:
    substitutes, filled = Substitutes(), 0
    for attributes in HistoryEvent.DESCRIPTOR.oneofs_by_name["attributes"].fields:
        event = HistoryEvent()
        _fill(getattr(event, attributes.name), depth=4)
        filled += CANARY in str(event)

        clear_text.unnamed(event, substitutes.of)

        assert "Quackenbush" not in str(event), attributes.name
    assert filled == 40


def _fill(message: Any, *, depth: int) -> None:
    """Write the canary into every text in clear that is not kept by the name of its field."""
    for each in message.DESCRIPTOR.fields:
        if each.type == each.TYPE_STRING and each.name not in clear_text.KEPT:
            if each.is_repeated:
                getattr(message, each.name).append(CANARY)
            elif not (each.name == "name" and _names_a_type(message)):
                setattr(message, each.name, CANARY)
        elif each.message_type not in (None, Payload.DESCRIPTOR) and not each.is_repeated and depth:
            _fill(getattr(message, each.name), depth=depth - 1)


def _names_a_type(message: Any) -> bool:
    return message.DESCRIPTOR.name in ("ActivityType", "WorkflowType", "TaskQueue", "Input")


async def test_the_host_of_a_worker_and_what_a_client_called_its_update_are_gone() -> None:
    run = histories.of_file(corpus.HISTORIES / "ordinary.json.gz")
    held = bench()

    made = await redacted(run, held)

    host = run.events[0].workflow_execution_started_event_attributes.identity
    assert f"{host}-" in await everything_said(run, corpus.ring())
    assert host not in await everything_said(made, held.ring)
    named = [(one, other) for one, other in zip(_updates(run), _updates(made), strict=True) if one]
    assert len(named) > 3
    assert all(one != other for one, other in named)


def _updates(run: Recorded) -> list[str]:
    """Give, event by event, what a client called the update that an event belongs to."""
    return [
        said[0].partition('"')[0] if (said := str(event).split('update_id: "', 1)[1:]) else "" for event in run.events
    ]


DECIDED = Path(__file__).with_name("start_inputs.txt")


def decisions() -> list[str]:
    """Say of every field of every type that a run may start with what becomes of it in a redacted history."""
    seen: dict[str, Any] = {}
    for definition in types().workflows.values():
        for hint in definition.arg_types or ():
            _types_of(hint, seen)
    return sorted(
        f"{name}.{field}: {_decision(name, field, hint)}"
        for name, each in seen.items()
        for field, hint in get_type_hints(each).items()
    )


def _decision(owner: str, field: str, hint: Any) -> str:
    inner = {each for each in _leaves(hint) if each is not type(None)}
    texts = [personal.kind_of(owner, field).value] if str in inner else []
    others = sorted(each.__name__ for each in inner if each is not str)
    return ", ".join(texts + others)


def _leaves(hint: Any) -> Iterator[Any]:
    arguments = [each for each in get_args(hint) if each is not Ellipsis]
    if arguments:
        for each in arguments:
            yield from _leaves(each)
    else:
        yield hint


def test_what_becomes_of_each_field_that_a_run_starts_with_was_decided_by_somebody() -> None:
    """A run that was reopened or crossed over starts with all that a case knows.

    Texts are `personal` (replaced) unless `escalations/personal.py` says otherwise; numbers, times and enums stay. Who
    adds a field asks whether it can name somebody, decides there, and adds its line here.
    """
    assert decisions() == DECIDED.read_text(encoding="utf-8").splitlines()
