"""Who calls nobody says why; who calls somebody names what cannot be called."""

import pytest

from offhook.bench import api, capacity, peers, quality, vad


@pytest.mark.parametrize(
    ("main", "why"),
    [
        (vad.main, "labelled sound"),
        (api.main, "Offhook's own REST API"),
        (peers.main, "libraries in processes of this machine"),
    ],
)
@pytest.mark.parametrize("target", ["sip:bot@127.0.0.1", "https://127.0.0.1/whip"])
def test_who_calls_nobody_refuses_a_target_and_says_why(
    main: object, why: str, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main(["--target", target])
    assert ended.value.code == 2
    told = " ".join(capsys.readouterr().err.split())
    assert f"{target} cannot be measured here" in told
    assert why in told


@pytest.mark.parametrize("main", [capacity.main, quality.main])
def test_who_calls_somebody_names_a_target_that_is_no_address(
    main: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(main)
    with pytest.raises(SystemExit) as ended:
        main(["--target", "ftp://127.0.0.1/whip"])
    assert ended.value.code == 2
    assert "--target ftp://127.0.0.1/whip" in capsys.readouterr().err
