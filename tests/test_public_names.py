import pytest

import ravine


def test_every_public_name_is_there():
    assert sorted(ravine._HOMES) == ravine.__all__
    for name in ravine.__all__:
        assert getattr(ravine, name).__doc__
    assert set(ravine.__all__) < set(dir(ravine))


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        getattr(ravine, "noth" + "ing")
