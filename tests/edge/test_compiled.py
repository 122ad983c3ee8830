"""Where compiled code lies, and what becomes of a kernel that cannot be had or says something else than the rules."""

import asyncio
import sys

import pytest

from safetynet.edge import compiled


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_kernel_that_says_else_than_the_rules_is_not_given_out(monkeypatch):
    assert compiled.load().FOLLOWS
    monkeypatch.setattr(sys.modules["safetynet.core.kernel.trial"], "agrees", lambda: False)
    with pytest.raises(AssertionError, match="something else"):
        compiled.load()


async def test_what_lies_there_is_not_compiled_again(home, monkeypatch):
    compiled.folder().mkdir(parents=True)
    (compiled.folder() / compiled.READY).touch()
    monkeypatch.setattr(asyncio, "create_subprocess_exec", None)
    await compiled.fill()


async def test_a_compiler_that_fails_is_told(home, monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(ChildProcessError):
        await compiled.fill()
    assert not compiled.filled()


async def test_whoever_is_cut_off_leaves_no_compiler_behind(home, monkeypatch):
    real, begun = asyncio.create_subprocess_exec, []

    async def exec_(*_words, **more):
        begun.append(await real("sleep", "60", **more))
        return begun[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", exec_)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(compiled.fill(), 0.3)
    assert begun[0].returncode is not None
