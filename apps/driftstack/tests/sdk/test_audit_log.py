from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from driftstack import DriftstackError, ForbiddenError
from town import Person, Town
from wire import is_id, moment

ENTRY = {
    "id",
    "account_id",
    "actor_type",
    "actor_account_id",
    "actor_key_id",
    "action",
    "target_resource_id",
    "payload",
    "ip_address",
    "user_agent",
    "timestamp",
}


def _toggle(olive: Person, times: int) -> None:
    for n in range(times):
        olive.api.email_preferences.set({"event_type": "tier-changed", "opted_in": n % 2 == 1})


def _check(entry: dict[str, Any], olive: Person) -> None:
    assert set(entry) >= ENTRY
    assert is_id(entry["id"])
    assert entry["account_id"] == olive.id
    assert entry["actor_type"] in ("customer", "system", "staff")
    assert entry["actor_account_id"] is None or is_id(entry["actor_account_id"], "acc")
    assert entry["payload"] is None or isinstance(entry["payload"], dict)
    assert (entry["ip_address"], entry["user_agent"]) == (None, None)
    moment(entry["timestamp"])


def test_every_entry_carries_every_key(olive: Person) -> None:
    olive.key("read")
    olive.api.account.update_me({"name": "Olive II"})
    page = olive.api.audit_log.list()
    assert set(page) >= {"data", "has_more", "next_cursor"}
    assert (page["has_more"], page["next_cursor"]) == (False, None)
    for entry in page["data"]:
        _check(entry, olive)
    actions = [entry["action"] for entry in page["data"]]
    assert actions[:3] == ["account.updated", "api_key.minted", "account.login"]
    assert actions[-1] == "account.created"
    newest = page["data"][0]
    assert (newest["actor_type"], newest["actor_account_id"]) == ("customer", olive.id)
    assert newest["actor_key_id"].startswith("wsk_")


def test_the_newest_comes_first(olive: Person) -> None:
    _toggle(olive, 4)
    times = [moment(entry["timestamp"]) for entry in olive.api.audit_log.list()["data"]]
    assert times == sorted(times, reverse=True)


def test_a_walk_meets_every_entry_once(olive: Person) -> None:
    _toggle(olive, 7)
    whole = olive.api.audit_log.list(limit=100)["data"]
    for limit in (1, 2, 3, len(whole), 100):
        assert list(olive.api.audit_log.iterate(limit=limit)) == whole


def test_a_walk_does_not_mind_what_happens_meanwhile(olive: Person) -> None:
    _toggle(olive, 4)
    before = olive.api.audit_log.list()["data"]
    walk = olive.api.audit_log.iterate(limit=2)
    met = [next(walk)]
    _toggle(olive, 3)
    met.extend(walk)
    assert met == before


def test_a_page_says_whether_there_is_more(olive: Person) -> None:
    _toggle(olive, 3)
    first = olive.api.audit_log.list(limit=2)
    assert len(first["data"]) == 2 and first["has_more"] is True
    second = olive.api.audit_log.list(limit=100, cursor=first["next_cursor"])
    assert (second["has_more"], second["next_cursor"]) == (False, None)


def test_the_log_is_filtered_by_action(town: Town, olive: Person, ada: Person) -> None:
    town.join(olive, ada, "member")
    _toggle(olive, 2)
    [accepted] = olive.api.audit_log.list(action="team.invite_accepted")["data"]
    assert accepted["actor_account_id"] == ada.id
    team = [entry["action"] for entry in olive.api.audit_log.iterate(action="team.*", limit=1)]
    assert team == ["team.invite_accepted", "team.member_invited"]
    assert olive.api.audit_log.list(action="api_key.revoked")["data"] == []


def test_a_query_that_will_not_do_is_refused(olive: Person) -> None:
    _toggle(olive, 2)
    cursor = olive.api.audit_log.list(limit=1)["next_cursor"]
    tampered = cursor[:-2] + ("aa" if cursor[-2:] != "aa" else "bb")
    for query in ({"limit": 0}, {"limit": 101}, {"cursor": tampered}, {"cursor": "made-up"}):
        with pytest.raises(DriftstackError) as refused:
            olive.api.audit_log.list(**query)
        assert refused.value.status == 400, query


def test_a_cursor_is_good_on_its_own_log_only(olive: Person, bo: Person) -> None:
    _toggle(olive, 2)
    _toggle(bo, 2)
    cursor = olive.api.audit_log.list(limit=1)["next_cursor"]
    with pytest.raises(DriftstackError) as refused:
        bo.api.audit_log.list(cursor=cursor)
    assert refused.value.status == 400


def test_reading_the_log_takes_its_scope(town: Town, olive: Person) -> None:
    assert town.client(olive.key("read:audit").plaintext).audit_log.list()["data"]
    with pytest.raises(ForbiddenError, match="read:audit"):
        town.client(olive.key("write").plaintext).audit_log.export()


def test_an_export_holds_the_whole_log(olive: Person) -> None:
    _toggle(olive, 5)
    export = olive.api.audit_log.export()
    assert _without_links(export["data"]) == _without_links(olive.api.audit_log.list(limit=100)["data"])
    assert (export["account_id"], export["truncated"], export["row_count"]) == (olive.id, False, len(export["data"]))
    moment(export["generated_at"])
    for entry in export["data"]:
        _check(entry, olive)
        assert {"seq", "prev_hash", "hash"} <= set(entry)
    assert [entry["seq"] for entry in export["data"]] == list(range(len(export["data"]), 0, -1))


def _without_links(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: entry[key] for key in ENTRY} for entry in entries]


def test_an_export_proves_itself(town: Town, olive: Person, tmp_path: Path) -> None:
    _toggle(olive, 3)
    export = olive.api.audit_log.export()
    file = tmp_path / "export.json"

    file.write_text(json.dumps(export))
    proof = town.run("audit", "verify", str(file))
    assert proof.returncode == 0, proof.stderr
    assert str(export["row_count"]) in proof.stdout and export["head_hash"] in proof.stdout

    export["data"][1]["payload"]["opted_in"] = "never mind"
    file.write_text(json.dumps(export))
    assert town.run("audit", "verify", str(file)).returncode == 1
