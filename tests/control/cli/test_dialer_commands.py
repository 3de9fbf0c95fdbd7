"""`offhook schedule`, `offhook campaign` and `offhook import`, typed at a running API."""

import pathlib

from offhook.tests.kit.terminal import Terminal


async def test_a_schedule_is_added_changed_paused_resumed_and_deleted(terminal: Terminal) -> None:
    agent = await terminal.json("agent", "create", "Anna")
    rule = ("--every", "week", "--time", "09:30", "--days", "mon,thu")
    zone = ("--timezone", "Europe/Berlin", "--business-hours", "--end", "2027-06-30")
    made = await terminal.json(
        "schedule", "add", "+1 555-0100", "--name", "Weekly", "--agent", "Anna", *rule, *zone
    )
    assert (made["to"], made["agent_id"]) == ("+15550100", agent["id"])
    said = made["recurrence"]
    assert (said["pattern"], said["days"], said["end_date"]) == ("weekly", [1, 4], "2027-06-30")
    assert (said["business_hours_only"], said["timezone"]) == (True, "Europe/Berlin")
    assert made["next_run_at"].endswith("Z")
    code, out, _ = await terminal.type("schedule", "list")
    assert code == 0
    assert "Weekly  +15550100  weekly   09:30  Europe/Berlin" in out
    changed = await terminal.json("schedule", "change", "Weekly", "--time", "10:00")
    assert changed["recurrence"] == {**said, "time": "10:00"}
    changed = await terminal.json(
        "schedule", "change", "Weekly", "--every", "month", "--day", "31", "--agent", "none"
    )
    assert (
        changed["recurrence"] | {"pattern": "monthly", "day": 31, "days": []}
        == (changed["recurrence"])
    )
    assert changed["agent_id"] is None
    paused = await terminal.json("schedule", "pause", "Weekly")
    assert (paused["is_active"], paused["next_run_at"]) == (False, None)
    assert (await terminal.json("schedule", "resume", made["id"]))["is_active"] is True
    assert await terminal.type("schedule", "delete", "Weekly") == (0, "", "")
    assert await terminal.json("schedule", "list") == []


async def test_a_campaign_is_made_of_a_file_launched_paused_and_stopped(
    terminal: Terminal, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("\ufeff+15550101  # Ann\n\n+1 (555) 0102\n+15550101\n")
    made = await terminal.json(
        *("campaign", "create", "Spring", "--numbers", str(file), "--at-once", "3"),
        *("--opens", "09:00", "--closes", "18:00", "--days", "mon-fri"),
        *("--timezone", "Europe/Berlin", "--end", "2027-01-31T18:00"),
    )
    assert (made["status"], made["progress"]["numbers"]) == ("draft", 2)
    assert (made["max_concurrent"], made["window"]["days"]) == (3, [1, 2, 3, 4, 5])
    changed = await terminal.json("campaign", "change", "Spring", "--closes", "17:00")
    assert changed["window"] == {**made["window"], "closes": "17:00"}
    more = await terminal.json("campaign", "add", "Spring", "+15550103", "+15550101")
    assert more == {"added": 1, "duplicates": 1, "numbers": 3}
    assert (await terminal.json("campaign", "launch", "Spring"))["status"] == "active"
    assert (await terminal.json("campaign", "pause", "Spring"))["status"] == "paused"
    code, out, _ = await terminal.type("campaign", "list", "--status", "paused")
    assert (code, out.splitlines()[1].split()[1:4]) == (0, ["Spring", "paused", "3"])
    code, out, _ = await terminal.type("campaign", "numbers", "Spring", "--status", "waiting")
    assert (code, "+15550103" in out) == (0, True)
    assert (await terminal.json("campaign", "stop", "Spring"))["status"] == "completed"
    code, _, err = await terminal.type("campaign", "launch", "Spring")
    assert (code, "is completed cannot launch" in err) == (2, True)
    assert await terminal.type("campaign", "delete", "Spring") == (0, "", "")


async def test_a_file_of_numbers_that_cannot_be_read_is_told(terminal: Terminal) -> None:
    code, _, err = await terminal.type("campaign", "create", "Spring", "--numbers", "none.txt")
    assert (code, err.count("\n"), "No such file" in err) == (2, 1, True)
    assert await terminal.json("campaign", "list") == [], "and no campaign is left of it"
    await terminal.type("campaign", "create", "Spring")
    code, _, err = await terminal.type("campaign", "add", "Spring", "12", "+15550100")
    assert (code, "numbers[0]: neither a number" in err) == (2, True)


async def test_a_file_is_validated_imported_once_and_its_errors_are_shown(
    terminal: Terminal, tmp_path: pathlib.Path
) -> None:
    agent = await terminal.json("agent", "create", "Anna")
    file = tmp_path / 'of "us".csv'
    file.write_text("phone;name\n+15550101;Ann\nx;Bob\n")
    code, out, _ = await terminal.type("import", "validate", str(file), "--agent", "Anna")
    assert code == 1, "some rows are bad"
    assert "phone=phone, name=name" in out
    assert "neither a number of 3 to 15 digits" in out
    made = await terminal.json("import", "create", str(file), "--once", "--no-place")
    assert (made["file_name"], made["status"]) == ('of "us".csv', "queued")
    assert (await terminal.json("import", "create", str(file), "--once"))["id"] == made["id"]
    again = await terminal.json("import", "create", str(file), "--agent", agent["id"])
    assert again["id"] != made["id"], "without a key it is another import"
    code, out, _ = await terminal.type("import", "list", "--status", "queued")
    assert (code, len(out.splitlines())) == (0, 3)
    assert (await terminal.json("import", "show", made["id"]))["id"] == made["id"]
    assert await terminal.json("import", "errors", made["id"]) == []
    assert (await terminal.json("import", "cancel", made["id"]))["status"] == "cancelled"
    assert await terminal.type("import", "delete", made["id"]) == (0, "", "")
    good = tmp_path / "good.csv"
    good.write_text("+15550101,Ann\n")
    code, _, _ = await terminal.type("import", "validate", str(good), "--columns", "phone,name")
    assert code == 0
    code, _, err = await terminal.type("import", "validate", "none.csv")
    assert (code, err) == (2, "offhook: none.csv: No such file or directory\n")
