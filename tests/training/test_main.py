from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from training.__main__ import main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("train", "baseline", "evaluate", "export", "benchmark", "bench", "gazetteer"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--config", "none.yaml"], "No such file"),
        (["train", "--config", str(ROOT / "configs" / "tiny.yaml")], "no corpus file"),
        (["export", "--config", str(ROOT / "configs" / "tiny.yaml")], "checkpoint.pt is missing"),
        (["evaluate", "--artifact", "nowhere"], "give one with --scorer"),
    ],
)
def test_what_a_user_can_mend_is_said_in_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--data", str(tmp_path / "data")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert "Traceback" not in error
