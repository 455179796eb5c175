"""A training goes on after anything that ends it, and says clearly why where it cannot."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from avatar_engine.errors import TrainingError
from avatar_engine.lipsync.synctalk_2d.checkpoint import load_into, load_state
from avatar_engine.lipsync.synctalk_2d.nets.unet import UNet
from avatar_engine.lipsync.synctalk_2d.training.journal import Journal, read_log, read_state
from avatar_engine.lipsync.synctalk_2d.training.limits import Limits
from avatar_engine.lipsync.synctalk_2d.training.loop import Loop
from avatar_engine.lipsync.synctalk_2d.training.options import TrainingOptions
from avatar_engine.lipsync.synctalk_2d.training.run import train_networks
from avatar_engine.lipsync.synctalk_2d.training.studio_set import StudioSet
from avatar_engine.lipsync.synctalk_2d.training.unet_phase import UNetPhase
from tests.avatar_engine.lipsync.synctalk_2d.training.training_kit import SPEC, build_options, write_studio
from tests.rules.source import ROOT

SCRIPT = Path(__file__).with_name("run_training.py")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def studio(tmp_path: Path) -> StudioSet:
    return write_studio(tmp_path / "studio")


def train(studio: StudioSet, folder: Path, options: TrainingOptions | None = None, steps: int | None = None) -> str:
    options = options or build_options()
    return train_networks(studio, options, Journal(folder), Limits(folder, steps=steps))


def losses(folder: Path, phase: str = "unet") -> list[tuple[int, float]]:
    return [(line["step"], line["loss"]) for line in read_log(folder) if line["phase"] == phase and "loss" in line]


def looks(folder: Path) -> list[tuple[int, float]]:
    return [(line["step"], line["psnr_db"]) for line in read_log(folder) if "psnr_db" in line]


def test_network_learns_to_open_the_mouth_with_the_sound(studio: StudioSet, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    assert train(studio, folder, build_options(steps=120, validate_every=40)) == "finished"
    found = losses(folder)
    assert [step for step, _ in found] == list(range(1, 121))
    assert sum(loss for _, loss in found[-10:]) < 0.4 * sum(loss for _, loss in found[:10])
    assert looks(folder)[-1][1] > looks(folder)[0][1] + 1.5
    net = UNet(SPEC)
    load_into(net, load_state(folder / "unet.safetensors"))
    assert len(list((folder / "samples").glob("*.jpg"))) == 3


def test_same_seed_gives_the_same_losses_and_another_seed_others(studio: StudioSet, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(studio, tmp_path / name, build_options(seed=seed), steps=6)
    assert losses(tmp_path / "a") == losses(tmp_path / "b")
    assert losses(tmp_path / "a") != losses(tmp_path / "c")


def test_training_in_slices_is_the_training_in_one(studio: StudioSet, tmp_path: Path) -> None:
    whole, sliced = tmp_path / "whole", tmp_path / "sliced"
    options = build_options(log_every=4)
    assert train(studio, whole, options) == "finished"
    outcomes = [train(studio, sliced, options, steps=steps) for steps in (5, 9, 13, 30)]
    assert outcomes == ["paused", "paused", "paused", "finished"]
    assert losses(sliced) == losses(whole)
    assert looks(sliced) == looks(whole)
    ours, theirs = (load_state(folder / "unet.safetensors") for folder in (whole, sliced))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def run_and_kill(studio: Path, folder: Path, phase: str, at_step: int) -> None:
    """Start the process and kill -9 it when the log has come to `at_step` of `phase`."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), str(studio), str(folder)], cwd=ROOT, env=environ())
    try:
        until = time.monotonic() + 120
        while not any(step >= at_step for step, _ in losses(folder, phase)):
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_killed_training_goes_on_with_the_same_losses(tmp_path: Path) -> None:
    """Killed in both networks, in the middle of an epoch (27 steps) and between two checkpoints (every 7 steps)."""
    write_studio(tmp_path / "studio", enlarge=2)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, str(SCRIPT), str(tmp_path / "studio")]
    subprocess.run([*command, str(whole)], cwd=ROOT, env=environ(), check=True)
    run_and_kill(tmp_path / "studio", killed, "syncnet", 9)
    run_and_kill(tmp_path / "studio", killed, "unet", 11)
    run_and_kill(tmp_path / "studio", killed, "unet", 19)
    subprocess.run([*command, str(killed)], cwd=ROOT, env=environ(), check=True)
    for phase in ("syncnet", "unet"):
        assert losses(killed, phase) == losses(whole, phase)
    assert looks(killed) == looks(whole)


