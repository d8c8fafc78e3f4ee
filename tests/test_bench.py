"""What bench/ waits for is there; the times themselves are no matter of a test."""

import pytest
import waits

from helpers.display import explorer


@pytest.mark.parametrize("line", waits.IMPORTS)
def test_an_import_that_is_timed_is_one_a_reader_can_write(line):
    exec(line, {})


def test_a_move_that_is_timed_moves_the_picture(obs):
    still = explorer.picture(obs, vectors=4).to_dict()
    for name, move in waits.MOVES.items():
        assert explorer.picture(obs, vectors=4, **move).to_dict() != still, name