def test_log_cut_in_the_middle_of_a_line_is_mended(studio: StudioSet, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    train(studio, folder, steps=7)
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"phase": "unet", "step": 8, "lo')
    train(studio, folder)
    assert [step for step, _ in losses(folder)] == list(range(1, 31))


class Hungry(UNetPhase):
    """Has memory for so many pictures a step."""

    most = 4

    def step(self, step: int, start: int, count: int) -> dict[str, torch.Tensor]:
        if count > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().step(step, start, count)


def test_out_of_memory_halves_the_batch_and_goes_on(studio: StudioSet, tmp_path: Path) -> None:
    options = build_options(batch=16, steps=5)
    folder = tmp_path / "train"
    assert Loop(Hungry(studio, options, "cpu"), options, Journal(folder), Limits(folder), "cpu").run() == "finished"
    assert [line["batch"] for line in read_log(folder) if "batch" in line] == [4] * 5
    assert (read_state(folder) or {})["batch"] == 4


def test_memory_of_the_processor_counts_too(studio: StudioSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator of torch raises a plain RuntimeError; this is a real one."""
    options = build_options(batch=8, steps=2)
    phase = UNetPhase(studio, options, "cpu")
    real = UNet.forward

    def forward(net: UNet, picture: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        if len(picture) > 4:
            torch.empty(1 << 60, dtype=torch.uint8)
        return real(net, picture, audio)

    monkeypatch.setattr(UNet, "forward", forward)
    folder = tmp_path / "train"
    assert Loop(phase, options, Journal(folder), Limits(folder), "cpu").run() == "finished"
    assert [line["batch"] for line in read_log(folder) if "batch" in line] == [4, 4]


def test_no_memory_for_one_picture_is_said(studio: StudioSet, tmp_path: Path) -> None:
    class Starving(Hungry):
        most = 0

    options = build_options()
    folder = tmp_path / "train"
    with pytest.raises(TrainingError, match="not even suffice for one picture"):
        Loop(Starving(studio, options, "cpu"), options, Journal(folder), Limits(folder), "cpu").run()


def test_other_errors_of_a_step_are_not_taken_for_want_of_memory(studio: StudioSet, tmp_path: Path) -> None:
    class Broken(UNetPhase):
        def step(self, step: int, start: int, count: int) -> dict[str, torch.Tensor]:
            raise RuntimeError("shapes do not fit")

    options = build_options()
    folder = tmp_path / "train"
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        Loop(Broken(studio, options, "cpu"), options, Journal(folder), Limits(folder), "cpu").run()


def test_loss_that_is_no_number_ends_it_and_keeps_the_checkpoint_before(studio: StudioSet, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    options = build_options(log_every=1)
    train(studio, folder, options, steps=8)
    before = (folder / "unet.checkpoint").read_bytes()

    class Poisoned(UNetPhase):
        def step(self, step: int, start: int, count: int) -> dict[str, torch.Tensor]:
            if step == 10:
                with torch.no_grad():
                    next(self._net.parameters()).fill_(float("nan"))
            return super().step(step, start, count)

    with pytest.raises(TrainingError, match="no longer a number near step 11"):
        Loop(Poisoned(studio, options, "cpu"), options, Journal(folder), Limits(folder), "cpu").run()
    assert (folder / "unet.checkpoint").read_bytes() == before
    assert train(studio, folder, options) == "finished"


class FullDisk:
    """A disk without room from the moment that `full` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        real = os.fsync

        def fsync(file: Any) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(file)

        monkeypatch.setattr("os.fsync", fsync)


def test_full_disk_is_said_and_the_checkpoint_before_stays(
    studio: StudioSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "train"
    disk = FullDisk(monkeypatch)
    train(studio, folder, steps=8)
    before = (folder / "unet.checkpoint").read_bytes()
    disk.full = True
    with pytest.raises(TrainingError, match=r"the disk is full: .*make room and start the training again"):
        train(studio, folder)
    assert (folder / "unet.checkpoint").read_bytes() == before
    assert not list(folder.glob("*.draft"))
    disk.full = False
    assert train(studio, folder) == "finished"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_every_writer_of_training_knows_a_full_disk(studio: StudioSet, tmp_path: Path) -> None:
    """The kernel's own full device, through the log and through the writers of tensors."""
    folder = tmp_path / "train"
    folder.mkdir()
    (folder / "log.jsonl").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match=r"the disk is full: log\.jsonl"):
        Journal(folder).log("unet", 1, {"loss": 1.0})
    (folder / "unet.checkpoint.draft").symlink_to("/dev/full")
    options = build_options()
    loop = Loop(UNetPhase(studio, options, "cpu"), options, Journal(folder), Limits(folder, steps=0), "cpu")
    (folder / "log.jsonl").unlink()
    with pytest.raises(TrainingError, match=r"the disk is full: unet\.checkpoint"):
        loop.run()


def test_wish_to_stop_ends_it_with_a_checkpoint(studio: StudioSet, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    train(studio, folder, steps=4)
    (folder / "stop").touch()
    assert train(studio, folder) == "stopped"
    (folder / "stop").unlink()
    assert train(studio, folder) == "finished"


def test_time_is_up_by_the_clock_of_the_run(tmp_path: Path) -> None:
    now = [0.0]
    limits = Limits(tmp_path, seconds=60, clock=lambda: now[0])
    assert limits.find_ending() is None
    now[0] = 60.0
    assert limits.find_ending() == "paused"


def test_run_ends_when_its_parent_is_gone(tmp_path: Path) -> None:
    assert Limits(tmp_path, parent=os.getppid()).find_ending() is None
    assert Limits(tmp_path, parent=1 << 22).find_ending() == "paused"


def test_training_ends_when_held_out_pictures_get_no_better(studio: StudioSet, tmp_path: Path) -> None:
    class Finished(UNetPhase):
        def validate(self) -> dict[str, float]:
            return super().validate() | {"psnr_db": 30.0}

    options = build_options(steps=500, validate_every=2, patience=3)
    folder = tmp_path / "train"
    assert Loop(Finished(studio, options, "cpu"), options, Journal(folder), Limits(folder), "cpu").run() == "finished"
    assert losses(folder)[-1][0] == 8  # the first look sets the mark, three see no better


def test_checkpoint_that_is_damaged_is_refused(studio: StudioSet, tmp_path: Path) -> None:
    folder = tmp_path / "train"
    train(studio, folder, steps=3)
    content = (folder / "unet.checkpoint").read_bytes()
    (folder / "unet.checkpoint").write_bytes(content[: len(content) // 2])
    with pytest.raises(TrainingError, match=r"cannot be read .*begin anew with --fresh"):
        train(studio, folder)
